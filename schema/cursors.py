"""Cursors: a log's name and a position in it, ordered as text, opaque to clients, never reused."""

from __future__ import annotations

import re
from typing import NamedTuple

from schema.problems import BadInput, CursorExpired

CURSOR = re.compile(r"c1-([0-9a-f]{8})-([0-9a-f]{16})(?:-([0-9a-f]{16}))?", re.ASCII)
WIDTH = 16  # hexadecimal digits of a 64-bit position: text order is position order


class Reached(NamedTuple):
    """How far a reader must see: positions in the change log and in the journal of the log named `log`."""

    log: str
    change: int
    event: int


def format_cursor(log: str, position: int, event: int | None = None) -> str:
    """The cursor of a position in the log named `log` (eight hexadecimal digits).

    With `event`, a position in the journal, it also says which event must be in sight: not every edit changes a role.
    """
    seen = "" if event is None else f"-{event:0{WIDTH}x}"
    return f"c1-{log}-{position:0{WIDTH}x}{seen}"


def parse_cursor(text: str, *, log: str, head: int, floor: int = 0) -> int:
    """The position of a cursor; raise CursorExpired unless this log has given it, and still has all that came after.

    `head` is the log's last position; what came up to `floor` is no longer told.
    """
    found = CURSOR.fullmatch(text)
    if found is None or found[1] != log or int(found[2], 16) > head:
        raise CursorExpired(
            "this cursor is not one of this change log; read the present state and start from its cursor"
        )
    if (position := int(found[2], 16)) < floor:
        raise CursorExpired("this cursor is older than what is kept; read the present state and start from its cursor")
    return position


def reached_by(text: str) -> Reached:
    """What a cursor asks of a reader that may be behind; raise BadInput for any other text."""
    found = CURSOR.fullmatch(text.strip())
    if found is None:
        raise BadInput("Rolecast-At-Least is a cursor, as a mutation's answer gives it")
    return Reached(found[1], int(found[2], 16), int(found[3] or "0", 16))
