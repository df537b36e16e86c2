"""What an answer may hold is counted as it is read, before objects are made; and again where it is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from schema.graphql.budget import Budget
from schema.graphql.sizes import LISTS
from schema.problems import TooComplex
from tests.schema.asker import ROOT, SCHEMA, Asker, coded, statements
from tests.world import World

USERS = 12


@pytest.fixture
def mapped(world: World) -> World:
    """Each of the users got a role by one event, which mapped their group."""
    world.group("eng")
    world.send(*(world.snapshot(f"user_{number}", "eng") for number in range(USERS)))
    return world.maps("eng", "deployer").maps("eng", "viewer")


def bounded(world: World, query: str, nodes: int) -> tuple[str, str] | None:
    """How a query is refused by reading, if it is."""
    asker = Asker(world.database)
    context = asker.context(ROOT)
    context.budget = Budget(nodes=nodes)
    result = asyncio.run(SCHEMA.execute(query, context_value=context))
    return None if result.errors is None else coded(result)


def refused(nodes: int) -> tuple[str, str]:
    return "TOO_COMPLEX", f"nodes: this answer has more than {nodes}, which is the limit"


EVENT = '{ events(where: {type: "admin.map_group"}, first: 1) { nodes { changes { kind EXTRA } } } }'


@pytest.mark.parametrize(
    ("query", "objects"),
    [
        (EVENT.replace("EXTRA", ""), 1 + USERS),
        (EVENT.replace("EXTRA", "user { name }"), 1 + 2 * USERS),
        (EVENT.replace("EXTRA", "userId organizationId"), 1 + USERS),
        (EVENT.replace("EXTRA", "reasons { __typename }"), 1 + 2 * USERS),
        ('{ users(organizationId: "org_acme") { nodes { id roles { since } } } }', 3 * USERS),
        ('{ users(organizationId: "org_acme") { nodes { id roles { reasons { __typename } } } } }', 5 * USERS),
        ('{ mappings(organizationId: "org_acme") { id group { mappings { id } } } }', 2 + 1 + 2),
    ],
    ids=["changes", "users of changes", "ids alone", "reasons", "roles", "reasons of roles", "mappings of mappings"],
)
def test_objects_are_counted_as_they_are_read(mapped: World, query: str, objects: int) -> None:
    assert bounded(mapped, query, objects) is None
    assert bounded(mapped, query, objects - 1) == refused(objects - 1)


def test_the_fields_of_one_operation_draw_from_one_budget(mapped: World) -> None:
    both = "{ one: events(first: 2) { nodes { id } } other: events(first: 2) { nodes { id } } }"
    assert bounded(mapped, both, 4) is None
    assert bounded(mapped, both, 3) == refused(3)


def test_changes_of_many_events_are_not_read_past_what_an_answer_may_hold(mapped: World) -> None:
    mapped.send(*(mapped.snapshot(f"user_{number % USERS}", "eng") for number in range(100)))
    for _ in range(6):
        mapped.unmaps("eng", "viewer").maps("eng", "viewer")
    query = "{ events(first: 200) { nodes { changes { kind } } } }"
    with statements() as whole:
        assert bounded(mapped, query, 1_000) is None
    with statements() as cut:
        assert bounded(mapped, query, 200) == refused(200)
    assert len(cut) < len(whole)


def test_a_subscriber_is_bounded_by_each_event_and_not_by_what_came_together(mapped: World) -> None:
    async def follow(nodes: int) -> list[str]:
        async with Asker(mapped.database).running() as asker:
            context = asker.context(ROOT)
            context.budget = Budget(nodes=nodes)
            start = (await asker.ask('{ organization(id: "org_acme") { changes(first: 1) { nodes { cursor } } } }'))[
                "organization"
            ]["changes"]["nodes"][0]["cursor"]
            query = f'subscription {{ roleChanges(after: "{start}") {{ user {{ id roles {{ since }} }} }} }}'
            stream: Any = await SCHEMA.subscribe(query, context_value=context)
            told = []
            async for result in stream:
                told.append(coded(result)[0] if result.errors else result.data["roleChanges"]["user"]["id"])
                if result.errors or len(told) == 2 * USERS - 1:
                    return told
            return told

    told = asyncio.run(asyncio.wait_for(follow(4), 10))
    assert len(told) == 2 * USERS - 1
    assert set(told) == {f"user_{number}" for number in range(USERS)}


def test_telling_counts_objects_and_fields_apart() -> None:
    budget = Budget(nodes=2, fields=5)
    budget.telling(2, 5)
    with pytest.raises(TooComplex, match="nodes: this answer has more than 2, which is the limit"):
        budget.telling(1, 0)
    with pytest.raises(TooComplex, match="fields: this answer has more than 5, which is the limit"):
        budget.anew().telling(1, 6)


def test_every_size_is_of_a_list_of_the_contract_without_first() -> None:
    for place in LISTS:
        type_, _, name = place.partition(".")
        field = SCHEMA._schema.get_type(type_).fields[name]  # type: ignore[union-attr]  # a type with fields
        assert str(field.type).startswith("["), place
        assert "first" not in field.args, place
