"""What the archive's files hold, a line each: journal entries and changes, with the wire's ids beside the keys."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence

import msgspec
from sqlmodel import Session

from schema.kinds import Outcome, Source, Turn
from schema.queries.changes import ChangeRow
from schema.queries.journal import EventRow
from schema.sql import Statement
from schema.times import format_time

USERS = Statement("SELECT u.key, u.id FROM {keys} asked CROSS JOIN users u WHERE u.key = asked.key", keys="key bigint")
ORGANIZATIONS = Statement("SELECT key, id FROM organizations")
ROLES = Statement("SELECT key, name FROM roles")
_encode = msgspec.json.Encoder().encode


def entry_line(row: EventRow) -> bytes:
    """A journal entry. The payload is the text that came, or base64 of bytes that are no text."""
    payload = bytes(row.payload or b"")
    try:
        body = {"payload": payload.decode()}
    except UnicodeDecodeError:
        body = {"payload_base64": base64.b64encode(payload).decode()}
    return _encode(
        {
            "position": row.position,
            "id": row.id,
            "type": row.type,
            "source": Source(row.source).name,
            "actor": row.actor,
            "organization_key": row.organization_key,
            "organization_id": row.organization_id,
            "occurred_at": format_time(row.occurred_at),
            "received_at": format_time(row.received_at),
            "outcome": Outcome(row.outcome).name,
            "problem": row.problem,
            **body,
        }
    )


def change_lines(session: Session, rows: Sequence[ChangeRow]) -> Iterator[bytes]:
    """Changes, those of turn RETAINED too."""
    users = dict(USERS.run(session, keys=sorted({row.user_key for row in rows})))
    organizations, roles = dict(ORGANIZATIONS.run(session)), dict(ROLES.run(session))
    for row in rows:
        yield _encode(
            {
                "position": row.position,
                "at": format_time(row.at),
                "event_position": row.event_position,
                "organization_key": row.organization_key,
                "organization_id": organizations[row.organization_key],
                "user_key": row.user_key,
                "user_id": users[row.user_key],
                "role_key": row.role_key,
                "role": roles[row.role_key],
                "turn": Turn(row.turn).name,
                "reasons": msgspec.Raw(row.reasons.encode()),
            }
        )
