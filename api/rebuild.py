"""Rebuild: empty everything derived, and apply the journal again in position order. Same state, same changes.

A journal that was compacted begins with a snapshot, which is put back; what comes after it is applied. Changes that
come out otherwise make it another log: cursors of the old one would name other changes.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from sqlmodel import Session

from api.batch import apply_again
from api.snapshot import DERIVED, load
from api.work import Entry, Ledger
from schema.events import Event, Ignored, Rejected, from_journal
from schema.kinds import Outcome, Source
from schema.queries.changes import changes_after
from schema.queries.horizon import horizon
from schema.sql import Statement

PAGE = 1000
EMPTY = [Statement(f"DELETE FROM {table}") for table in DERIVED]
# Readers keep the catalogue until its version is another.
FORGET_KEYS = Statement("UPDATE log SET mappings = 0, catalogue = catalogue + 1")
NEW_LOG = Statement("UPDATE log SET id = :id")
COUNT = Statement("SELECT count(*) FROM journal WHERE position > :after")
READ = Statement("""
    SELECT j.position, j.id, j.source, j.actor, j.occurred_at, j.received_at, j.outcome, j.problem, j.payload, j.type,
        j.organization_key
    FROM journal j WHERE j.position > :after ORDER BY j.position LIMIT :limit""")
# Names of organizations by key, read before the organizations themselves are emptied.
ORGANIZATIONS = Statement("SELECT key, id FROM organizations")


class Line(NamedTuple):
    """A journal entry, as it was recorded."""

    position: int
    id: str
    source: int
    actor: str
    occurred_at: int
    received_at: int
    outcome: int
    problem: str | None
    payload: bytes
    type: str
    organization_key: int | None


def rebuild(session: Session, progress: Callable[[int, int], None]) -> int:
    """Empty the facts, grants and changes and derive them again, in the session's transaction; `progress(done, total)`.

    Entries recorded as REJECTED or IGNORED stay so: what has no effect live has none here. The log is given another id
    if its changes are not what they were. Gives the number of entries that were applied.
    """
    before = _digest(session)
    beginning = horizon(session).snapshot
    total = int(COUNT.scalars(session, after=beginning)[0])
    names = {row[0]: row[1] for row in ORGANIZATIONS.run(session)}
    for statement in EMPTY:
        statement.run(session)
    FORGET_KEYS.run(session)
    done = 0
    ledger = Ledger(0, beginning, load(session))
    for received_at, lines in _moments(session, beginning):
        ledger.now = received_at
        apply_again(session, [_entry(line, names) for line in lines], ledger)
        done += len(lines)
        progress(done, total)
    if _digest(session) != before:
        NEW_LOG.run(session, id=secrets.token_hex(4))
    return done


def _digest(session: Session) -> bytes:
    """A hash over every change that a cursor can name."""
    found, after = hashlib.sha256(), horizon(session).floor
    while page := changes_after(session, after, PAGE, retained=True):
        for row in page:
            found.update(repr(tuple(row)).encode())
        after = page[-1].position
    return found.digest()


def _moments(session: Session, after: int) -> Iterator[tuple[int, Sequence[Line]]]:
    """Runs of entries that were received at one moment, at most a page: what was one batch, or part of one."""
    while page := [Line(*row) for row in READ.run(session, after=after, limit=PAGE)]:
        for received_at, lines in groupby(page, key=lambda line: line.received_at):
            yield received_at, list(lines)
        after = page[-1].position


def _entry(line: Line, names: dict[int, str]) -> Entry:
    organization = None if line.organization_key is None else names.get(line.organization_key)
    return Entry(_event(line, organization), position=line.position)


def _event(line: Line, organization: str | None) -> Event:
    if line.outcome in (Outcome.REJECTED, Outcome.IGNORED):
        body = Ignored() if line.outcome == Outcome.IGNORED else Rejected(line.problem or "")
        return Event(
            id=line.id,
            type=line.type,
            source=Source(line.source),
            actor=line.actor,
            organization_id=organization,
            occurred_at=line.occurred_at,
            payload=bytes(line.payload),
            body=body,
        )
    return from_journal(line.id, Source(line.source), line.actor, organization, line.occurred_at, bytes(line.payload))
