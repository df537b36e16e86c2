from __future__ import annotations

from pathlib import Path

import pytest
from graphql import GraphQLSchema, Undefined, build_schema, print_type
from graphql.utilities import value_from_ast_untyped

from schema.graphql.build import sdl

HERE = Path(__file__).parent
CONTRACT = build_schema((HERE / "contract.graphql").read_text())
OURS = build_schema(sdl())

# What later issues bring. Whatever is named here and exists already makes the last test fail.
LATER_TYPES = ("PortalLink",)
LATER_FIELDS = ("Mutation.createPortalLink", "Mutation.revokePortalLink")


def parts(schema: GraphQLSchema) -> dict[str, str]:
    """Every named thing of a schema, such as "Query.users(first)", with what it is and its default."""
    found: dict[str, str] = {}
    for name, type_ in schema.type_map.items():
        if name.startswith("__"):
            continue
        found[name] = type(type_).__name__
        for field_name, field in getattr(type_, "fields", {}).items():
            found[f"{name}.{field_name}"] = f"{field.type}{default(field)}"
            for argument_name, argument in getattr(field, "args", {}).items():
                found[f"{name}.{field_name}({argument_name})"] = f"{argument.type}{default(argument)}"
        for value in getattr(type_, "values", {}):
            found[f"{name}={value}"] = "value"
        for member in getattr(type_, "types", ()):
            found[f"{name}|{member.name}"] = "member"
    return found


def default(place: object) -> str:
    """The default of an argument or an input field, as the SDL writes it."""
    node = getattr(place, "ast_node", None)
    written = getattr(node, "default_value", None)
    if written is None:
        assert getattr(place, "default_value", Undefined) is Undefined
        return ""
    return f" = {value_from_ast_untyped(written)!r}"


def is_later(name: str) -> bool:
    owner = name.split(".")[0].split("=")[0].split("|")[0]
    return owner in LATER_TYPES or name.split("(")[0] in LATER_FIELDS


IN_SCOPE = sorted(name for name in parts(CONTRACT) if not is_later(name))


def test_the_schema_file_is_what_the_code_says() -> None:
    assert (HERE.parents[1] / "schema.graphql").read_text() == sdl(), (
        "write it anew: python -c 'from schema.graphql.build import sdl; print(sdl(), end=\"\")' > schema.graphql"
    )


def test_everything_in_scope_of_the_contract_is_there_with_its_type_and_default() -> None:
    wanted, ours = parts(CONTRACT), parts(OURS)
    assert {name: ours.get(name) for name in IN_SCOPE} == {name: wanted[name] for name in IN_SCOPE}


def test_only_what_is_nullable_was_added_to_the_contract() -> None:
    added = set(parts(OURS)) - set(parts(CONTRACT)) - {"Boolean", "String", "Int", "Float", "ID"}
    assert added == {"Group.removedAt", "User.removedAt", "Organization.removedAt"}


def test_nothing_that_a_later_issue_brings_is_there_half_done() -> None:
    ours = parts(OURS)
    assert [name for name in (*LATER_TYPES, *LATER_FIELDS) if name in ours] == []


@pytest.mark.parametrize("name", sorted(name for name in OURS.type_map if not name.startswith("__")))
def test_every_type_says_what_it_is(name: str) -> None:
    assert OURS.type_map[name].description, print_type(OURS.type_map[name])
