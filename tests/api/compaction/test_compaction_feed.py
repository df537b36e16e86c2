"""Those who follow the change log while it is compacted: nothing is missed in silence."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from api import tail
from api.feed import Feed
from api.tail import BUFFER
from schema.problems import CursorExpired
from tests.compacting import compacted
from tests.following import fed, flood, head, taken, toggle
from tests.schema.asker import Asker, coded
from tests.world import World

pytestmark = pytest.mark.anyio


@pytest.fixture
def busy(world: World) -> World:
    """A world in which `toggle` makes one change."""
    return world.maps("eng", "deployer").joins("ada")


def compact_all(world: World, folder: Path) -> None:
    compacted(world, int(world.one("SELECT max(received_at) FROM journal")) + 1, folder)


async def test_a_follower_who_is_up_to_date_notices_nothing(busy: World, tmp_path: Path) -> None:
    toggle(busy, 5)
    feed = await fed(busy)
    idle, follower, events = feed.changes(None, user=99), feed.changes(2), feed.events(None)
    assert await taken(follower, 5) == [3, 4, 5]
    compact_all(busy, tmp_path)
    toggle(busy)
    await feed.look()
    assert await taken(follower, 6) == [6]
    assert [row.type for row in await anext(events)] == ["organization.directory.user_updated"]
    await idle.aclose()


async def test_a_past_that_was_archived_meanwhile_is_refused_and_not_skipped(busy: World, tmp_path: Path) -> None:
    toggle(busy, 5)
    feed = await fed(busy)
    follower = feed.changes(2)
    compact_all(busy, tmp_path)
    with pytest.raises(CursorExpired):
        await anext(follower)
    assert await taken_after(feed, busy, 5) == [6]


async def taken_after(feed: Feed, world: World, position: int) -> list[int]:
    toggle(world)
    return await taken(feed.changes(position), head(world))


async def test_rows_that_were_archived_before_a_process_saw_them_end_its_followers(busy: World, tmp_path: Path) -> None:
    feed = await fed(busy)
    waiting = [asyncio.ensure_future(anext(each)) for each in (feed.changes(None), feed.events(None))]
    await asyncio.sleep(0)
    toggle(busy, 3)
    compact_all(busy, tmp_path)
    toggle(busy)
    await feed.look()
    for each in waiting:
        with pytest.raises(CursorExpired):
            await asyncio.wait_for(each, 10)
    assert await taken_after(feed, busy, head(busy)) == [5]


async def test_a_burst_after_a_long_quiet_is_read_from_a_compacted_log(
    busy: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "STALLED_SECONDS", 60.0)  # it takes nothing while this test compacts
    feed = await fed(busy)
    quiet = feed.changes(None, organization=1)
    busy.send(*(busy.snapshot(user, roles=["deployer"], organization="org_other") for user in ("eve", "eva")))
    await feed.look()
    compact_all(busy, tmp_path)
    flood(busy, BUFFER + 5)
    await feed.look()
    assert await taken(quiet, BUFFER + 7) == list(range(3, BUFFER + 8))


async def test_a_subscription_resumed_from_below_the_floor_is_refused(busy: World, tmp_path: Path) -> None:
    toggle(busy, 3)
    asker = Asker(busy.database)
    async with asker.running():
        answer = await asker.ask('{ changes(organizationId: "org_acme") { nodes { cursor } } }')
        cursors = [each["cursor"] for each in answer["changes"]["nodes"]]
        compact_all(busy, tmp_path)
        follow = "subscription($after: Cursor) { roleChanges(after: $after) { userId } }"
        refused = await asker.follow(follow, after=cursors[0])
        assert coded(await refused.result())[0] == "CURSOR_EXPIRED"
        await refused.end()
        followed = await asker.follow(follow, after=cursors[-1])
        await asyncio.to_thread(toggle, busy)
        await asker.feed.look()
        assert await followed.told() == {"userId": "ada"}
        await followed.end()
