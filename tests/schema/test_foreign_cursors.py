"""Another organization's cursor only moves the window over one's own; what another does is never told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from schema.graphql.asking import parse_key
from schema.queries.changes import changes_head
from schema.queries.journal import journal_head
from tests.schema.asker import SCHEMA, Asker, Followed, ask, coded, of
from tests.schema.crossings import CURSORS, operation
from tests.schema.twins import APPLE, twins
from tests.world import World

CHANGES = """subscription($roles: [String!], $after: Cursor) {
    roleChanges(organizationId: "org_apple", roles: $roles, after: $after) {
      cursor userId event { type organization { id } changes { userId } } } }"""
LISTED = """query($after: Cursor) { changes(organizationId: "org_apple", after: $after) {
    nodes { cursor userId event { type organization { id } changes { userId } } } } }"""
JOURNAL = 'subscription { events(organizationId: "org_apple") { id organization { id } changes { userId } } }'
OWN_CHANGES = 'subscription { roleChanges(userId: "apple_ann") { userId event { changes { userId } } } }'
OWN_ROLES = 'subscription { userRoles(userId: "apple_ann") { user { id } changes { userId } } }'
KEY, USER = APPLE["a key"], APPLE["a user"]


@pytest.fixture
def both(world: World) -> tuple[World, World]:
    """Apple and Zebra."""
    return twins(world)


def edges(data: Any) -> list[dict[str, Any]]:
    """The edges of the one list in an answer."""
    while "edges" not in data:
        (data,) = data.values()
    found: list[dict[str, Any]] = data["edges"]
    return found


def number(cursor: str) -> int:
    """The key or position in a cursor."""
    return int(cursor.rpartition("-")[2], 16) if cursor.startswith("c1-") else parse_key(cursor, default=0)


@pytest.mark.parametrize("place", CURSORS)
def test_anothers_cursor_moves_the_window_and_skips_or_shows_nothing(both: tuple[World, World], place: str) -> None:
    database, asked = both[0].database, CURSORS[place]
    theirs = edges(ask(database, operation(place, asked, "null", "zebra"), of("org_zebra")))
    whole = edges(ask(database, operation(place, asked, "null"), KEY))
    assert theirs
    assert whole
    windows = [
        (theirs[turn]["cursor"], edges(ask(database, operation(place, asked, json.dumps(theirs[turn]["cursor"])), KEY)))
        for turn in range(len(theirs))
    ]
    for cursor, window in windows:
        newest_first = place == "Query.events(after)"
        after = [edge for edge in whole if (number(edge["cursor"]) > number(cursor)) != newest_first]
        assert window == after
    assert any(0 < len(window) < len(whole) for _, window in windows) or len(whole) == 1


def live(world: World, work: Callable[[Asker], Awaitable[None]]) -> None:
    async def run() -> None:
        async with Asker(world.database).running() as asker:
            await asyncio.wait_for(work(asker), 60)

    asyncio.run(run())


async def happens(asker: Asker, what: Callable[[], object]) -> None:
    """Let something happen in the directory, and the feed hear of it."""
    await asyncio.to_thread(what)
    asker.feed.committed(*await asker.database.read(lambda session: (changes_head(session), journal_head(session))))


async def zebra_then_both_then_apple(asker: Asker, apple: World, zebra: World) -> None:
    """What only Zebra has part in, then a role's end that both have, then what only Apple has."""
    await happens(asker, lambda: zebra.joins("zebra_idle", "zebra_ops", "zebra_eng").grants("zebra_ann", "zebra_heir"))
    await happens(asker, lambda: zebra.send(zebra.event("role.deleted", {"name": "admin"})))
    await happens(asker, lambda: apple.joins("apple_idle", "apple_ops"))


def test_what_another_does_is_not_told_and_of_what_touches_both_ones_own_part_is(both: tuple[World, World]) -> None:
    apple, zebra = both

    async def work(asker: Asker) -> None:
        everything = await asker.follow(CHANGES, KEY)
        silent = [await asker.follow(CHANGES, KEY, roles=[role]) for role in ("zebra_own", "zebra_heir", "none_own")]
        journal = await asker.follow(JOURNAL, KEY)
        own, held = await asker.follow(OWN_CHANGES, USER), await asker.follow(OWN_ROLES, USER)
        assert await held.told() == {"user": {"id": "apple_ann"}, "changes": []}
        await zebra_then_both_then_apple(asker, apple, zebra)
        told = [await everything.told() for _ in range(3)]
        assert [each["userId"] for each in told] == ["apple_ann", "apple_bob", "apple_idle"]
        assert told[0]["event"] == {
            "type": "role.deleted",
            "organization": None,
            "changes": [{"userId": "apple_ann"}, {"userId": "apple_bob"}],
        }
        first = await journal.told()
        assert (first["organization"], first["changes"]) == ({"id": "org_apple"}, [{"userId": "apple_idle"}])
        assert await own.told() == {"userId": "apple_ann", "event": {"changes": [{"userId": "apple_ann"}]}}
        assert await held.told() == {"user": {"id": "apple_ann"}, "changes": [{"userId": "apple_ann"}]}
        for stream in (*silent, everything, journal, own, held):
            assert not stream.next.done()
            await stream.end()

    live(apple, work)


async def resumed(asker: Asker, last_event_id: str) -> Followed:
    """Apple's changes as a browser resumes them."""
    context = asker.context(KEY)
    context.last_event_id = last_event_id
    stream: Any = await SCHEMA.subscribe(CHANGES, context_value=context)
    return Followed(stream)


def test_a_stream_resumed_from_anothers_cursor_tells_ones_own_after_it(both: tuple[World, World]) -> None:
    apple, zebra = both
    query = '{ changes(organizationId: "org_zebra") { edges { cursor } } }'
    cursors = [edge["cursor"] for edge in edges(ask(apple.database, query, of("org_zebra")))]

    async def work(asker: Asker) -> None:
        for cursor in cursors[:-1]:
            expected = (await asker.ask(LISTED, KEY, after=cursor))["changes"]["nodes"]
            for stream in (await asker.follow(CHANGES, KEY, after=cursor), await resumed(asker, cursor)):
                assert [await stream.told() for _ in expected] == expected
                assert all(each["userId"].startswith("apple") for each in expected)
                await stream.end()
        refused = await resumed(asker, cursors[0].replace("c1-", "c1-0"))
        assert coded(await refused.result())[0] == "CURSOR_EXPIRED"
        await refused.end()

    assert len(cursors) > 3
    live(zebra, work)
