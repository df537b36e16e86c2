"""The GraphQL that the documentation names in passing, such as `rolesAt(time:)`, is held to the contract."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from graphql import GraphQLField, GraphQLInputObjectType, GraphQLObjectType, build_schema, get_named_type

from tests.processes import REPOSITORY

SCHEMA = build_schema((REPOSITORY / "schema.graphql").read_text(encoding="utf-8"))
FILES = [REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *(REPOSITORY / "docs").rglob("*.md")]
IN_PASSING = re.compile(r"`(?:\w+\.)?(\w+)\(([^`()]*:[^`()]*)\)`")
MENTIONS = sorted({found for file in FILES for found in IN_PASSING.findall(file.read_text(encoding="utf-8"))})


def fields(name: str) -> Iterator[GraphQLField]:
    for kind in SCHEMA.type_map.values():
        if isinstance(kind, GraphQLObjectType) and name in kind.fields:
            yield kind.fields[name]


def has(field: GraphQLField, arguments: str) -> bool:
    """Whether a field has these arguments, and what they hold in braces."""
    held = dict(re.findall(r"(\w+): *\{([^}]*)\}", arguments))
    names = re.findall(r"(\w+):", re.sub(r"\{[^}]*\}", "", arguments))
    return all(name in field.args for name in names) and all(
        set(re.findall(r"(\w+):", inside)) <= inputs(field, name) for name, inside in held.items()
    )


def inputs(field: GraphQLField, argument: str) -> set[str]:
    """What an argument, such as a filter, holds."""
    kind = get_named_type(field.args[argument].type)
    assert isinstance(kind, GraphQLInputObjectType)
    return set(kind.fields)


@pytest.mark.parametrize(("name", "arguments"), MENTIONS)
def test_what_the_documentation_names_is_in_the_contract(name: str, arguments: str) -> None:
    assert any(has(field, arguments) for field in fields(name)), f"{name}({arguments})"


def test_the_documentation_names_some() -> None:
    assert ("events", "where: {outcome: REJECTED}") in MENTIONS
