"""What the writer carries through one batch: an entry for each event, and the ledger that numbers what is recorded."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from schema.events import Event, Ignored, Receipt, Rejected
from schema.kinds import Outcome
from schema.sql import Statement

HEADS = Statement("""
    SELECT (SELECT coalesce(max(position), 0) FROM journal),
           (SELECT coalesce(max(position), 0) FROM changes),
           (SELECT received_at FROM journal ORDER BY position DESC LIMIT 1)""")


@dataclass(slots=True)
class Entry:
    """An event on its way through a batch, and what has become of it so far."""

    event: Event
    position: int = 0
    outcome: Outcome = Outcome.APPLIED
    problem: str | None = None
    organization_key: int | None = None
    touched: Sequence[int] = ()
    reworded: Collection[tuple[int, int]] = ()  # (user, role) granted by hand anew: history keeps the new words
    granted: int = 0
    revoked: int = 0
    namings: list[Any] | None = None  # api.facts.groups keeps here what the event says of groups

    def __post_init__(self) -> None:
        if isinstance(self.event.body, Rejected):
            self.reject(self.event.body.problem)
        elif isinstance(self.event.body, Ignored):
            self.outcome = Outcome.IGNORED
        else:
            self.problem = self.event.note

    def reject(self, problem: str) -> None:
        """Keep the event, and why it has no effect."""
        self.outcome, self.problem = Outcome.REJECTED, problem

    @property
    def at(self) -> int:
        """When it occurred, in nanoseconds since the epoch; the ledger has set it where the sender did not."""
        return self.event.occurred_at or 0

    def receipt(self, head: int) -> Receipt:
        """The answer to whoever submitted the event."""
        return Receipt(
            event=self.event.id,
            outcome=self.outcome,
            position=self.position,
            head=head,
            problem=self.problem,
            granted=self.granted,
            revoked=self.revoked,
        )


@dataclass(slots=True)
class Ledger:
    """Where the journal and the change log end, and what time it is for this batch.

    `now` never goes back, even when the machine's clock does: history is searched by it. `clock` is what that clock
    says, for what is no history; a rebuild has none, and leaves it at 0.
    """

    now: int
    position: int
    change: int
    clock: int = 0

    @classmethod
    def open(cls, session: Session, clock: int) -> Ledger:
        """Read the heads, under the writer's lock; `clock` is nanoseconds since the epoch."""
        position, change, last = HEADS.one(session)
        return cls(max(clock, last or 0), position, change, clock)

    def next_position(self) -> int:
        """Number a journal entry."""
        self.position += 1
        return self.position

    def next_change(self) -> int:
        """Number a change."""
        self.change += 1
        return self.change
