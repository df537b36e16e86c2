"""One read: a session, the catalogue of its moment, who asks, and the loaders of every noun."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from sqlmodel import Session

from schema.cursors import format_cursor
from schema.events import Receipt
from schema.graphql.asking import Nested
from schema.graphql.budget import Budget
from schema.graphql.context import Viewer
from schema.graphql.scalars import Cursor
from schema.graphql.wanted import Wanted
from schema.queries.catalogue import Catalogue
from schema.queries.changes import ChangeFilter
from schema.queries.organizations import organizations_by_id
from schema.queries.people import users_by_id

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
NOBODY = -1  # no row has this key


@dataclass
class Reading:
    """What the loaders read with. `loaders` has one function a noun: (reading, keys, wanted) -> {key: object}."""

    session: Session
    viewer: Viewer
    catalogue: Catalogue
    loaders: Mapping[type[Any], Callable[[Reading, list[Any], Wanted], dict[Any, Any]]]
    nested: Nested
    budget: Budget
    replicated: bool = False  # whether queries may be read where the newest is not known yet
    now: int = field(default_factory=lambda: time.time_ns())  # nanoseconds: what has expired by then is not shown

    def load(self, noun: type[T], keys: Iterable[K | None], wanted: Wanted) -> dict[K, T]:
        """The objects of these keys with what is wanted filled in; a key that nothing has is left out."""
        unique = list(dict.fromkeys(key for key in keys if key is not None))
        return self.loaders[noun](self, unique, wanted) if unique else {}

    def end_of(self, receipt: Receipt) -> Cursor:
        """Where the change log ended once an event was in force; a replica is to know that event, if there is one."""
        event = receipt.position if self.replicated else None
        return Cursor(format_cursor(self.catalogue.log, receipt.head, event))

    def cursor(self, position: int) -> Cursor:
        """A position of the change log as a cursor."""
        return Cursor(format_cursor(self.catalogue.log, position))

    @cached_property
    def sight(self) -> ChangeFilter:
        """The changes that exist for the viewer, wherever they are met."""
        if self.viewer.everywhere:
            return ChangeFilter()
        if self.viewer.alone:
            users = users_by_id(self.session, [self.viewer.user_id or ""])
            seen = [user.key for user in users if self.viewer.sees_user(user.id, user.organization_id)]
            return ChangeFilter(user=seen[0] if seen else NOBODY)
        rows = organizations_by_id(self.session, [self.viewer.organization_id or ""])
        return ChangeFilter(organization=rows[0].key if rows else NOBODY)


def grouped(pairs: Iterable[tuple[K, T]]) -> dict[K, list[T]]:
    """The second of each pair, in order, under its first."""
    found: dict[K, list[T]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found
