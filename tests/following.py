"""Words for tests of the feed: make changes, and take them as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from api.feed import Feed
from api.tail import Subscriber
from tests.world import World


def toggle(world: World, times: int = 1, user: str = "ada") -> None:
    for _ in range(times):
        world.joins(user, *(() if world.roles(user) else ("eng",)))


def flood(world: World, count: int) -> None:
    """So many changes at once."""
    world.send(*(world.snapshot(f"user_{number}", "eng") for number in range(count)))


def head(world: World) -> int:
    return int(world.one("SELECT coalesce(max(position), 0) FROM changes"))


async def fed(world: World) -> Feed:
    feed = Feed(world.database.read)
    await feed.look()
    return feed


@asynccontextmanager
async def running(feed: Feed) -> AsyncIterator[None]:
    task = asyncio.create_task(feed.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def taken(subscriber: Subscriber[Any], until: int, pause: Callable[[], float] = lambda: 0.0) -> list[int]:
    """Positions as they come, up to the given one."""
    found: list[int] = []

    async def take() -> None:
        async for rows in subscriber:
            found.extend(row.position for row in rows)
            if found[-1] >= until:
                return
            await asyncio.sleep(pause())

    await asyncio.wait_for(take(), 30)
    return found
