"""Where a viewer can put an id, a cursor or a name: every text argument of the schema, inside inputs too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from graphql import GraphQLArgument, GraphQLInputField, GraphQLInputObjectType, GraphQLObjectType, get_named_type

from tests.schema.asker import SCHEMA

TEXTS = ("ID", "String", "Cursor")


def openings() -> set[str]:
    """Each as "Query.users(where.groupId)"."""
    types = SCHEMA._schema.type_map.values()
    fields = [
        (f"{type_.name}.{name}", field)
        for type_ in types
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__")
        for name, field in type_.fields.items()
    ]
    return {f"{name}({path})" for name, field in fields for path in _texts(field.args)}


def _texts(places: Mapping[str, GraphQLArgument | GraphQLInputField]) -> Iterator[str]:
    for name, place in places.items():
        type_ = get_named_type(place.type)
        if isinstance(type_, GraphQLInputObjectType):
            yield from (f"{name}.{inner}" for inner in _texts(type_.fields))
        elif type_.name in TEXTS:
            yield name
