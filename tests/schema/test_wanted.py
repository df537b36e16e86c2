from __future__ import annotations

import time
from typing import Any

import strawberry

from schema.graphql.asking import Ask, Info, format_key, parse_key
from schema.graphql.wanted import Wanted, wanted_by


@strawberry.type
class Thing:
    name: str = ""
    size: int = 0

    @strawberry.field
    def part(self) -> Thing:
        return Thing()

    @strawberry.field
    def other(self) -> Thing:
        return Thing()


def wanted(query: str, **variables: Any) -> Wanted:
    found: list[Wanted] = []

    @strawberry.type
    class Query:
        @strawberry.field
        def thing(self, info: Info, id: int = 0) -> Thing:
            found.append(wanted_by(info))
            return Thing()

    result = strawberry.Schema(Query).execute_sync(query, variable_values=variables)
    assert result.errors is None, result.errors
    return found[0]


def test_aliases_fragments_and_repeated_fields_are_one_tree() -> None:
    tree = wanted(
        """{ thing { a: part { ...Named } part { size } ... on Thing { other { __typename } } ...Named ... { b: name }
        } }
        fragment Named on Thing { name part { ...Inner } } fragment Inner on Thing { other { size } }"""
    )
    leaf = Wanted()
    part = Wanted(name=leaf, part=Wanted(other=Wanted(size=leaf)), size=leaf, other=Wanted(size=leaf))
    assert tree == Wanted(part=part, other=leaf, name=leaf)


def test_what_may_be_included_is_wanted() -> None:
    query = """query($yes: Boolean!) { thing {
        name @skip(if: $yes) part @include(if: $yes) { size } ... @include(if: $yes) { other { name } } } }"""
    assert set(wanted(query, yes=False)) == {"name", "part", "other"}


def test_what_is_not_wanted_is_empty_and_stays_out() -> None:
    tree = wanted("{ thing { name } }")
    assert not tree["part"]["other"]
    assert "part" not in tree
    assert tree.any("name", "part")
    assert not tree.any("part")


def test_trees_are_merged_without_a_change_to_either() -> None:
    one, two = Wanted(part=Wanted(name=Wanted())), Wanted(part=Wanted(size=Wanted()))
    assert one.merged(two) == Wanted(part=Wanted(name=Wanted(), size=Wanted()))
    assert one == Wanted(part=Wanted(name=Wanted()))


def test_fragments_that_double_at_every_step_are_taken_once_a_place() -> None:
    steps = "".join(f"fragment F{n} on Thing {{ ...F{n + 1} ...F{n + 1} }} " for n in range(30))
    started = time.perf_counter()
    tree = wanted("{ thing { id: name ...F0 } } " + steps + "fragment F30 on Thing { size }")
    assert time.perf_counter() - started < 2
    assert set(tree) == {"name", "size"}


def test_a_key_survives_its_cursor() -> None:
    for key in (0, 1, 255, 10**17):
        assert parse_key(format_key(key), default=5) == key
    assert parse_key(None, default=5) == 5


def test_the_same_list_has_the_same_words() -> None:
    from schema.graphql.inputs import UserFilter

    assert Ask(5, None, UserFilter(role="a")).words == Ask(5, None, UserFilter(role="a")).words
    assert Ask(5, None, UserFilter(role="a")).words != Ask(5, None, UserFilter(search="a")).words
