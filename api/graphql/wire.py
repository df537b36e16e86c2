"""JSON in and out, and the one shape of a GraphQL request; total: nonsense is BadInput, never another exception."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from api.graphql.errors import internal
from schema.problems import BadInput


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The parameters of GraphQL over HTTP 4, which graphql-transport-ws and graphql-sse share."""

    query: str | None  # left out where `document_id` is enough
    operation_name: str | None
    variables: dict[str, Any]
    extensions: dict[str, Any]
    document_id: str | None = None  # "sha256:" and lower-case hex for one that follows from the text

    @classmethod
    def of(cls, value: Any, what: str = "the body") -> GraphQLRequest:
        """Read a decoded JSON value. Raises BadInput that names what has the wrong type."""
        if isinstance(value, list):
            raise BadInput(f"{what} is a list: batching is off, send one operation at a time")
        if not isinstance(value, dict):
            raise BadInput(f"{what} must be a JSON object")
        extensions = _object(value, "extensions")
        document_id = _document_id(value, extensions)
        query = None if value.get("query") == "" else value.get("query")
        if not isinstance(query, str | None) or not (query or document_id or "").strip():
            raise BadInput("query must be a non-empty string")
        name = value.get("operationName")
        if name is not None and not isinstance(name, str):
            raise BadInput("operationName must be a string or null")
        return cls(query, name or None, _object(value, "variables"), extensions, document_id)


def _document_id(value: dict[str, Any], extensions: dict[str, Any]) -> str | None:
    """What names a document: `documentId` (GraphQL over HTTP, appendix A), or Apollo's `extensions.persistedQuery`."""
    given = value.get("documentId")
    if given is not None and not isinstance(given, str):
        raise BadInput("documentId must be a string or null")
    persisted = extensions.get("persistedQuery")
    if persisted is None:
        return given or None
    match persisted:
        case {"version": 1, "sha256Hash": str(digest)}:
            named = f"sha256:{digest.lower()}"
        case _:
            raise BadInput("extensions.persistedQuery must have version 1 and a sha256Hash")
    if given and given.removeprefix("sha256:") != named.removeprefix("sha256:"):
        raise BadInput("documentId and extensions.persistedQuery name two documents")
    return named


def _object(value: dict[str, Any], name: str) -> dict[str, Any]:
    member = value.get(name)
    if member is None:
        return {}
    if not isinstance(member, dict):
        raise BadInput(f"{name} must be a JSON object or null")
    return member


def decode(text: bytes | str, what: str = "the body") -> Any:
    """Decode JSON by RFC 8259. Raises BadInput, also for bad UTF-8, NaN, lone surrogates and endless nesting."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        raise BadInput(f"{what} must be JSON in UTF-8") from None
    except RecursionError:
        raise BadInput(f"{what} is nested too deeply") from None


def encode(response: dict[str, Any]) -> bytes:
    """Encode a GraphQL response. What a resolver returned and JSON cannot say is an internal error, logged."""
    try:
        return msgspec.json.encode(response)
    except Exception as error:  # whatever a scalar let through; the client gets a response all the same
        return msgspec.json.encode({"data": None, "errors": [internal(error)]})
