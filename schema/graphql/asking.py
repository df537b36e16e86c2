"""How a field is asked: the resolver's `Info`, and the arguments that page through a list."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Awaitable
from dataclasses import astuple, dataclass, is_dataclass
from typing import Any, Protocol, TypeVar

import strawberry

from schema.graphql.context import Context
from schema.problems import BadInput

Info = strawberry.Info[Context, None]
T = TypeVar("T")
LONGEST = 200  # the contract's: `first` is 1..200
KEY = re.compile(rb"k([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Ask:
    """Arguments of a nested field. `after` is opaque; `where` is a list's filter or search, or the one argument."""

    first: int = 50
    after: str | None = None
    where: Any = None

    def __post_init__(self) -> None:
        if not 1 <= self.first <= LONGEST:
            raise BadInput(f"`first` is 1 to {LONGEST}, not {self.first}")

    @property
    def words(self) -> str:
        """The arguments as text: the same for the same list."""
        where = astuple(self.where) if is_dataclass(self.where) and not isinstance(self.where, type) else self.where
        return repr((self.first, self.after, where))


class Nested(Protocol):
    """Reads a field that has arguments of its own, for all parents that ask the same at once."""

    def __call__(self, info: Info, field: str, parent: int, ask: Ask, /) -> Awaitable[T]:
        """The field's value for the parent of this key; `field` is such as "Organization.users"."""
        ...


def format_key(key: int) -> str:
    """An integer key or position as an opaque cursor."""
    return base64.urlsafe_b64encode(b"k%d" % key).decode().rstrip("=")


def parse_key(text: str | None, *, default: int) -> int:
    """The key of such a cursor, the default without one; raise BadInput for any other text."""
    if text is None:
        return default
    try:
        found = KEY.fullmatch(base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        found = None
    if found is None:
        raise BadInput("`after` is not a cursor of this list; use `pageInfo.endCursor`")
    return int(found[1])
