"""The whole of what a viewer can reach, as one selection made from the schema, so that a new field is in it at once."""

from __future__ import annotations

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from tests.schema.asker import SCHEMA


def whole(type_name: str, given: dict[str, str | None], depth: int) -> str:
    """The selection of every field of the type, `depth` levels of objects deep; pages are asked for whole.

    `given` has the GraphQL text of each required argument, as "User.explain(role)". A field whose argument is not there
    is left out, and so is one that is itself there, as "Organization.users", with None.
    """
    return _selected(SCHEMA._schema.type_map[type_name], given, depth)


def _selected(type_: GraphQLNamedType, given: dict[str, str | None], depth: int) -> str:
    if isinstance(type_, GraphQLUnionType):
        parts = [f"... on {each.name} {_selected(each, given, depth)}" for each in type_.types]
        return f"{{ __typename {' '.join(parts)} }}"
    assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
    fields = [_field(type_, name, field, given, depth) for name, field in type_.fields.items()]
    return f"{{ __typename {' '.join(fields)} }}"


def _field(
    type_: GraphQLObjectType | GraphQLInterfaceType,
    name: str,
    field: GraphQLField,
    given: dict[str, str | None],
    depth: int,
) -> str:
    answer = get_named_type(field.type)
    page = answer.name.endswith("Connection")
    required = [each for each, argument in field.args.items() if is_required_argument(argument)]
    values = {each: given.get(f"{type_.name}.{name}({each})") for each in required}
    if (
        f"{type_.name}.{name}" in given
        or None in values.values()
        or name == "edges"
        or (depth == 0 and name != "nodes" and not is_leaf_type(answer))
    ):
        return ""
    asked = [f"{each}: {value}" for each, value in values.items()] + ["first: 200"] * page
    alias = f"{type_.name}_{name}: "  # a union's types have fields of one name and different types
    inner = "" if is_leaf_type(answer) else _selected(answer, given, depth if name == "nodes" else depth - 1)
    return f"{alias}{name}{'(' + ', '.join(asked) + ')' if asked else ''} {inner}"
