"""Sources to checked documents, each looked at once: a bounded cache of parse, limits and validation."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

import strawberry
from graphql import (
    DocumentNode,
    GraphQLError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    OverlappingFieldsCanBeMergedRule,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from api.graphql.complexity import check_document, check_source, check_variables
from api.graphql.errors import Formatted, RequestError, refusal, request_errors
from api.graphql.hiding import Hiding, Wording
from api.graphql.limits import Limits
from api.graphql.merging import merging_within
from api.graphql.trusted import HASH, NOT_SUPPORTED, Trusted, hash_of
from api.graphql.wire import GraphQLRequest
from api.settings import Misconfigured
from schema.problems import BadInput, Problem

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was parsed, is within the limits and is valid for the schema. Nothing else makes one."""

    ast: DocumentNode
    operations: dict[str | None, OperationType]
    digest: str

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


class _Recent(Generic[Entry]):
    """The least recently used go first when there are too many, or their sources too long together."""

    def __init__(self, number: int, characters: int) -> None:
        self._number = number
        self._characters = characters
        self.entries: OrderedDict[str, Entry] = OrderedDict()
        self.length = 0

    def find(self, source: str) -> Entry | None:
        entry = self.entries.get(source)
        if entry is not None:
            self.entries.move_to_end(source)
        return entry

    def keep(self, source: str, entry: Entry) -> None:
        self.entries[source] = entry
        self.length += len(source)
        while len(self.entries) > self._number or self.length > self._characters:
            dropped, _ = self.entries.popitem(last=False)
            self.length -= len(dropped)


class Documents:
    """The documents of one schema that were asked for lately, or those of a trusted set and no others.

    Refusals are kept too, so that a bomb costs its measuring once; but apart, so that nonsense pushes no good document
    out. Without introspection, no error says what the schema has instead of what was asked.
    """

    def __init__(
        self, schema: strawberry.Schema, limits: Limits, *, introspection: bool = True, trusted: Trusted | None = None
    ) -> None:
        """Look at each trusted document now; raise Misconfigured for one that would not run."""
        self._schema = schema._schema
        self.limits = limits
        self.hides_schema = not introspection
        self._hiding = None if introspection else Hiding(self._schema)
        hiding = () if introspection else (NoSchemaIntrospectionCustomRule,)
        specified = [rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule]
        merging = merging_within(limits.comparisons)
        self._rules = (*specified, merging, *hiding, MaybeNullValidationRule, OneOfInputValidationRule)
        self._good: _Recent[Document] = _Recent(limits.cached_documents, limits.cached_characters)
        self._refused: _Recent[_Rejected] = _Recent(limits.cached_refusals, limits.cached_refused_characters)
        self._trusted = trusted
        self._known = {} if trusted is None else {text: self._must_run(text, trusted) for text in trusted.origins}

    def find(self, request: GraphQLRequest) -> Document:
        """The document that a request sends or names.

        Raises RequestError as `load` does, for an unknown id, and TOO_COMPLEX for more variables than anyone needs.
        """
        try:
            check_variables(request.variables, self.limits)
            if self._trusted is not None:
                return self._known[self._trusted.find(request.query, request.document_id)]
            if request.query is None:
                raise BadInput(NOT_SUPPORTED)
            if (request.document_id or "").startswith(HASH) and request.document_id != hash_of(request.query):
                raise BadInput("the document's id is not the SHA-256 of its text")
        except Problem as problem:
            raise RequestError.of(problem) from None
        return self.load(request.query)

    def load(self, source: str) -> Document:
        """The checked document. Raises RequestError: BAD_INPUT for syntax and validation, TOO_COMPLEX for limits."""
        entry = self._good.find(source) or self._refused.find(source)
        if entry is None:
            entry = self._examine(source, str if self._hiding is None else self._hiding.of_source(source))
            self._keep(source, entry)
        if isinstance(entry, _Rejected):
            raise RequestError(entry.errors)
        return entry

    def wording(self, request: GraphQLRequest, document: Document) -> Wording:
        """How graphql-core's sentences on a request for the document are to read."""
        return str if self._hiding is None else self._hiding.of_request(request, document.ast)

    def _must_run(self, text: str, trusted: Trusted) -> Document:
        entry = self._examine(text)
        if isinstance(entry, _Rejected):
            raise Misconfigured(f"{trusted.origins[text]} is no document to trust: {entry.errors[0]['message']}")
        return entry

    def _examine(self, source: str, worded: Wording = str) -> Document | _Rejected:
        try:
            check_source(source, self.limits)
            ast = parse(source)
            check_document(ast, self._schema, self.limits)
            errors = validate(self._schema, ast, self._rules, hide_suggestions=self.hides_schema)
        except Problem as problem:
            return _Rejected([refusal(problem)])
        except GraphQLError as error:
            return _Rejected(request_errors([error]))
        if errors:
            return _Rejected(request_errors(errors, worded))
        operations = {
            node.name.value if node.name else None: node.operation
            for node in ast.definitions
            if isinstance(node, OperationDefinitionNode)
        }
        if not operations:
            return _Rejected([refusal(BadInput("this document has no operation"))])
        return Document(ast, operations, hash_of(source.strip()))

    def _keep(self, source: str, entry: Document | _Rejected) -> None:
        if isinstance(entry, Document):
            self._good.keep(source, entry)
        elif len(source) <= self.limits.characters:  # else refused by its length, which costs nothing to find again
            self._refused.keep(source, entry)
