"""Replay: a recorded directory event, run again by today's understanding of it and among today's facts."""

from __future__ import annotations

from sqlmodel import Session

from schema.commands import ReplayEvent
from schema.events import Event, from_journal
from schema.kinds import Source
from schema.problems import BadInput, NotFound
from schema.sql import Statement

COLUMNS = "id, source, actor, organization_key, occurred_at, payload"
RECORDED = Statement(f"""
    SELECT j.id, j.source, j.actor, o.id, j.occurred_at, j.payload FROM (
        SELECT {COLUMNS} FROM journal WHERE id = :id UNION ALL SELECT {COLUMNS} FROM archived WHERE id = :id) j
    LEFT JOIN organizations o ON o.key = j.organization_key""")


def recorded_event(session: Session, command: ReplayEvent) -> Event:
    """The event to run again; NotFound for an unknown one, BadInput for a command, which its author can give again."""
    row = RECORDED.first(session, id=command.event_id)
    if row is None:
        raise NotFound("no such event")
    if row[1] != Source.WEBHOOK:
        raise BadInput("only a directory's event can be replayed; give a command again instead")
    if row[5] is None:
        raise BadInput("this event had its effect, and its body is in the archive's files alone")
    return from_journal(row[0], Source.WEBHOOK, row[2], row[3], row[4], bytes(row[5]))
