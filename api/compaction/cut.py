"""Where a compaction cuts: the last journal entry that is older than a moment, and the last change up to there."""

from __future__ import annotations

from typing import NamedTuple

from sqlmodel import Session

from schema.queries.horizon import Horizon, horizon
from schema.queries.journal import journal_head
from schema.sql import Statement

ENTRY = Statement("SELECT id, received_at FROM journal WHERE position = :position")
# Positions of changes follow those of their events, so the first that comes after tells the last that came before.
LAST_CHANGE = Statement("""
    SELECT coalesce(
        (SELECT min(position) FROM changes WHERE event_position = (
            SELECT min(event_position) FROM changes WHERE event_position > :position)) - 1,
        (SELECT max(position) FROM changes), 0)""")


class Cut(NamedTuple):
    """The entries after `before.snapshot` up to `position`, and the changes after `before.floor` up to `floor`, go.

    `id` and `received_at` (nanoseconds since the epoch) are the last entry's.
    """

    before: Horizon
    position: int
    id: str
    received_at: int
    floor: int

    @property
    def entries(self) -> int:
        """How many entries go."""
        return self.position - self.before.snapshot

    @property
    def changes(self) -> int:
        """How many changes go."""
        return self.floor - self.before.floor


def find_cut(session: Session, moment: int) -> Cut | None:
    """The cut before a moment, in nanoseconds since the epoch; None if nothing is older that was not archived yet."""
    before = horizon(session)
    position = _last_before(session, moment, before.snapshot)
    if position == before.snapshot:
        return None
    id, received_at = ENTRY.one(session, position=position)
    return Cut(before, position, id, received_at, int(LAST_CHANGE.scalars(session, position=position)[0]))


def _last_before(session: Session, moment: int, low: int) -> int:
    """The last position received before the moment, or `low`. Received times never go back, positions have no holes."""
    high = journal_head(session)
    while low < high:
        middle = (low + high + 1) // 2
        if ENTRY.one(session, position=middle)[1] < moment:
            low = middle
        else:
            high = middle - 1
    return low
