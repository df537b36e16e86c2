"""The steps of a compaction, in the order that loses nothing wherever it is stopped."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import msgspec
from sqlmodel import Session

from api.compaction.cut import Cut, find_cut
from api.compaction.folder import Filed, Folder, Writing, alone_in, archive_in
from api.compaction.kept import Kept
from api.compaction.lines import change_lines, entry_line
from api.compaction.moving import Summary, clear, put_in_place
from api.compaction.scratch import PAGE, fill, scratch_in
from api.database import Database
from api.rebuild import rebuild
from api.snapshot import STORE, Imprint, dump
from schema.problems import Conflict, Unavailable
from schema.queries.changes import ChangeRow, changes_after, changes_head
from schema.queries.journal import EventRow, events_at
from schema.sql import Statement
from schema.times import format_time

Progress = Callable[[int, int], None]
Bar = Callable[[str], AbstractContextManager[Progress]]
# What a run that was killed, or refused in the end, has left.
FORGET_STRAYS = Statement("DELETE FROM snapshot_parts WHERE position <> (SELECT snapshot FROM log)")
_summary = msgspec.json.Decoder(Summary)


def compact(database: Database, moment: int, folder: Path, bar: Bar) -> Summary | None:
    """Move what was received before a moment (nanoseconds since the epoch) into the folder's files.

    First it finishes what a run that was killed left to do. None when nothing is older. `bar` makes a progress bar of a
    title. Raises BadInput when the folder cannot be written, Conflict when something else stands in the way and
    Unavailable when the database is out of reach; until the files are on the disk nothing is moved.
    """
    with bar("clearing what is archived") as progress:
        clear(database, progress)
    cut = database.read_now(partial(find_cut, moment=moment))
    if cut is None:
        return None
    with alone_in(folder):
        with archive_in(folder) as archive, scratch_in(archive.place) as scratch:
            kept = database.read_now(partial(Kept, position=cut.position))
            summary = scratch.rehearse_now(partial(_snapshot, database=database, cut=cut, archive=archive, bar=bar))
        _put_in_place(database, cut, summary, kept)
    with bar("clearing what is archived") as progress:
        clear(database, progress)
    return summary


def _put_in_place(database: Database, cut: Cut, summary: Summary, kept: Kept) -> None:
    try:
        database.write_now(partial(put_in_place, cut=cut, summary=summary, kept=kept))
    except Unavailable as problem:  # the connection may have gone while it was committed
        raise Unavailable(
            "the snapshot may be in place or not; keep the archive's files, and run it again", detail=problem.detail
        ) from problem


def _snapshot(scratch: Session, *, database: Database, cut: Cut, archive: Folder, bar: Bar) -> Summary:
    """Write the files, replay the old journal in the scratch, and store its state in the database, used by nobody yet.

    Raises Conflict when the replay gives other changes than were recorded.
    """
    entries = archive.start(f"journal-{cut.before.snapshot + 1}-{cut.position}.jsonl.gz")
    with bar("writing the journal") as progress:

        def take(rows: Sequence[EventRow]) -> None:
            for row in rows:
                entries.write(entry_line(row))
            progress(entries.lines, cut.entries)

        fill(scratch, database, cut, take)
    with bar("replaying events") as progress:
        rebuild(scratch, progress)
    changes = archive.start(f"changes-{cut.before.floor + 1}-{cut.floor}.jsonl.gz")
    with bar("writing the changes") as progress:
        _write_changes(scratch, database, cut, changes, progress)
    files = (*_earlier(database, cut), archive.publish(entries), archive.publish(changes))
    return _store(scratch, database, cut, files)


def _write_changes(scratch: Session, database: Database, cut: Cut, file: Writing, progress: Progress) -> None:
    """Write the changes as the database has them, and make sure that the replay has given the same."""
    after = cut.before.floor
    while after < cut.floor:
        page = partial(changes_after, position=after, limit=min(PAGE, cut.floor - after), retained=True)
        rows, lines = database.read_now(lambda session: _with_lines(session, page))  # noqa: B023
        if rows != page(scratch):
            raise Conflict(
                f"replaying the journal gives other changes than were recorded, after position {after}; nothing was "
                "moved. Run `python -m api rebuild` first: it records them as this version gives them"
            )
        for line in lines:
            file.write(line)
        after = rows[-1].position
        progress(file.lines, cut.changes)
    if changes_head(scratch) != cut.floor:
        raise Conflict(
            f"replaying the journal gives {changes_head(scratch)} changes, and {cut.floor} were recorded; nothing was "
            "moved. Run `python -m api rebuild` first: it records them as this version gives them"
        )


def _with_lines(session: Session, page: Callable[[Session], list[ChangeRow]]) -> tuple[list[ChangeRow], list[bytes]]:
    rows = page(session)
    return rows, list(change_lines(session, rows))


def _earlier(database: Database, cut: Cut) -> tuple[Filed, ...]:
    """The files that earlier compactions have written: the newest snapshot names them all."""
    if not cut.before.snapshot:
        return ()
    (row,) = database.read_now(lambda session: events_at(session, [cut.before.snapshot], payload=True))
    return _summary.decode(bytes(row.payload or b"")).files


def _store(scratch: Session, database: Database, cut: Cut, files: tuple[Filed, ...]) -> Summary:
    """Store the scratch's state as parts in the database, and say what is in it."""
    database.write_now(FORGET_STRAYS.run)
    imprint, counts, parts = Imprint(), Counter[str](), 0
    for part, rows in dump(scratch, cut.position):
        row = part._asdict() | {"position": cut.position}
        database.write_now(lambda session: STORE.run_each(session, [row]))  # noqa: B023
        imprint.take(part)
        counts[part.name] += rows
        parts += 1
    return Summary(
        made_at=format_time(time.time_ns()),
        history_since=format_time(cut.received_at),
        entries=(cut.before.snapshot + 1, cut.position),
        changes=(cut.before.floor + 1, cut.floor),
        rows=dict(counts),
        parts=parts,
        sha256=imprint.hexdigest(),
        files=files,
    )
