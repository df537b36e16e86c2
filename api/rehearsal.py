"""A rehearsal: a command is applied by the very code that would apply it, looked at, and taken back."""

from __future__ import annotations

from array import array

from msgspec import structs
from sqlmodel import Session

from api.batch import check_command, end_what_is_over, write_wave
from api.work import Entry, Ledger
from schema.events import Event
from schema.graphql.context import Preview
from schema.kinds import Turn
from schema.sql import Statement

VERSION = Statement("SELECT mappings_version FROM organizations WHERE id = :id")
CHANGES = Statement(f"""
    SELECT user_key, role_key, turn FROM changes
    WHERE event_position = :event AND turn <> {Turn.RETAINED:d} ORDER BY position""")


def rehearse(session: Session, event: Event, clock: int) -> Preview:
    """What a command would do; the caller rolls the session back. Raises the Problem that would refuse it."""
    version = VERSION.scalars(session, id=event.organization_id)[0]
    ledger = Ledger.open(session, clock)
    end_what_is_over(session, ledger)
    entry = Entry(structs.replace(event, occurred_at=ledger.now))
    write_wave(session, [entry], ledger)
    check_command(session, entry)
    rows = array("q", (number for row in CHANGES.run(session, event=entry.position) for number in row))
    users = len(set(rows[::3]))
    return Preview(version=version, granted=entry.granted, revoked=entry.revoked, users=users, rows=rows)
