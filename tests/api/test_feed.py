"""The feed: every change once, in commit order, from a cursor or from now, for as long as somebody listens."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from api.feed import Feed
from api.tail import BUFFER, PAGE, TAKE, Subscriber
from schema.kinds import Turn
from schema.problems import Lagged, Unavailable
from tests.following import fed, flood, head, running, taken, toggle
from tests.world import World

pytestmark = pytest.mark.anyio


@pytest.fixture
def busy(world: World) -> World:
    """A world in which `toggle` makes one change, and `flood` many."""
    world.maps("eng", "deployer")
    return world.joins("ada")


def write(world: World, last: int) -> None:
    """Make changes, one by one, up to a position."""
    while head(world) < last:
        toggle(world)


async def wake(feed: Feed, world: World, dice: random.Random) -> None:
    """Tell the feed now and then how far the log is, as the writer does."""
    while True:
        await asyncio.sleep(dice.random() * 0.01)
        feed.committed(await asyncio.to_thread(head, world), 0)


@pytest.mark.parametrize("seed", range(3))
async def test_between_past_and_live_there_is_no_gap_and_nothing_twice(busy: World, seed: int) -> None:
    dice = random.Random(seed)
    toggle(busy, 20)
    feed, last = await fed(busy), 60

    async def follow(after: int | None, start: float) -> tuple[int | None, list[int]]:
        await asyncio.sleep(start)
        subscriber = feed.changes(after)
        found = await taken(subscriber, last, lambda: dice.choice((0.0, 0.0, 0.002, 0.01)))
        await subscriber.aclose()
        return after, found

    async with running(feed):
        waking = asyncio.create_task(wake(feed, busy, dice))
        followers = [follow(dice.randrange(20), dice.random() * 0.1) for _ in range(6)] + [follow(None, 0)]
        writer = asyncio.create_task(asyncio.to_thread(write, busy, last))
        found = await asyncio.gather(*followers)
        await writer
        waking.cancel()
    for after, positions in found:
        start = positions[0] if after is None else after + 1
        assert positions == list(range(start, last + 1))
    assert feed.listeners() == 0


async def test_a_past_of_many_pages_is_read_whole(busy: World) -> None:
    flood(busy, 2 * PAGE + 7)
    feed = await fed(busy)
    assert await taken(feed.changes(3), 2 * PAGE + 7) == list(range(4, 2 * PAGE + 8))


@pytest.mark.parametrize("past", [TAKE - 1, TAKE, TAKE + 1, PAGE, PAGE + 1])
async def test_a_past_that_ends_with_a_page_goes_on_live(busy: World, past: int) -> None:
    flood(busy, past)
    feed = await fed(busy)
    subscriber = feed.changes(0)
    assert await taken(subscriber, past) == list(range(1, past + 1))
    waiting = asyncio.ensure_future(taken(subscriber, past + 1))
    await asyncio.sleep(0.05)
    toggle(busy)
    await feed.look()
    assert await waiting == [past + 1]


async def test_without_a_cursor_it_begins_now(busy: World) -> None:
    toggle(busy, 3)
    feed = await fed(busy)
    toggle(busy)
    feed.committed(4, 0)
    subscriber = feed.changes(None)
    toggle(busy)
    await feed.look()
    assert await taken(subscriber, 5) == [5]


async def test_nobody_subscribes_before_the_log_was_looked_at(busy: World) -> None:
    with pytest.raises(Unavailable):
        Feed(busy.database.read).changes(None)


async def test_each_gets_what_is_of_interest(busy: World) -> None:
    feed = await fed(busy)
    busy.send(busy.snapshot("bob"), busy.snapshot("bea", organization="org_beta", roles=["deployer"]))
    keys = {user: busy.one("SELECT key FROM users WHERE id = :id", id=user) for user in ("ada", "bob", "bea")}
    everyone, acme = feed.changes(None), feed.changes(None, organization=1)
    bob, bob_past = feed.changes(None, user=keys["bob"]), feed.changes(0, organization=1, user=keys["bob"])
    toggle(busy)
    toggle(busy, user="bob")
    await feed.look()
    assert await taken(everyone, 3) == [1, 2, 3]
    assert await taken(acme, 3) == [2, 3]
    assert await taken(bob, 3) == await taken(bob_past, 3) == [3]


async def test_a_role_kept_for_other_reasons_is_no_news(busy: World) -> None:
    feed = await fed(busy)
    subscriber = feed.changes(None)
    toggle(busy)
    busy.grants("ada", "deployer")
    assert busy.turns("ada")[-1][1] == Turn.RETAINED
    toggle(busy, user="bob")
    await feed.look()
    assert await taken(subscriber, 3) == [1, 3]


async def test_the_journal_is_followed_likewise(busy: World) -> None:
    feed = await fed(busy)
    before = int(busy.one("SELECT max(position) FROM journal"))
    subscriber, past = feed.events(None), feed.events(0, organization=1)
    toggle(busy, 2)
    await feed.look()
    assert await taken(subscriber, before + 2) == [before + 1, before + 2]
    assert (await taken(past, before + 2))[-2:] == [before + 1, before + 2]


async def test_a_burst_beyond_the_buffer_is_read_from_the_log(busy: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.tail.STALLED_SECONDS", 60.0)
    feed = await fed(busy)
    subscriber = feed.changes(None)
    flood(busy, 3 * BUFFER)
    await feed.look()
    assert len(subscriber._buffer) == 0
    assert await taken(subscriber, 3 * BUFFER) == list(range(1, 3 * BUFFER + 1))
    toggle(busy)
    await feed.look()
    assert await taken(subscriber, 3 * BUFFER + 1) == [3 * BUFFER + 1]
    await subscriber.aclose()
    assert feed.listeners() == 0


async def test_too_far_behind_for_too_long_is_told_and_frees_what_waited(
    busy: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.tail.STALLED_SECONDS", 0.0)
    feed = await fed(busy)
    slow, quick = feed.changes(None), feed.changes(None, user=int(busy.one("SELECT key FROM users")))
    flood(busy, BUFFER + 1)
    await feed.look()
    assert feed.listeners() == 1
    assert len(slow._buffer) == 0
    with pytest.raises(Lagged):
        await anext(slow)
    toggle(busy)
    await feed.look()
    assert await taken(quick, BUFFER + 2) == [BUFFER + 2]
    await slow.aclose()
    await quick.aclose()
    assert feed.listeners() == 0


async def test_as_far_behind_as_the_buffer_is_long_is_not_too_far(busy: World) -> None:
    feed = await fed(busy)
    subscriber = feed.changes(None)
    flood(busy, BUFFER)
    await feed.look()
    assert await taken(subscriber, BUFFER) == list(range(1, BUFFER + 1))


async def test_whoever_lagged_resumes_from_the_last_change_seen(busy: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.tail.STALLED_SECONDS", 0.0)
    feed = await fed(busy)
    subscriber = feed.changes(None)
    toggle(busy)
    await feed.look()
    assert await taken(subscriber, 1) == [1]
    flood(busy, BUFFER + 1)
    await feed.look()
    with pytest.raises(Lagged):
        await anext(subscriber)
    assert await taken(feed.changes(1), BUFFER + 2) == list(range(2, BUFFER + 3))


async def test_leaving_ends_a_wait_and_nobody_is_left(busy: World) -> None:
    feed = await fed(busy)
    subscribers: list[Subscriber[Any]] = [feed.changes(None), feed.changes(0), feed.events(None)]
    waiting = [asyncio.ensure_future(anext(each)) for each in subscribers]
    await asyncio.sleep(0.05)
    assert feed.listeners() == 3
    for each in subscribers:
        await each.aclose()
        await each.aclose()
    assert [type(each) for each in await asyncio.gather(*waiting, return_exceptions=True)] == [StopAsyncIteration] * 3
    assert feed.listeners() == 0
