"""The scratch: a database of the compaction's own, in which the old journal is replayed to the state at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlmodel import Session

from api.batch import RECORD
from api.compaction.cut import Cut
from api.compaction.lines import ORGANIZATIONS
from api.database import Database
from api.facts.keys import NAME_ORGANIZATIONS
from api.migrate import migrate
from api.snapshot import ALL_PARTS, STORE
from schema.problems import Unavailable
from schema.queries.journal import EventRow, events_after, events_at
from schema.sql import Statement

PAGE = 1000
SET_HORIZON = Statement("UPDATE log SET snapshot = :snapshot, floor = :floor, since = :since")
COLUMNS = "id, position, type, source, actor, organization_key, occurred_at, received_at, outcome, problem, payload"
REPLAYABLE = Statement(f"SELECT {COLUMNS} FROM archived WHERE payload IS NOT NULL")
KEEP = Statement(f"""
    INSERT INTO archived ({COLUMNS})
    VALUES (:id, :position, :type, :source, :actor, :organization_key, :occurred_at, :received_at, :outcome, :problem,
        :payload)""")


@contextmanager
def scratch_in(place: Path) -> Iterator[Database]:
    """An empty, migrated SQLite database in a folder that is gone afterwards; raise Unavailable if it has no room."""
    database = Database(f"sqlite:///{place}/scratch.db")
    try:
        migrate(database)
        yield database
    except Unavailable as problem:
        raise Unavailable(
            "the old journal cannot be replayed in the archive's folder; nothing was moved",
            detail=problem.detail,
        ) from problem
    finally:
        database.close()


def fill(scratch: Session, database: Database, cut: Cut, take: Callable[[Sequence[EventRow]], None]) -> None:
    """Copy what replaying the entries up to the cut needs; `take` is handed every entry that goes, page by page."""
    beginning = cut.before
    NAME_ORGANIZATIONS.run(scratch, rows=database.read_now(ORGANIZATIONS.run))  # rebuild reads which is which
    SET_HORIZON.run(scratch, **beginning._asdict())
    if beginning.snapshot:
        position = beginning.snapshot
        parts = database.read_now(lambda session: ALL_PARTS.run(session, position=position))
        for name, part, data in parts:
            STORE.run_each(scratch, [{"position": position, "name": name, "part": part, "data": data}])
        _record(scratch, database.read_now(lambda session: events_at(session, [position], payload=True)))
    names = COLUMNS.split(", ")
    if kept := [dict(zip(names, row, strict=True)) for row in database.read_now(REPLAYABLE.run)]:
        KEEP.run_each(scratch, kept)
    for rows in entries(database, beginning.snapshot, cut.position):
        _record(scratch, rows)
        take(rows)


def entries(database: Database, after: int, last: int) -> Iterator[list[EventRow]]:
    """The journal's entries from after a position up to the last, in pages: each its own read, as they never change."""
    while after < last:
        limit, start = min(PAGE, last - after), after
        rows = database.read_now(lambda session: events_after(session, start, limit, payload=True))  # noqa: B023
        yield rows
        after = rows[-1].position


def _record(scratch: Session, rows: Sequence[EventRow]) -> None:
    RECORD.run_each(scratch, [row._asdict() for row in rows])
