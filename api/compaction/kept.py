"""Which archived webhooks keep their payload in the database: those that may be replayed, or are replayed later on."""

from __future__ import annotations

import msgspec
from sqlmodel import Session

from api.replaying import still_rejected
from schema.commands import ReplayEvent
from schema.kinds import Source
from schema.queries.journal import journal_head
from schema.sql import Statement

REPLAYS = Statement(f"""
    SELECT payload FROM journal
    WHERE position > :after AND type = 'admin.replay_event' AND source = {Source.ADMIN:d}""")
MOVED = Statement("SELECT id FROM archived WHERE position >= :first AND position <= :last AND payload IS NOT NULL")
_replay = msgspec.json.Decoder(ReplayEvent)


class Kept:
    """The ids, kept up with the journal: `catch_up` reads only what came since the last time."""

    def __init__(self, session: Session, position: int) -> None:
        """`position` is the one that a rebuild will begin after: replays up to there are in the snapshot."""
        self.ids = set(still_rejected(session))
        self._seen = position

    def catch_up(self, session: Session) -> list[str]:
        """Take in the replays that were journaled since; give the ids."""
        self.ids.update(_replay.decode(bytes(row[0])).event_id for row in REPLAYS.run(session, after=self._seen))
        self._seen = journal_head(session)
        return sorted(self.ids)


def unresolved(session: Session, first: int, last: int) -> int:
    """How many of the webhooks that were archived from these positions are rejected, and not understood since."""
    return len(set(MOVED.scalars(session, first=first, last=last)).intersection(still_rejected(session)))
