"""Hearsay: what this process is told of others' commits makes it look, and is not believed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

import pytest
from sqlmodel import Session

from api.feed import Feed
from api.tail import PAGE
from schema.problems import Unavailable
from tests.following import fed, flood, running, taken, toggle
from tests.system.waiting import until
from tests.world import World

T = TypeVar("T")
pytestmark = pytest.mark.anyio

FAR = 10**19 - 1  # as far as a NOTIFY can say


@pytest.fixture
def busy(world: World) -> World:
    """A world in which `toggle` makes one change."""
    world.maps("eng", "deployer")
    return world.joins("ada")


def log_of(world: World) -> str:
    return str(world.one("SELECT id FROM log"))


@pytest.fixture(params=["its own", "none", "another"])
def named(request: pytest.FixtureRequest, busy: World) -> str:
    """The log that a lie is told of."""
    return {"its own": log_of(busy), "none": "", "another": "ffffffff"}[request.param]


async def test_a_lie_ends_nobody_and_hides_nothing_from_who_comes_later(busy: World, named: str) -> None:
    toggle(busy)
    feed = await fed(busy)
    before, ends = feed.changes(None), feed.now()
    feed.committed(FAR, FAR, named)
    await feed.look()
    assert feed.now() == ends
    later, events = feed.changes(None), feed.events(None)
    feed.committed(FAR, FAR, named)
    toggle(busy)
    await feed.look()
    assert await taken(before, 2) == await taken(later, 2) == [2]
    assert [row.position for row in await asyncio.wait_for(anext(events), 10)] == [feed.now().event]
    assert feed.now() == (2, ends.event + 1)


async def test_a_lie_while_nobody_listens_is_forgotten(busy: World, named: str) -> None:
    feed = await fed(busy)
    feed.committed(FAR, FAR, named)
    toggle(busy)
    follower = feed.changes(None)
    await feed.look()
    assert await taken(follower, 1) == [1]
    feed.measure()
    assert feed._metrics.lag.labels("changes")._value.get() == 0


async def test_the_end_is_known_once_it_was_read_and_before_all_on_the_way_to_it_was(busy: World) -> None:
    pages = 0

    async def read(work: Callable[[Session], T]) -> T:
        nonlocal pages
        pages += 1
        if pages == 4:  # the first two are the look that finds nothing
            raise Unavailable("the database cannot be reached")
        return await busy.database.read(work)

    feed = Feed(read)
    await feed.look()
    feed.changes(None)
    flood(busy, PAGE + 7)
    with pytest.raises(Unavailable):
        await feed.look()
    assert feed.now().change == PAGE + 7
    feed.measure()
    assert feed._metrics.lag.labels("changes")._value.get() == 7


@pytest.mark.parametrize("says_which", [True, False])
async def test_who_follows_gets_at_once_what_others_tell_of_their_log_or_of_none(
    busy: World, says_which: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.feed.LOOK_SECONDS", 60.0)
    feed = await fed(busy)
    follower = feed.changes(None)
    async with running(feed):
        await asyncio.sleep(0.02)
        for position in (1, 2):
            await asyncio.to_thread(toggle, busy)
            feed.committed(position, 0, log_of(busy) if says_which else "")
            assert await taken(follower, position) == [position]


async def test_while_nobody_listens_the_end_is_known_soon_after_it_was_told(
    busy: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.feed.LOOK_SECONDS", 60.0)
    feed = await fed(busy)
    ends = feed.now()
    async with running(feed):
        await asyncio.sleep(0.02)
        await asyncio.to_thread(toggle, busy)
        feed.committed(1, ends.event + 1, log_of(busy))
        await asyncio.to_thread(until, lambda: feed.now() == (1, ends.event + 1))


async def test_another_log_is_no_reason_to_look_and_is_told_once(
    busy: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    feed = await fed(busy)
    feed.changes(None)
    looks: list[Feed] = []

    async def look() -> None:
        looks.append(feed)

    monkeypatch.setattr("api.feed.LOOK_SECONDS", 60.0)
    monkeypatch.setattr(feed, "look", look)
    with caplog.at_level(logging.DEBUG, "rolecast.feed"):
        async with running(feed):
            for _ in range(3):
                await asyncio.sleep(0.01)
                feed.committed(FAR, FAR, "ffffffff")
            await asyncio.sleep(0.01)
            assert len(looks) == 1, "the first, of its own"
            feed.committed(FAR, FAR, log_of(busy))
            await asyncio.sleep(0.01)
            assert len(looks) == 2
    assert len(caplog.messages) == 1
