"""The feed: one tail of the change log and of the journal per process.

The logs are the truth. A wake-up only says when to look; a look once a second finds what no wake-up told.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress

from sqlmodel import Session

from api.metrics import Metrics
from api.tail import Extent, Interest, Subscriber, Tail
from schema.graphql.context import Ends, Reads
from schema.problems import Problem, Unavailable
from schema.queries.changes import ChangeRow, changes_after, changes_head
from schema.queries.horizon import horizon, must_reach
from schema.queries.journal import EventRow, events_after, journal_head
from schema.sql import Statement

log = logging.getLogger("rolecast.feed")

LOOK_SECONDS = 1.0  # how late a row can be when its wake-up was lost
IDLE_SECONDS = 0.05  # between two looks while nobody listens and others write: each costs 2 ms of processor time
QUIET_SECONDS = 60.0  # between two warnings of one outage
LOG = Statement("SELECT id FROM log")


class Feed:
    """The tails of this process."""

    def __init__(self, read: Reads, metrics: Metrics | None = None) -> None:
        """`read` gives each look one snapshot of the database."""
        self._metrics = metrics or Metrics()
        self._changes: Tail[ChangeRow] = Tail(read, _changes, _extent_of_changes, _interests_of_change)
        self._events: Tail[EventRow] = Tail(read, _events, _extent_of_events, _interests_of_event)
        self._changes.delivered = self._delivered
        self._wake = asyncio.Event()
        self._looking = asyncio.Lock()
        self._complained: float | None = None  # of this outage, last
        self._wondered = False

    def changes(
        self, after: int | None, *, organization: int | None = None, user: int | None = None
    ) -> Subscriber[ChangeRow]:
        """Every change of the user, else of the organization, else of all, after the position (None: from now on).

        Yields lists of rows, each row once, in commit order. Raises Lagged when the consumer is more than BUFFER rows
        behind; it is safe to resume from the last change seen. Raises CursorExpired when the log, compacted, no longer
        reaches back to where the consumer is, or is another: rebuilt with other changes, or shorter after a failover.
        """
        return Subscriber(self._changes, after, _interest(organization, user), self.now().change)

    def events(self, after: int | None, *, organization: int | None = None) -> Subscriber[EventRow]:
        """The same of the journal."""
        return Subscriber(self._events, after, _interest(organization, None), self.now().event)

    def now(self) -> Ends:
        """Where both logs end, as far as this process knows: whatever is committed from here on comes after.

        It knows its own commits at once, and others' once it has looked: within IDLE_SECONDS of hearing of them, or
        LOOK_SECONDS without.
        """
        if self._changes.position is None or self._events.position is None:
            raise Unavailable("the change log has not been read yet; subscribe again")
        return Ends(
            max(self._changes.reached, self._changes.position),
            max(self._events.reached, self._events.position),
        )

    def committed(self, change: int, event: int, told_by: str | None = None) -> None:
        """A commit has brought the logs to these positions: look now.

        `told_by` is given for what this process was only told of: the id of the log it is said of, or nothing where
        that was not said. Then it is a reason to look and no more; what it says is not believed.
        """
        if told_by is not None:
            return self._told(change, event, told_by)
        behind = [self._changes.committed(change), self._events.committed(event)]
        if any(behind):
            self._wake.set()

    def _told(self, change: int, event: int, log_id: str) -> None:
        if log_id not in ("", self._changes.log):
            if not self._wondered:
                self._wondered = True
                log.debug("another deployment, of the log %s, notifies the same channel, and is not heard", log_id)
        elif change > (self._changes.position or 0) or event > (self._events.position or 0):
            self._wake.set()

    async def look(self) -> None:
        """Read both logs to their ends and hand out what is new; one look at a time, so that each row goes out once."""
        async with self._looking:
            await self._changes.look()
            await self._events.look()

    async def run(self) -> None:
        """Look whenever woken, and once a second; a database out of reach is waited for."""
        while True:
            try:
                await self.look()
            except Problem as problem:
                if self._may_complain():
                    log.warning("the feed cannot read the logs, and goes on trying: %s", problem.detail or problem)
            except Exception:  # whatever it was, subscribers must hear of the next change
                if self._may_complain():
                    log.exception("the feed failed at a look, and goes on trying")
            else:
                self._recovered()
            await self._rest()

    async def _rest(self) -> None:
        """Until the next look: what is heard of meanwhile is one reason, however often."""
        if not self.listeners():
            await asyncio.sleep(IDLE_SECONDS)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), LOOK_SECONDS)
        self._wake.clear()

    def _may_complain(self) -> bool:
        """Once when an outage begins, and then once a minute: each process looks once a second."""
        now = time.monotonic()
        if self._complained is not None and now - self._complained < QUIET_SECONDS:
            return False
        self._complained = now
        return True

    def _recovered(self) -> None:
        if self._complained is not None:
            self._complained = None
            log.info("the feed reads the logs again")

    def listeners(self) -> int:
        """How many subscribers are served."""
        return self._changes.listeners() + self._events.listeners()

    def measure(self) -> None:
        """Set the gauges of this process's subscribers, and of how far behind the logs' known ends it is."""
        for name, tail in (("changes", self._changes), ("journal", self._events)):
            self._metrics.subscribers.labels(name).set(tail.listeners())
            self._metrics.lag.labels(name).set(max(0, tail.reached - (tail.position or 0)))

    def _delivered(self, rows: Sequence[ChangeRow]) -> None:
        self._metrics.deliveries.observe(max(0.0, (time.time_ns() - rows[0].at) / 1e9))


def _interest(organization: int | None, user: int | None) -> Interest:
    if user is not None:
        return ("user", user)
    return None if organization is None else ("organization", organization)


def _changes(session: Session, position: int, limit: int, interest: Interest) -> list[ChangeRow]:
    must_reach(position, horizon(session).floor)
    kind, key = interest or (None, None)
    organization, user = (key if kind == "organization" else None), (key if kind == "user" else None)
    return changes_after(session, position, limit, organization_key=organization, user_key=user)


def _events(session: Session, position: int, limit: int, interest: Interest) -> list[EventRow]:
    must_reach(position, horizon(session).snapshot)
    return events_after(session, position, limit, None if interest is None else interest[1])


def _extent_of_changes(session: Session) -> Extent:
    return Extent(LOG.one(session)[0], horizon(session).floor, changes_head(session))


def _extent_of_events(session: Session) -> Extent:
    return Extent(LOG.one(session)[0], horizon(session).snapshot, journal_head(session))


def _interests_of_change(row: ChangeRow) -> Sequence[Interest]:
    return (("user", row.user_key), ("organization", row.organization_key), None)


def _interests_of_event(row: EventRow) -> Sequence[Interest]:
    return (None,) if row.organization_key is None else (("organization", row.organization_key), None)
