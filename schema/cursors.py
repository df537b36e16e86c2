"""Cursors: a log's name and a position in it, ordered as text, opaque to clients, never reused."""

from __future__ import annotations

import re

from schema.problems import CursorExpired

CURSOR = re.compile(r"c1-([0-9a-f]{8})-([0-9a-f]{16})", re.ASCII)
WIDTH = 16  # hexadecimal digits of a 64-bit position: text order is position order


def format_cursor(log: str, position: int) -> str:
    """The cursor of a position in the log named `log` (eight hexadecimal digits)."""
    return f"c1-{log}-{position:0{WIDTH}x}"


def parse_cursor(text: str, *, log: str, head: int) -> int:
    """The position of a cursor; raise CursorExpired unless this log has given it: `head` is its last position."""
    found = CURSOR.fullmatch(text)
    if found is None or found[1] != log or int(found[2], 16) > head:
        raise CursorExpired(
            "this cursor is not one of this change log; read the present state and start from its cursor"
        )
    return int(found[2], 16)
