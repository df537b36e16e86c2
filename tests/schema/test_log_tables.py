from __future__ import annotations

import asyncio

from schema.kinds import Turn
from schema.queries.changes import changes_after, changes_head
from schema.queries.journal import events_after, journal_head
from tests.schema.asker import ROOT, SCHEMA, Asker
from tests.schema.company import another, company
from tests.world import World


def test_changes_after_a_position_are_told_oldest_first_and_in_pieces(world: World) -> None:
    company(world).joins("ada", "eng").joins("bea", "ops").joins("ada")
    read = world.database.read_now
    rows = read(lambda session: changes_after(session, 0, 100))
    assert [row.turn for row in rows] == [Turn.GRANTED, Turn.GRANTED, Turn.REVOKED]
    assert [row.position for row in rows] == [1, 2, 3]
    assert read(lambda session: changes_after(session, 0, 2)) == rows[:2]
    assert read(lambda session: changes_after(session, 2, 100)) == rows[2:]
    assert read(changes_head) == 3
    ada = read(lambda session: changes_after(session, 0, 100, user_key=rows[0].user_key))
    assert ada == [rows[0], rows[2]]


def test_changes_are_told_by_organization(world: World) -> None:
    company(world).joins("ada", "eng")
    another(world)
    rows = world.database.read_now(lambda session: changes_after(session, 0, 100))
    keys = {row.organization_key for row in rows}
    assert len(keys) == 2
    for key in keys:
        found = world.database.read_now(
            lambda session, key=key: changes_after(session, 0, 100, organization_key=key)  # type: ignore[misc]
        )
        assert found == [row for row in rows if row.organization_key == key]


def test_what_is_retained_is_told_to_those_who_ask_for_history(world: World) -> None:
    company(world).joins("ada", "ops").grants("ada", "viewer")
    read = world.database.read_now
    assert [row.turn for row in read(lambda session: changes_after(session, 0, 9))] == [Turn.GRANTED]
    history = read(lambda session: changes_after(session, 0, 9, retained=True))
    assert [row.turn for row in history] == [Turn.GRANTED, Turn.RETAINED]


def test_events_after_a_position_are_told_with_their_payload_only_when_asked_for(world: World) -> None:
    company(world).joins("ada", "eng")
    another(world)
    read = world.database.read_now
    rows = read(lambda session: events_after(session, 0, 100))
    assert [row.position for row in rows] == list(range(1, read(journal_head) + 1))
    assert {row.payload for row in rows} == {None}
    assert {row.organization_id for row in rows} == {None, "org_acme", "org_other"}
    whole = read(lambda session: events_after(session, 0, 1, payload=True))
    assert whole[0].payload is not None
    mine = [row for row in rows if row.organization_id == "org_acme"]
    assert read(lambda session: events_after(session, 0, 100, mine[0].organization_key)) == mine


def test_a_socket_whose_context_lives_on_reads_anew_for_each_operation(world: World) -> None:
    company(world).joins("ada", "eng")
    context = Asker(world.database).context(ROOT)
    query = '{ users(organizationId: "org_acme") { nodes { changes(first: 9) { totalCount } } } }'

    async def count() -> int:
        result = await SCHEMA.execute(query, context_value=context)
        assert result.data is not None
        found: int = result.data["users"]["nodes"][0]["changes"]["totalCount"]
        return found

    assert asyncio.run(count()) == 1
    world.joins("ada", "ops")
    assert asyncio.run(count()) == 3
    assert context.loaders == {}
