"""Who asks, and what the schema asks of the world: reads, commands and the feed."""

from __future__ import annotations

import enum
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from sqlmodel import Session

from schema.commands import Command, SetMappings
from schema.events import Receipt
from schema.problems import Forbidden
from schema.queries.catalogue import CatalogueCache
from schema.queries.changes import ChangeRow
from schema.queries.journal import EventRow

T = TypeVar("T")
Row = TypeVar("Row")


class ViewerKind(enum.Enum):
    """How the viewer proved who they are."""

    API_KEY = "API_KEY"
    USER = "USER"
    PORTAL = "PORTAL"


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What may be shown of an API key. Times are nanoseconds since the epoch, as everywhere inside."""

    id: str
    name: str
    organization_id: str | None
    write: bool
    created_at: int
    expires_at: int | None = None
    last_used_at: int | None = None
    revoked_at: int | None = None


@dataclass(frozen=True, slots=True)
class Viewer:
    """The one place that decides what a credential may see and do; every root field asks it."""

    kind: ViewerKind
    actor: str
    may_write: bool
    organization_id: str | None = None
    user_id: str | None = None
    key: KeyInfo | None = None
    expires_at: int | None = None

    @property
    def everywhere(self) -> bool:
        """Whether every organization is in sight."""
        return self.kind is ViewerKind.API_KEY and self.organization_id is None and self.user_id is None

    @property
    def alone(self) -> bool:
        """Whether one user is in sight, with their own changes and the role catalogue, and nothing else."""
        return self.kind is ViewerKind.USER

    def sees_user(self, user_id: str, organization_id: str) -> bool:
        """Whether a user exists for this viewer."""
        if self.alone:
            return user_id == self.user_id and self.organization_id in (None, organization_id)
        return self.sees(organization_id)

    def sees_all_of(self, organization_id: str | None) -> bool:
        """Whether an organization's users, groups and mappings exist for this viewer."""
        return not self.alone and self.sees(organization_id)

    def must_see_others(self) -> None:
        """Raise Forbidden for a viewer that only sees one user."""
        if self.alone:
            raise Forbidden("this credential shows its own user only")

    def must_administer(self) -> None:
        """Raise Forbidden unless the credential may change more than mappings."""
        self.must_write()
        if self.kind is not ViewerKind.API_KEY:
            raise Forbidden("this needs an API key that may write")

    def must_write(self) -> None:
        """Raise Forbidden unless the credential may change state."""
        if not self.may_write:
            raise Forbidden("this credential may read only; use one that may write")

    def must_see_everything(self) -> None:
        """Raise Forbidden unless the credential is environment-wide."""
        if not self.everywhere:
            raise Forbidden("this needs an environment-wide API key")

    def sees(self, organization_id: str | None) -> bool:
        """Whether an organization's objects exist for this viewer."""
        return self.everywhere or (organization_id is not None and organization_id == self.organization_id)


class Reads(Protocol):
    """One read: one thread hop, one snapshot of the database."""

    async def __call__(self, work: Callable[[Session], T], /) -> T:
        """Run `work` on a read-only session and return what it returns."""
        ...


class Preview(NamedTuple):
    """What an edit of the mappings would do: the version it starts from, counts, and (user, role, turn) rows, flat."""

    version: int
    granted: int
    revoked: int
    users: int
    rows: array[int]


class Commands(Protocol):
    """Mutations, as events of the one journal."""

    async def preview(self, command: SetMappings, /, *, actor: str) -> Preview:
        """What a command would do, exactly, without doing it; raise the Problem that would refuse it."""
        ...

    async def __call__(self, command: Command, /, *, actor: str) -> Receipt:
        """Journal and apply a command; raise the Problem that refuses it. Durable when it returns."""
        ...


class Stream(Protocol[Row]):
    """An async iterator over lists of rows, which is to be closed by whoever asked for it."""

    def __aiter__(self) -> Self:
        """Itself."""
        ...

    async def __anext__(self) -> list[Row]:
        """The next rows, at least one."""
        ...

    async def aclose(self) -> None:
        """Stop listening, and free what was waiting."""
        ...


class Ends(NamedTuple):
    """The positions at which the change log and the journal end."""

    change: int
    event: int


class Feed(Protocol):
    """The live tail of the change log and of the journal. Positions are exclusive as `after`."""

    def changes(
        self, after: int | None, *, organization: int | None = None, user: int | None = None
    ) -> Stream[ChangeRow]:
        """Yield lists of change rows after the position, each row once, in commit order, for as long as anyone listens.

        `after=None` means from now on, where now is this call and not the first `anext`. Raises CursorExpired when the
        log does not reach `after`, and Lagged when the consumer is too far behind.
        """
        ...

    def now(self) -> Ends:
        """Where the logs end as of this call; raise Unavailable before the feed has looked for the first time."""
        ...

    def events(self, after: int | None, *, organization: int | None = None) -> Stream[EventRow]:
        """The same of the journal."""
        ...


@dataclass(slots=True)
class Context:
    """What a resolver finds in `info.context`: one for each operation, and one for each event of a subscription."""

    viewer: Viewer
    read: Reads
    command: Commands
    feed: Feed
    catalogue: CatalogueCache = field(default_factory=CatalogueCache)  # one for the process is faster
    loaders: dict[Any, Any] = field(default_factory=dict)
    last_event_id: str | None = None  # an event stream's Last-Event-ID: the cursor a browser resumes from by itself
