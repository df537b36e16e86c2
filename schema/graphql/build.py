"""The schema, put together, and its text."""

from __future__ import annotations

from typing import Any

import strawberry
from graphql import GraphQLArgument, GraphQLInputField, GraphQLInputObjectType, GraphQLObjectType, Undefined
from strawberry.schema.config import StrawberryConfig

from schema.graphql.guarding import guard
from schema.graphql.mutation import Mutation
from schema.graphql.query import Query
from schema.graphql.scalars import SCALARS
from schema.graphql.subscription import Subscription


def build_schema(schema_class: type[strawberry.Schema] = strawberry.Schema, **options: Any) -> strawberry.Schema:
    """The executable schema. `options` go to the class, after ours: a transport brings its own extensions.

    Raises LookupError when a field's right is not decided.
    """
    schema = schema_class(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(scalar_map=SCALARS),
        **options,
    )
    _leave_out_null_defaults(schema)
    guard(schema._schema)
    return schema


def sdl() -> str:
    """The contract as text: what `schema.graphql` at the root of the repository holds."""
    return build_schema().as_str() + "\n"


def _leave_out_null_defaults(schema: strawberry.Schema) -> None:
    """An optional argument has no default in the contract; Python's None would make it `= null`."""
    found: list[GraphQLArgument | GraphQLInputField] = []
    for type_ in schema._schema.type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            found += type_.fields.values()
        elif isinstance(type_, GraphQLObjectType):
            found += [argument for field in type_.fields.values() for argument in field.args.values()]
    for place in found:
        if place.default_value is None:
            place.default_value = Undefined
