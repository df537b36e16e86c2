"""How far back the logs reach: a compaction moves what is older into the archive's files."""

from __future__ import annotations

from typing import NamedTuple

from sqlmodel import Session

from schema.problems import CursorExpired
from schema.sql import Statement
from schema.times import format_time

HORIZON = Statement("SELECT snapshot, floor, since FROM log")


class Horizon(NamedTuple):
    """Where the logs begin; zeros in a database that was never compacted.

    The journal begins with the entry at `snapshot`. Changes up to `floor` are kept for history alone and told to
    nobody. History is whole from the moment `since` on, in nanoseconds since the epoch.
    """

    snapshot: int
    floor: int
    since: int


def horizon(session: Session) -> Horizon:
    """The horizon as the session sees it."""
    return Horizon(*HORIZON.one(session))


def must_be_kept(session: Session, time: int) -> None:
    """Raise CursorExpired for a moment before history is whole."""
    must_not_precede(time, horizon(session).since)


def must_not_precede(time: int, since: int) -> None:
    """Raise CursorExpired, naming `since`, for a moment before it; both in nanoseconds since the epoch."""
    if time < since:
        raise CursorExpired(f"history is kept since {format_time(since)}; what was before is in the archive's files")


def must_reach(position: int, beginning: int) -> None:
    """Raise CursorExpired for a position of a log that does not reach back to it."""
    if position < beginning:
        raise CursorExpired(
            "the log no longer reaches back to this position; read the present state and start from its cursor"
        )
