"""Trusted documents: the only ones that run, when a folder of them is given."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from api.settings import Misconfigured
from schema.problems import BadInput

DOCUMENTS = (".graphql", ".gql")
MANIFESTS = (".json",)
APOLLO = (
    "apollo-persisted-query-manifest"  # the `format` of the file that Apollo's generate-persisted-query-manifest writes
)
HASH = "sha256:"  # GraphQL over HTTP, appendix A: the prefix of an id that is the text's SHA-256 in lower-case hex
# These two sentences are Apollo's protocol: clients look for them, and send the whole text after the second.
NOT_FOUND = "PersistedQueryNotFound"
NOT_SUPPORTED = "PersistedQueryNotSupported"


@dataclass(frozen=True, slots=True)
class Trusted:
    """Texts by their ids, and where each is from. White space around a text makes it no other one."""

    by_id: dict[str, str]
    origins: dict[str, str]

    def find(self, text: str | None, document_id: str | None) -> str:
        """The trusted text that a request means. Raises BadInput when there is none, or id and text do not agree."""
        named = None if document_id is None else self._named(document_id)
        sent = None if text is None else text.strip()
        if sent is not None and sent not in self.origins:
            raise BadInput("only trusted documents run here: send the id or the exact text of one")
        if sent is not None and named is not None and sent != named:
            raise BadInput("the document's id is not that of its text")
        return sent or named or ""

    def _named(self, document_id: str) -> str:
        for name in (document_id, document_id.removeprefix(HASH), HASH + document_id):
            if name in self.by_id:
                return self.by_id[name]
        raise BadInput(NOT_FOUND)


def load_trusted(folder: Path) -> Trusted:
    """Read every `.graphql`, `.gql` and manifest `.json` beneath the folder.

    Raises Misconfigured that names the file which cannot be read or is neither, and for a folder without a document.
    """
    by_id: dict[str, str] = {}
    origins: dict[str, str] = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix in DOCUMENTS + MANIFESTS and path.is_file()):
        for document_id, text in _documents(path):
            if by_id.setdefault(document_id, text.strip()) != text.strip():
                raise Misconfigured(f"{path}: the id {document_id} is another document's already")
            origins.setdefault(text.strip(), str(path))
    if not origins:
        raise Misconfigured(f"{folder} has no trusted document: no .graphql file, and no manifest")
    return Trusted(by_id, origins)


def hash_of(text: str) -> str:
    """The id that follows from a text."""
    return HASH + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _documents(path: Path) -> Iterator[tuple[str, str]]:
    """The (id, text) pairs of a file; a text has an id with the white space around it, and one without."""
    try:
        content = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} cannot be read: {error}") from None
    if path.suffix in MANIFESTS:
        listed = _manifest(path, content)
        yield from listed
        texts = [text for _, text in listed]
    else:
        texts = [content]
    for text in texts:
        yield from ((hash_of(form), text) for form in {text, text.strip()})


def _manifest(path: Path, content: str) -> list[tuple[str, str]]:
    """Apollo's form, or `{id: text}`, which Relay's compiler and GraphQL Code Generator write."""
    try:
        value: Any = msgspec.json.decode(content)
        if isinstance(value, dict) and value.get("format") == APOLLO:
            pairs = [(entry["id"], entry["body"]) for entry in value["operations"]]
        else:
            pairs = list(value.items())
    except (msgspec.DecodeError, RecursionError, KeyError, TypeError, AttributeError):
        pairs = [(None, None)]
    if not all(isinstance(part, str) for pair in pairs for part in pair):
        raise Misconfigured(f'{path} is no manifest: neither {{"id": "document"}} nor {APOLLO}')
    return pairs
