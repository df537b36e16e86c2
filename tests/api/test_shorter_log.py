"""A log that got shorter, by a rebuild that gives other changes or a failover that lost some: none is missed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from api.feed import Feed
from schema.problems import CursorExpired
from schema.queries.catalogue import CatalogueCache
from schema.sql import Statement
from tests.following import fed, head, taken, toggle
from tests.schema.asker import Asker, coded
from tests.world import World

pytestmark = pytest.mark.anyio

LOG = "SELECT id FROM log"
# A change that no entry of the journal gives: written past Rolecast, or by an older version.
STRAY = Statement("""
    INSERT INTO changes (position, at, event_position, organization_key, user_key, role_key, turn, reasons)
    SELECT position + 1, at, event_position, organization_key, user_key, role_key, turn, reasons
    FROM changes ORDER BY position DESC LIMIT 1""")
LOSE_CHANGES = Statement("DELETE FROM changes WHERE position > :position")
LOSE_EVENTS = Statement("DELETE FROM journal WHERE position > :position")
KEPT = 6  # changes that are left; an even number is lost, so that `ada` is as before


@pytest.fixture
def busy(world: World) -> World:
    """A world in which `toggle` makes one change."""
    world.maps("eng", "deployer")
    world.joins("ada")
    toggle(world, KEPT)
    return world


def strays(world: World) -> None:
    for _ in range(4):
        world.database.write_now(STRAY.run)


def fails_over(world: World) -> None:
    """What came after the changes that are kept never came to the server that took over."""
    last = int(world.one("SELECT event_position FROM changes WHERE position = :position", position=KEPT))
    world.database.write_now(lambda session: LOSE_CHANGES.run(session, position=KEPT))
    world.database.write_now(lambda session: LOSE_EVENTS.run(session, position=last))


SHORTER = pytest.mark.parametrize(
    ("lengthens", "shortens"),
    [(strays, World.rebuilds), (lambda world: toggle(world, 4), fails_over)],
    ids=["rebuild", "failover"],
)
Does = Callable[[World], object]


async def refused(feed: Feed, after: int | None = None) -> None:
    with pytest.raises(CursorExpired):
        await asyncio.wait_for(anext(feed.changes(after)), 10)


@SHORTER
async def test_followers_of_a_log_that_got_shorter_are_ended_and_new_ones_get_all_that_comes(
    busy: World, lengthens: Does, shortens: Does
) -> None:
    lengthens(busy)
    feed = await fed(busy)
    feed.committed(head(busy), 0)
    waiting = [asyncio.ensure_future(anext(each)) for each in (feed.changes(None), feed.changes(KEPT + 4))]
    await asyncio.sleep(0.05)
    shortens(busy)
    await feed.look()
    for each in waiting:
        with pytest.raises(CursorExpired):
            await asyncio.wait_for(each, 10)
    assert feed.listeners() == 0
    follower, past = feed.changes(None), feed.changes(KEPT - 2)
    toggle(busy, 2)
    await feed.look()
    assert await taken(follower, KEPT + 2) == [KEPT + 1, KEPT + 2]
    assert await taken(past, KEPT + 2) == list(range(KEPT - 1, KEPT + 3))


@SHORTER
async def test_nobody_listening_the_next_who_comes_gets_all_that_comes(
    busy: World, lengthens: Does, shortens: Does
) -> None:
    lengthens(busy)
    feed = await fed(busy)
    feed.committed(head(busy), 0)
    shortens(busy)
    await feed.look()
    follower = feed.changes(None)
    toggle(busy)
    await feed.look()
    assert await taken(follower, KEPT + 1) == [KEPT + 1]


async def test_a_commit_of_this_process_that_is_lost_before_it_is_read_is_noticed(busy: World) -> None:
    feed = await fed(busy)
    waiting = asyncio.ensure_future(anext(feed.changes(None)))
    await asyncio.sleep(0)
    toggle(busy, 4)
    feed.committed(head(busy), 0)
    fails_over(busy)
    await feed.look()
    with pytest.raises(CursorExpired):
        await asyncio.wait_for(waiting, 10)


async def test_the_journal_is_begun_anew_likewise(busy: World) -> None:
    toggle(busy, 4)
    feed = await fed(busy)
    waiting = asyncio.ensure_future(anext(feed.events(None)))
    await asyncio.sleep(0)
    fails_over(busy)
    await feed.look()
    with pytest.raises(CursorExpired):
        await asyncio.wait_for(waiting, 10)
    follower = feed.events(None)
    toggle(busy)
    await feed.look()
    assert len(await anext(follower)) == 1


async def test_a_rebuilt_log_that_is_as_long_again_is_another_nonetheless(busy: World) -> None:
    strays(busy)
    feed = await fed(busy)
    waiting = asyncio.ensure_future(anext(feed.changes(None)))
    await asyncio.sleep(0)
    busy.rebuilds()
    toggle(busy, 5)
    await feed.look()
    with pytest.raises(CursorExpired):
        await asyncio.wait_for(waiting, 10)


async def test_who_looks_back_into_a_rebuilt_log_before_the_tail_has_seen_it_is_ended(busy: World) -> None:
    strays(busy)
    feed = await fed(busy)
    behind = feed.changes(2)
    busy.rebuilds()
    toggle(busy, 5)
    with pytest.raises(CursorExpired):
        await anext(behind)


async def test_who_waits_at_an_end_that_was_lost_is_ended_before_the_tail_has_seen_it(busy: World) -> None:
    toggle(busy, 4)
    feed = await fed(busy)
    fails_over(busy)
    await refused(feed, KEPT + 4)


async def test_cursors_of_before_a_rebuild_that_differs_are_refused(busy: World) -> None:
    strays(busy)
    asker = Asker(busy.database)
    ask = '{ changes(organizationId: "org_acme") { nodes { cursor } } }'
    follow = "subscription($after: Cursor) { roleChanges(after: $after) { userId } }"
    async with asker.running():
        cursor = (await asker.ask(ask))["changes"]["nodes"][0]["cursor"]
        follower = await asker.follow(follow, after=(await asker.ask(ask))["changes"]["nodes"][-1]["cursor"])
        await asyncio.to_thread(busy.rebuilds)
        await asker.feed.look()
        assert coded(await follower.result())[0] == "CURSOR_EXPIRED"
        await follower.end()
        late = await asker.follow(follow, after=cursor)
        assert coded(await late.result())[0] == "CURSOR_EXPIRED"
        await late.end()


async def test_a_rebuild_that_gives_the_same_changes_is_noticed_by_nobody(busy: World) -> None:
    log, tables = busy.one(LOG), busy.tables()
    feed = await fed(busy)
    follower = feed.changes(None)
    busy.rebuilds()
    assert (busy.one(LOG), busy.tables()) == (log, tables)
    toggle(busy)
    await feed.look()
    assert await taken(follower, KEPT + 1) == [KEPT + 1]


async def test_a_rebuild_that_gives_other_changes_gives_the_log_a_new_id_and_readers_a_new_catalogue(
    busy: World,
) -> None:
    log, cache = busy.one(LOG), CatalogueCache()
    strays(busy)
    before = busy.database.read_now(cache.of)
    busy.rebuilds()
    after = busy.database.read_now(cache.of)
    assert after.log == busy.one(LOG) != log
    assert len(after.log) == len(log) == 8
    assert after.version > before.version
