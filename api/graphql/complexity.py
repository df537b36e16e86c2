"""Measure a document in time linear to its source, before anything slower looks at it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)
from graphql.language.ast import InlineFragmentNode, IntValueNode
from graphql.type import (
    GraphQLField,
    GraphQLNamedType,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)

from api.graphql.limits import Limits
from schema.graphql.sizes import LISTS, OTHERS
from schema.problems import TooComplex

# GraphQL 2.1, lexical tokens. Unterminated strings match to their end, and possessively, so that no source makes the
# expression go back; the parser says what is wrong with them.
_TOKEN = re.compile(
    r'"""(?:\\"""|[^"]|"(?!""))*+(?:""")?|"(?:\\.|[^"\\\n\r])*+"?|#[^\n\r]*|[{(\[]|[})\]]|\.\.\.|[A-Za-z_0-9.+-]+|[!$&:=@|]'
)


def check_source(source: str, limits: Limits) -> None:
    """Raise TooComplex by the source's length, tokens or nesting of brackets, without recursion."""
    limits.check("characters", len(source))
    tokens = depth = deepest = 0
    for match in _TOKEN.finditer(source):
        first = source[match.start()]
        if first == "#":
            continue
        tokens += 1
        if first in "{([":
            depth += 1
            deepest = max(deepest, depth)
        elif first in "})]":
            depth -= 1
    limits.check("tokens", tokens)
    limits.check("nesting", deepest)


def check_document(document: DocumentNode, schema: GraphQLSchema, limits: Limits) -> None:
    """Raise TooComplex by what the document's operations and fragments would expand to.

    Each fragment is measured once, and spreading it adds its measures. Cycles and unknown names count nothing here:
    validation, which comes after, refuses them.
    """
    limits.check("definitions", len(document.definitions))
    _Measuring(schema, limits).check(document)


def check_variables(variables: dict[str, Any], limits: Limits) -> None:
    """Raise TooComplex by the number of values in the variables or by the length of a text, without recursion."""
    left = limits.values
    nested: list[Any] = [variables]
    while nested:
        value = nested.pop()
        members = list(value.values()) if isinstance(value, dict) else value
        left -= len(members)
        if left < 0:
            raise TooComplex(f"values: these variables have more than {limits.values}, which is the limit")
        for member in (*value, *members) if isinstance(value, dict) else members:
            if isinstance(member, str) and len(member) > limits.text:
                raise TooComplex(f"text: a variable has {len(member)} characters, the limit is {limits.text}")
            if isinstance(member, dict | list):
                nested.append(member)


@dataclass(slots=True)
class _Size:
    """What a selection set expands to; `own` are its fields without those beneath them, with fragments' merged in."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    nodes: int = 0
    own: int = 0

    def add(self, other: _Size, *, times: int = 1) -> None:
        self.fields += other.fields
        self.aliases += other.aliases
        self.directives += other.directives
        self.nodes += other.nodes * times

    def merge(self, other: _Size) -> None:
        self.add(other)
        self.depth = max(self.depth, other.depth)
        self.own += other.own


class _Measuring:
    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self._schema = schema
        self._limits = limits
        self._fragments: dict[tuple[str, bool], _Size] = {}

    def check(self, document: DocumentNode) -> None:
        fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        for name in _innermost_first(fragments):
            node = fragments[name]
            parent = self._schema.get_type(node.type_condition.name.value)
            for paged in (False, True):
                size = self._measure(node.selection_set, parent, paged)
                size.directives += len(node.directives or ())
                self._within(size, "depth", "fields", "aliases", "directives")
                self._fragments[name, paged] = size
        for operation in document.definitions:
            if isinstance(operation, OperationDefinitionNode):
                size = self._measure(operation.selection_set, self._schema.get_root_type(operation.operation), False)
                size.directives += len(operation.directives or ())
                for variable in operation.variable_definitions or ():
                    size.directives += len(variable.directives or ())
                self._limits.check("root_fields", size.own)
                self._within(size, "depth", "fields", "aliases", "directives", "nodes")

    def _within(self, size: _Size, *measures: str) -> None:
        for measure in measures:
            self._limits.check(measure, getattr(size, measure))

    def _measure(self, selections: SelectionSetNode, parent: GraphQLNamedType | None, paged: bool) -> _Size:
        """Size of a selection set; recursion is bounded by the source's nesting, which was checked."""
        size = _Size()
        for selection in selections.selections:
            size.directives += len(selection.directives or ())
            if isinstance(selection, FieldNode):
                self._add_field(size, selection, parent, paged)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                inner = self._schema.get_type(condition.name.value) if condition else parent
                size.merge(self._measure(selection.selection_set, inner, paged))
            elif isinstance(selection, FragmentSpreadNode):
                size.merge(self._fragments.get((selection.name.value, paged), _Size()))
            self._limits.check("fields", size.fields)
        return size

    def _add_field(self, size: _Size, node: FieldNode, parent: GraphQLNamedType | None, paged: bool) -> None:
        size.fields += 1
        size.aliases += node.alias is not None
        size.own += 1
        if node.selection_set is None:
            size.depth = max(size.depth, 1)
            return
        definition = self._schema.get_field(parent, node.name.value) if is_composite_type(parent) else None
        first = self._first(node, definition)
        # A field with `first` is one object, which holds so many: those directly beneath it, `nodes` and `edges`
        times = first if first is not None else 1 if paged else _length(parent, node, definition)
        inner = self._measure(
            node.selection_set, get_named_type(definition.type) if definition else None, first is not None
        )
        size.add(inner, times=times)
        size.nodes += times if first is None else 1
        size.depth = max(size.depth, inner.depth + 1)

    def _first(self, node: FieldNode, definition: GraphQLField | None) -> int | None:
        """How many the field's `first` asks for; None when it has none."""
        for argument in node.arguments or ():
            if argument.name.value == "first":
                value = argument.value
                return max(1, int(value.value[:20])) if isinstance(value, IntValueNode) else self._limits.page
        declared = definition.args.get("first") if definition else None
        if declared is None:
            return None
        default = declared.default_value
        return default if isinstance(default, int) else self._limits.page


def _length(parent: GraphQLNamedType | None, node: FieldNode, definition: GraphQLField | None) -> int:
    """How many objects the field is taken to hold: one, or the size of a list that has no `first`."""
    if parent is None or definition is None or not is_list_type(get_nullable_type(definition.type)):
        return 1
    return LISTS.get(f"{parent.name}.{node.name.value}", OTHERS)


def _innermost_first(fragments: dict[str, FragmentDefinitionNode]) -> Iterator[str]:
    """Names so that a fragment comes after those it spreads; without recursion, as fragments chain without brackets."""
    done: set[str] = set()
    for root in fragments:
        path = [] if root in done else [(root, _spreads(fragments[root].selection_set))]
        done.add(root)
        while path:
            name, spreads = path[-1]
            inner = next((spread for spread in spreads if spread in fragments and spread not in done), None)
            if inner is None:
                path.pop()
                yield name
            else:
                done.add(inner)
                path.append((inner, _spreads(fragments[inner].selection_set)))


def _spreads(selection_set: SelectionSetNode) -> Iterator[str]:
    stack: list[SelectionNode] = list(selection_set.selections)
    while stack:
        node = stack.pop()
        if isinstance(node, FragmentSpreadNode):
            yield node.name.value
        elif isinstance(node, (FieldNode, InlineFragmentNode)) and node.selection_set is not None:
            stack.extend(node.selection_set.selections)
