"""`compact`: what is old in the journal goes into files, and a snapshot stands for it."""

from __future__ import annotations

import re
import time
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from api.check import counted
from api.compaction.compact import compact as compact_journal
from api.compaction.kept import unresolved
from api.compaction.moving import Summary
from api.terminal import console, database_at_hand, progress_of
from schema.problems import BadInput
from schema.times import SECOND, format_time, parse_time

DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
SPAN = re.compile(r"(\d{1,6})([hdw])", re.ASCII)
SECONDS = {"h": 3600, "d": 86_400, "w": 604_800}


def compact(
    before: Annotated[
        str, typer.Option(help="A moment (2026-01-31T09:30:00Z), a day (2026-01-31, in UTC) or an age (90d, 12h, 4w).")
    ],
    to: Annotated[str, typer.Option(help="The folder for the files.")] = "archive",
) -> None:
    """Move journal entries and changes that are older than a moment into compressed files; may run beside a server.

    A snapshot stands for them from then on: `rebuild` begins with it, and cursors and questions from before it are
    answered CURSOR_EXPIRED. SQLite's file keeps its size and reuses the room; `VACUUM` would shrink it.
    """
    moment, folder = moment_of(before, time.time_ns()), folder_of(to)
    with database_at_hand() as database:
        summary = compact_journal(database, moment, folder, progress_of)
        if summary is None:
            console.print(f"Nothing is older than {format_time(moment)} that is not archived already.")
            return
        first, last = summary.entries
        rejected = database.read_now(partial(unresolved, first=first, last=last))
    _tell(summary, folder, rejected)


def _tell(summary: Summary, folder: Path, rejected: int) -> None:
    for file in summary.files[-2:]:
        console.print(f"{folder / file.name}: {file.lines} lines", markup=False)
    if rejected:
        have = "has" if rejected == 1 else "have"
        console.print(
            f"{counted(rejected, 'rejected webhook')} among them {have} had no effect yet. "
            "After a fix, `python -m api replay --rejected` or the mutation `replayEvent` runs them again, as before."
        )
    console.print(
        f"Archived. History is kept since {summary.history_since}. Keep the files with your backups; "
        "they hold people's data."
    )


def folder_of(text: str) -> Path:
    """The folder that is meant; raise BadInput for none."""
    if not text.strip():
        raise BadInput("--to is empty; name the folder for the files")
    return Path(text)


def moment_of(text: str, now: int) -> int:
    """The moment that is meant, in nanoseconds since the epoch; raise BadInput for none, or for one to come."""
    if found := SPAN.fullmatch(text):
        return max(0, now - int(found[1]) * SECONDS[found[2]] * SECOND)
    try:
        moment = parse_time(f"{text}T00:00:00Z" if DAY.fullmatch(text) else text)
    except ValueError as error:
        raise BadInput(f"--before takes a moment, a day (2026-01-31) or an age (90d, 12h, 4w): {error}") from error
    if moment > now:
        raise BadInput(f"--before is yet to come: {format_time(moment)}")
    return moment
