"""Replaying: every webhook that was rejected and has not been understood since, run again by today's understanding."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import msgspec
from msgspec import structs
from sqlmodel import Session

from api.batch import Answer, apply_batch
from api.commands import new_id
from api.database import Database
from api.discretion import traced
from schema.commands import ReplayEvent
from schema.events import Event, Receipt, Rejected, from_command
from schema.kinds import Outcome, Source
from schema.problems import Problem
from schema.sql import Statement

log = logging.getLogger("rolecast.replay")

BATCH = 64  # as many as the ingest writes at once: webhooks that arrive meanwhile wait no longer than for each other
# The journal's types have no index: this reads it through once, as a rebuild does. What was archived and has had its
# effect since has no payload any more.
REJECTED = Statement(f"""
    SELECT id FROM (
        SELECT id, position, source, outcome FROM archived WHERE payload IS NOT NULL
        UNION ALL SELECT id, position, source, outcome FROM journal) j
    WHERE source = {Source.WEBHOOK:d} AND outcome = {Outcome.REJECTED:d} ORDER BY position""")
REPLAYED = Statement(f"""
    SELECT payload FROM journal
    WHERE type = 'admin.replay_event' AND outcome IN ({Outcome.APPLIED:d}, {Outcome.SUPERSEDED:d})""")
_replay = msgspec.json.Decoder(ReplayEvent)


def still_rejected(session: Session) -> list[str]:
    """The ids of rejected webhooks that no replay has brought to an effect, or found overtaken; oldest first."""
    done = {_replay.decode(bytes(row[0])).event_id for row in REPLAYED.run(session)}
    return [id for id in REJECTED.scalars(session) if id not in done]


def replay_rejected(database: Database, actor: str, progress: Callable[[int, int], None]) -> Counter[Outcome]:
    """Replay all of them, oldest first, each by a command of `actor`; count what they came to. `progress(done, total)`.

    Batches commit one by one: what is done stays done when a later one fails, and the next run goes on from there.
    """
    ids = database.read_now(still_rejected)
    tally: Counter[Outcome] = Counter()
    for start in range(0, len(ids), BATCH):
        batch = [
            from_command(new_id("cmd"), actor, ReplayEvent(event_id=id), None, None)
            for id in ids[start : start + BATCH]
        ]
        for answer in _write(database, batch):
            tally[answer.outcome if isinstance(answer, Receipt) else Outcome.REJECTED] += 1
        progress(min(start + BATCH, len(ids)), len(ids))
    return tally


def _write(database: Database, batch: Sequence[Event]) -> list[Answer]:
    """Write a batch; if one of it cannot be applied, write the others, and keep that one as REJECTED."""
    try:
        return _commit(database, batch)
    except Problem:  # the database is out of reach
        raise
    except Exception as error:
        log.error("a batch of %d replays failed; trying them one by one\n%s", len(batch), traced(error))
    return [answer for event in batch for answer in _write_alone(database, event)]


def _write_alone(database: Database, event: Event) -> list[Answer]:
    try:
        return _commit(database, [event])
    except Problem:
        raise
    except Exception as error:
        log.error("replay %s cannot be applied; it is kept as REJECTED\n%s", event.id, traced(error))
        words = f"could not be applied ({type(error).__name__}); the log of the replay has the reason under this id"
    return _commit(database, [structs.replace(event, body=Rejected(words))])


def _commit(database: Database, batch: Sequence[Event]) -> list[Answer]:
    return database.write_now(partial(apply_batch, batch=batch, clock=time.time_ns()))
