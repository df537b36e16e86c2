"""The feed's live end: wake-ups that come and that do not, and whoever joins while it looks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import pytest
from sqlmodel import Session

from api.feed import Feed
from schema.problems import Unavailable
from tests.following import fed, running, taken, toggle
from tests.system.waiting import until
from tests.world import World

T = TypeVar("T")
pytestmark = pytest.mark.anyio


@pytest.fixture
def busy(world: World) -> World:
    """A world in which `toggle` makes one change, and `flood` many."""
    world.maps("eng", "deployer")
    return world.joins("ada")


async def test_what_no_wake_up_told_is_found_by_looking(busy: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.feed.LOOK_SECONDS", 0.05)
    feed = await fed(busy)
    subscriber = feed.changes(None)
    async with running(feed):
        await asyncio.sleep(0.02)
        await asyncio.to_thread(toggle, busy)
        assert await taken(subscriber, 1) == [1]


async def test_a_look_that_fails_is_not_the_last(busy: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.feed.LOOK_SECONDS", 0.02)
    feed = await fed(busy)
    subscriber = feed.changes(None)
    look, failures = feed.look, [RuntimeError("no such table"), RuntimeError("no such table")]

    async def fail() -> None:
        if failures:
            raise failures.pop()
        await look()

    monkeypatch.setattr(feed, "look", fail)
    async with running(feed):
        await asyncio.to_thread(toggle, busy)
        assert await taken(subscriber, 1) == [1]
    assert failures == []


async def test_a_wake_up_is_answered_at_once(busy: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.feed.LOOK_SECONDS", 60.0)
    feed = await fed(busy)
    subscriber = feed.changes(None)
    async with running(feed):
        await asyncio.sleep(0.02)
        for position in (1, 2):
            await asyncio.to_thread(toggle, busy)
            feed.committed(position, 0)
            assert await taken(subscriber, position) == [position]


class Slow:
    """Reads of which the next is answered only once `go` is set: the world moves on while it is under way."""

    def __init__(self, world: World) -> None:
        self.world, self.holds, self.fails = world, False, 0
        self.go, self.under_way = asyncio.Event(), asyncio.Event()

    async def __call__(self, work: Callable[[Session], T]) -> T:
        if self.fails:
            self.fails -= 1
            raise Unavailable("the database cannot be reached")
        holds, self.holds = self.holds, False
        found = await self.world.database.read(work)
        if holds:
            self.under_way.set()
            await self.go.wait()
        return found


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("others", [True, False])
async def test_a_subscriber_that_joins_while_a_look_is_under_way_misses_nothing(
    busy: World, told: bool, others: bool
) -> None:
    read = Slow(busy)
    feed = Feed(read)
    await feed.look()
    if others:
        feed.changes(None)
    toggle(busy)
    read.holds = True
    look = asyncio.create_task(feed.look())
    await read.under_way.wait()
    toggle(busy)
    if told:
        feed.committed(2, 0)
    subscriber, start = feed.changes(None), 2 if told else 0  # what no wake-up told is not known to be past
    toggle(busy)
    read.go.set()
    await look
    await feed.look()
    assert await taken(subscriber, 3) == list(range(start + 1, 4))


async def test_what_is_committed_while_the_last_page_of_the_past_is_read_is_not_missed(busy: World) -> None:
    read = Slow(busy)
    feed = Feed(read)
    await feed.look()
    feed.changes(None)
    toggle(busy)
    subscriber, read.holds = feed.changes(0), True
    waiting = asyncio.create_task(taken(subscriber, 2))
    await read.under_way.wait()
    toggle(busy)
    await feed.look()  # the tail is past it before the subscriber joins
    read.go.set()
    assert await asyncio.wait_for(waiting, 5) == [1, 2]


async def test_a_database_out_of_reach_is_waited_for(busy: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.feed.LOOK_SECONDS", 0.02)
    read = Slow(busy)
    feed = Feed(read)
    await feed.look()
    subscriber = feed.changes(None)
    read.fails = 3
    async with running(feed):
        await asyncio.to_thread(toggle, busy)
        assert await taken(subscriber, 1) == [1]


async def test_an_outage_is_told_once_a_minute_and_its_end_once(
    busy: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "rolecast.feed")
    monkeypatch.setattr("api.feed.LOOK_SECONDS", 0.01)
    read = Slow(busy)
    feed = Feed(read)
    async with running(feed):
        for told in (2, 4):
            read.fails = 10
            await asyncio.to_thread(until, partial(lambda told: len(caplog.messages) == told, told))
    began, over, *second = caplog.messages
    assert began.startswith("the feed cannot read the logs, and goes on trying")
    assert over == "the feed reads the logs again"
    assert second == [began, over]
    caplog.clear()
    monkeypatch.setattr("api.feed.QUIET_SECONDS", 0.0)
    read.fails = 3
    async with running(feed):
        await asyncio.to_thread(until, lambda: over in caplog.messages)
    assert caplog.messages.count(began) == 3
