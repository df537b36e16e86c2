"""Every restricted field asks the viewer before it resolves, as the table of rights says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, default_field_resolver

from schema.graphql.rights import RIGHTS, Right

Resolve = Callable[..., Any]


def guard(schema: GraphQLSchema, rights: Mapping[str, Right] = RIGHTS) -> None:
    """Put the question before the resolvers of root fields and of those not open to anyone.

    A subscription is asked before its source is made. Raises LookupError when the table lacks a field of the schema,
    decides one twice, or decides one that is not there.
    """
    unused, subscriptions = set(rights), schema.subscription_type
    roots = (schema.query_type, schema.mutation_type, subscriptions)
    for type_ in schema.type_map.values():
        if not isinstance(type_, GraphQLObjectType) or type_.name.startswith("__"):
            continue
        for name, field in type_.fields.items():
            entries = [each for each in (f"{type_.name}.{name}", f"{type_.name}.*") if each in rights]
            if len(entries) != 1:
                raise LookupError(f"{type_.name}.{name} is decided {len(entries)} times; name it once in RIGHTS")
            unused.discard(entries[0])
            right = rights[entries[0]]
            if type_ in roots or right is not Right.ANYONE:
                _guard(field, right, subscription=type_ is subscriptions)
    if unused:
        raise LookupError(f"RIGHTS decides what the schema does not have: {', '.join(sorted(unused))}")


def _guard(field: GraphQLField, right: Right, *, subscription: bool) -> None:
    if not subscription:
        field.resolve = _asking(field.resolve or default_field_resolver, right)
    elif field.subscribe is not None:
        field.subscribe = _asking(field.subscribe, right)


def _asking(resolve: Resolve, right: Right) -> Resolve:
    def ask(source: Any, info: Any, **arguments: Any) -> Any:
        info.context.viewer.must(right)
        return resolve(source, info, **arguments)

    return ask
