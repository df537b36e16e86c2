"""The move: one short transaction puts the snapshot in place, and what is older then leaves a piece at a time.

From that transaction on nothing is told from what is older: the pieces only free the room, and may wait for ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import msgspec
from msgspec import Struct
from sqlmodel import Session

from api.commands import new_id
from api.compaction.cut import ENTRY, Cut
from api.compaction.folder import Filed
from api.compaction.kept import Kept
from api.compaction.scratch import COLUMNS, SET_HORIZON
from api.database import Database
from api.snapshot import rows_of
from schema.kinds import Outcome, Source
from schema.problems import Conflict
from schema.queries.horizon import horizon
from schema.sql import Statement

T = TypeVar("T")
PIECE = 1000  # rows that leave in one transaction: what a webhook that comes meanwhile waits for
TYPE = "system.snapshot"
FIRST = Statement("SELECT min(position) FROM journal")
STORED = Statement("SELECT count(*) FROM snapshot_parts WHERE position = :position")
FORGET_PARTS = Statement("DELETE FROM snapshot_parts WHERE position <> :position")
FORGET_PAYLOADS = Statement(
    "UPDATE archived SET payload = NULL WHERE payload IS NOT NULL AND id NOT IN (SELECT id FROM {kept})", kept="id text"
)
# An older snapshot is no event that anybody sent: nothing is left of it.
ARCHIVE = Statement(
    f"""
    INSERT INTO archived ({COLUMNS})
    SELECT {COLUMNS.replace("payload", "CASE WHEN id IN (SELECT id FROM {kept}) THEN payload END")} FROM journal
    WHERE position >= :first AND position <= :last AND NOT (source = {Source.SYSTEM:d} AND type = '{TYPE}')""",
    kept="id text",
)
REPLACE = Statement(f"""
    UPDATE journal SET id = :id, type = '{TYPE}', source = {Source.SYSTEM:d}, actor = 'compaction',
        organization_key = NULL, occurred_at = received_at, outcome = {Outcome.APPLIED:d}, problem = NULL,
        payload = :payload
    WHERE position = :position""")
OLD_CHANGES = Statement("""
    SELECT position FROM changes WHERE position > :after AND position <= :floor ORDER BY position LIMIT :limit""")
COUNT_OLD = Statement("SELECT count(*) FROM changes WHERE position <= :floor")
DROP_CHANGES = Statement("DELETE FROM changes WHERE position IN (SELECT position FROM {gone})", gone="position bigint")
BASE_CHANGES = Statement(
    "UPDATE changes SET event_position = :snapshot WHERE position IN (SELECT position FROM {base})",
    base="position bigint",
)
DROP_ENTRIES = Statement("DELETE FROM journal WHERE position >= :first AND position <= :last")


class Summary(Struct, frozen=True, tag=TYPE, tag_field="type"):
    """What a snapshot's entry says of it: its payload in the journal."""

    made_at: str
    history_since: str
    entries: tuple[int, int]
    changes: tuple[int, int]
    rows: dict[str, int]
    parts: int
    sha256: str
    files: tuple[Filed, ...]


def put_in_place(session: Session, cut: Cut, summary: Summary, kept: Kept) -> None:
    """Let the stored snapshot stand for everything up to the cut, if all is as it was when the cut was made.

    Raises Conflict, and changes nothing, when another compaction was quicker.
    """
    there = ENTRY.first(session, position=cut.position)
    stored = STORED.scalars(session, position=cut.position)[0]
    if horizon(session) != cut.before or tuple(there or ()) != (cut.id, cut.received_at) or stored != summary.parts:
        raise Conflict("another compaction ran meanwhile; run this one again")
    ids = kept.catch_up(session)
    FORGET_PAYLOADS.run(session, kept=ids)
    ARCHIVE.run(session, first=cut.position, last=cut.position, kept=ids)
    payload = msgspec.json.encode(summary)
    REPLACE.run_each(session, [{"id": new_id("snap"), "payload": payload, "position": cut.position}])
    SET_HORIZON.run(session, snapshot=cut.position, floor=cut.floor, since=cut.received_at)
    FORGET_PARTS.run(session, position=cut.position)


def clear(database: Database, progress: Callable[[int, int], None]) -> None:
    """Take what is older than the snapshot out of both logs; also what a run that was killed left. Does no harm twice.

    Each piece is a transaction of its own, and other writers get their turn in between.
    """
    first, last, base = database.read_now(_left)
    if base is None:
        return
    kept = database.read_now(partial(Kept, position=last))
    after: int | None = 0
    while after is not None:
        after = _politely(database, partial(_clear_changes, after=after, base=base))
    at = first
    while at < last:
        at = _politely(database, partial(_clear_entries, first=at, kept=kept))
        progress(min(at, last) - first, last - first)


def _politely(database: Database, piece: Callable[[Session], T]) -> T:
    """Write one piece, then leave the lock alone for as long as it was held: SQLite's writers do not queue for it."""
    start = time.monotonic()
    answer = database.write_now(piece)
    time.sleep(time.monotonic() - start)
    return answer


def _left(session: Session) -> tuple[int, int, set[int] | None]:
    """From where to where entries are left that the snapshot stands for, and the positions of the changes that stay.

    None instead of those when neither log has anything left.
    """
    beginning = horizon(session)
    first = FIRST.scalars(session)[0] or 0
    if not beginning.snapshot:
        return first, 0, None
    base = {row[0] for rows in rows_of(session, beginning.snapshot, "changes") for row in rows}
    if first == beginning.snapshot and COUNT_OLD.scalars(session, floor=beginning.floor)[0] == len(base):
        return first, first, None
    return first, beginning.snapshot, base


def _clear_changes(session: Session, *, after: int, base: set[int]) -> int | None:
    """Drop a piece of the old changes, and let those that stay name the snapshot; give the last, None after the end."""
    beginning = horizon(session)
    old: list[int] = OLD_CHANGES.scalars(session, after=after, floor=beginning.floor, limit=PIECE)
    if not old:
        return None
    DROP_CHANGES.run(session, gone=[position for position in old if position not in base])
    BASE_CHANGES.run(session, base=[position for position in old if position in base], snapshot=beginning.snapshot)
    return old[-1]


def _clear_entries(session: Session, *, first: int, kept: Kept) -> int:
    """Move a piece of the old entries from the journal to what is archived; give where the next piece begins."""
    last = min(first + PIECE, horizon(session).snapshot) - 1
    ARCHIVE.run(session, first=first, last=last, kept=kept.catch_up(session))
    DROP_ENTRIES.run(session, first=first, last=last)
    return last + 1
