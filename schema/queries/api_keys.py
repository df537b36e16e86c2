"""API keys as they may be shown: everything of them but the hash."""

from __future__ import annotations

from typing import NamedTuple

from sqlmodel import Session

from schema.sql import Statement

COLUMNS = "id, name, organization_id, write, created_at, expires_at, last_used_at, revoked_at"
BY_ID = Statement(f"SELECT {COLUMNS} FROM api_keys WHERE id = :id")
EVERY = Statement(f"SELECT {COLUMNS} FROM api_keys ORDER BY created_at, id")

OF_SECRET = Statement("SELECT 1 FROM api_keys WHERE id = :id AND hash = :hashed")


class KeyRow(NamedTuple):
    """An API key; without an organization it is environment-wide. Times are nanoseconds since the epoch."""

    id: str
    name: str
    organization_id: str | None
    write: bool
    created_at: int
    expires_at: int | None
    last_used_at: int | None
    revoked_at: int | None


def _row(*columns: object) -> KeyRow:
    row = KeyRow(*columns)  # type: ignore[arg-type]  # what the columns are, the table says
    return row._replace(write=bool(row.write))


def api_key_by_id(session: Session, id: str) -> KeyRow | None:
    """The key of this id, an expired or revoked one too."""
    found = BY_ID.first(session, id=id)
    return None if found is None else _row(*found)


def every_api_key(session: Session) -> list[KeyRow]:
    """All keys there ever were, oldest first."""
    return [_row(*row) for row in EVERY.run(session)]


def has_secret(session: Session, id: str, hashed: str) -> bool:
    """Whether the key of this id is the one whose secret has this hash."""
    return OF_SECRET.first(session, id=id, hashed=hashed) is not None
