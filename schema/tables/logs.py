"""The two logs, of what was asked and of what it changed, and the row that says which they are."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from schema.tables.columns import Blob, Key, Word


class Journal(SQLModel, table=True):
    """Everything that was ever asked to change state; appended to, never edited. Positions have no holes.

    After a compaction it begins with the snapshot that stands for all before it (schema.retention).
    """

    __tablename__ = "journal"
    __table_args__ = (Index("journal_by_organization", "organization_key", "position"),)
    position: int = Field(sa_type=Key, primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: str = Field(sa_type=Word, unique=True)
    type: str = Field(sa_type=Word)
    source: int
    actor: str
    organization_key: int | None = Field(default=None, sa_type=Key)  # refers to nothing: facts are derived from here
    occurred_at: int = Field(sa_type=BigInteger)
    received_at: int = Field(sa_type=BigInteger)
    outcome: int
    problem: str | None = None
    payload: bytes = Field(sa_type=Blob)


class Change(SQLModel, table=True):
    """The change log: what settling did, with its cause and the reasons as they were. Positions have no holes."""

    __tablename__ = "changes"
    __table_args__ = (
        Index("changes_by_user", "user_key", "position"),
        Index("changes_by_organization", "organization_key", "position"),
        Index("changes_by_event", "event_position"),
    )
    position: int = Field(sa_type=Key, primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: int = Field(sa_type=BigInteger)
    event_position: int = Field(sa_type=Key, foreign_key="journal.position")
    organization_key: int = Field(sa_type=Key, foreign_key="organizations.key")
    user_key: int = Field(sa_type=Key, foreign_key="users.key")
    role_key: int = Field(sa_type=Key, foreign_key="roles.key")
    turn: int
    reasons: str  # JSON: see schema.reasons


class Log(SQLModel, table=True):
    """One row: which log this is (cursors name it), and how often the catalogue changed: readers keep it until then."""

    __tablename__ = "log"
    key: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: str
    catalogue: int = Field(default=0, sa_type=BigInteger)
    mappings: int = Field(default=0, sa_type=BigInteger)  # the last mapping's key: ids are public, and never reused
    snapshot: int = Field(default=0, sa_type=BigInteger)  # where the journal begins; 0 unless it was compacted
    floor: int = Field(default=0, sa_type=BigInteger)  # changes up to here are kept for history alone, and not told
    since: int = Field(default=0, sa_type=BigInteger)  # the moment from which on history is whole, in nanoseconds
