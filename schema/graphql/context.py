"""Who asks, and what the schema asks of the world: reads, commands and the feed."""

from __future__ import annotations

import enum
import hashlib
import hmac
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from sqlmodel import Session

from schema.commands import Command, SetMappings
from schema.cursors import Reached
from schema.events import Receipt
from schema.graphql.budget import Budget
from schema.graphql.rights import Right
from schema.problems import Forbidden
from schema.queries.catalogue import CatalogueCache
from schema.queries.changes import ChangeRow
from schema.queries.journal import EventRow

T = TypeVar("T")
Row = TypeVar("Row")
ENVIRONMENT_WIDE = frozenset({Right.EVERYWHERE, Right.ADMINISTER_EVERYWHERE})
ADMINISTRATORS = frozenset({Right.ADMINISTER, Right.ADMINISTER_EVERYWHERE})
WRITERS = ADMINISTRATORS | {Right.EDIT_MAPPINGS}


class ViewerKind(enum.Enum):
    """How the viewer proved who they are."""

    API_KEY = "API_KEY"
    USER = "USER"
    PORTAL = "PORTAL"


class Credential(NamedTuple):
    """What proves who asks, as it came: an Authorization value, and the address that sent it.

    The address is None where nobody sends it anew: a live connection is looked at again.
    """

    authorization: str | None
    address: str | None

    def __repr__(self) -> str:
        """Without the secret: credentials end up in tracebacks."""
        return f"Credential({'…' if self.authorization else None!r}, {self.address!r})"


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

    def must(self, right: Right) -> None:
        """Raise Forbidden unless the credential has the right."""
        if right is Right.ANYONE:
            return
        if right in WRITERS and not self.may_write:
            raise Forbidden("this credential may read only; use one that may write")
        if right in ADMINISTRATORS and self.kind is not ViewerKind.API_KEY:
            raise Forbidden("this needs an API key that may write")
        if right in ENVIRONMENT_WIDE and not self.everywhere:
            raise Forbidden("this needs an environment-wide API key")
        if self.alone:
            raise Forbidden("this credential shows its own user only")

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

    async def __call__(self, command: Command, /, *, actor: str, event_id: str | None = None) -> Receipt:
        """Journal and apply a command; raise the Problem that refuses it. Durable when it returns.

        Under an `event_id` that the journal knows, it has no effect and is answered like the first time.
        """
        ...


class Attempt(NamedTuple):
    """One of perhaps several at an idempotent mutation; what it draws for a root field is the same at each of them.

    `seed` is stored; `hidden` also needs the caller's credential, and is not: secrets are drawn from that.
    """

    seed: str
    hidden: bytes

    def __repr__(self) -> str:
        """Without what is hidden: attempts end up in tracebacks."""
        return f"Attempt({self.seed!r})"

    def event_id(self, field: str | int) -> str:
        """The id of the event that the field causes: the journal takes it once."""
        return f"cmd_{hashlib.sha256(f'{self.seed}/{field}'.encode()).hexdigest()[:28]}"

    def secret(self, field: str | int) -> bytes:
        """The 32 bytes that a secret which the field makes is made of."""
        return hmac.digest(self.hidden, str(field).encode(), "sha256")


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
    behind: Callable[[Reached | None], Reads] | None = None  # a replica for queries, that reaches so far
    catalogue: CatalogueCache = field(default_factory=CatalogueCache)  # one for the process is faster
    loaders: dict[Any, Any] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)  # what this operation's answer may hold
    attempt: Attempt | None = None  # at a mutation that came with an Idempotency-Key
    last_event_id: str | None = None  # an event stream's Last-Event-ID: the cursor a browser resumes from by itself
