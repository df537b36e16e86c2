"""A schema that is not told: out of graphql-core's sentences goes every name that the request did not say itself."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
from graphql import DocumentNode, GraphQLSchema

from api.graphql.wire import GraphQLRequest

Wording = Callable[[str], str]
"""A sentence of graphql-core's, as the client is to read it."""

HINT = re.compile(r"\s*Did you mean .*", re.DOTALL)
NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
LEFT_OUT = "…"


class Hiding:
    """What is left out for one schema.

    A name that the request has stays: whether it is there, the error tells by being one. What stays out are the types
    of arguments and fields, and what an input needs.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        self._types = re.compile(rf"\b(?:{'|'.join(map(re.escape, schema.type_map))})\b")

    def of_source(self, source: str) -> Wording:
        """How to word what is wrong with a document."""
        return lambda sentence: self._worded(sentence, set(NAME.findall(source)))

    def of_request(self, request: GraphQLRequest, document: DocumentNode) -> Wording:
        """How to word what is wrong with a request for a document, its variables included."""

        def worded(sentence: str) -> str:
            source = document.loc.source.body if document.loc is not None else ""
            return self.of_source(f"{source} {msgspec.json.encode(request.variables).decode()}")(sentence)

        return worded

    def _worded(self, sentence: str, said: set[str]) -> str:
        def unless_said(found: re.Match[str]) -> str:
            text = found[0]
            if set(NAME.findall(text)) <= said:
                return text
            return f"{text[0]}{LEFT_OUT}{text[-1]}" if text[0] in "'\"" else LEFT_OUT

        return self._types.sub(unless_said, QUOTED.sub(unless_said, HINT.sub("", sentence)))
