"""Sources to checked documents, each looked at once: a bounded cache of parse, limits and validation."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import strawberry
from graphql import (
    DocumentNode,
    GraphQLError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
)
from strawberry.schema.schema import validate_document

from api.graphql.complexity import check_document, check_source
from api.graphql.errors import Formatted, RequestError, refusal, request_errors
from api.graphql.limits import Limits
from schema.problems import BadInput, Problem


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was parsed, is within the limits and is valid for the schema. Nothing else makes one."""

    ast: DocumentNode
    operations: dict[str | None, OperationType]

    def operation(self, name: str | None) -> OperationType:
        """The type of the operation to run (GraphQL 6.1, GetOperation). Raises RequestError when that is not one."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is None:
            raise RequestError.of(BadInput("this document has several operations: name one in operationName"))
        if name not in self.operations:
            raise RequestError.of(BadInput(f"this document has no operation named {name!r}"))
        return self.operations[name]


@dataclass(frozen=True, slots=True)
class _Rejected:
    """The other answer: why a source never becomes a Document. Errors are kept formatted, so they hold no nodes."""

    errors: list[Formatted]


class Documents:
    """Least recently used documents of one schema, bounded by number and by the total length of their sources.

    Refusals are kept like documents, so that a bomb costs its measuring once.
    """

    def __init__(self, schema: strawberry.Schema, limits: Limits, *, introspection: bool = True) -> None:
        self._schema = schema._schema
        self._limits = limits
        self._rules = (*specified_rules, *(() if introspection else (NoSchemaIntrospectionCustomRule,)))
        self._entries: OrderedDict[str, Document | _Rejected] = OrderedDict()
        self._characters = 0

    def load(self, source: str) -> Document:
        """The checked document. Raises RequestError: BAD_INPUT for syntax and validation, TOO_COMPLEX for limits."""
        entry = self._entries.get(source)
        if entry is None:
            entry = self._examine(source)
            self._keep(source, entry)
        else:
            self._entries.move_to_end(source)
        if isinstance(entry, _Rejected):
            raise RequestError(entry.errors)
        return entry

    def _examine(self, source: str) -> Document | _Rejected:
        try:
            check_source(source, self._limits)
            ast = parse(source)
            check_document(ast, self._schema, self._limits)
        except Problem as problem:
            return _Rejected([refusal(problem)])
        except GraphQLError as error:
            return _Rejected(request_errors([error]))
        if errors := validate_document(self._schema, ast, self._rules):
            return _Rejected(request_errors(errors))
        operations = {
            node.name.value if node.name else None: node.operation
            for node in ast.definitions
            if isinstance(node, OperationDefinitionNode)
        }
        if not operations:
            return _Rejected([refusal(BadInput("this document has no operation"))])
        return Document(ast, operations)

    def _keep(self, source: str, entry: Document | _Rejected) -> None:
        if len(source) > self._limits.characters:
            return  # refused by its length alone, which costs nothing to find again
        self._entries[source] = entry
        self._characters += len(source)
        while len(self._entries) > self._limits.cached_documents or self._characters > self._limits.cached_characters:
            dropped, _ = self._entries.popitem(last=False)
            self._characters -= len(dropped)
