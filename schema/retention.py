"""What a compacted journal leaves in the database: the state as of its end, and the ids that were taken."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from schema.tables.columns import Blob, Key, Word


class SnapshotPart(SQLModel, table=True):
    """Some thousand rows of a table as they were at a position of the journal: JSON, compressed by zlib."""

    __tablename__ = "snapshot_parts"
    position: int = Field(sa_type=Key, primary_key=True, sa_column_kwargs={"autoincrement": False})
    name: str = Field(sa_type=Word, primary_key=True)
    part: int = Field(primary_key=True)
    data: bytes = Field(sa_type=Blob)


class Archived(SQLModel, table=True):
    """A journal entry that is in the archive's files: a repeat of its id is answered like the first, for ever.

    `payload` is kept only while a replay may need it: of a webhook that was rejected and not replayed to an effect
    since, and of one that a later entry of the journal replays.
    """

    __tablename__ = "archived"
    __table_args__ = (
        Index("archived_by_organization", "organization_key", "position"),
        Index(
            "archived_with_payload",
            "position",
            sqlite_where=text("payload IS NOT NULL"),
            postgresql_where=text("payload IS NOT NULL"),
        ),
        {"sqlite_with_rowid": False},
    )
    id: str = Field(sa_type=Word, primary_key=True)
    position: int = Field(sa_type=Key)
    type: str = Field(sa_type=Word)
    source: int
    actor: str
    organization_key: int | None = Field(default=None, sa_type=Key)  # refers to nothing, as in the journal
    occurred_at: int = Field(sa_type=BigInteger)
    received_at: int = Field(sa_type=BigInteger)
    outcome: int
    problem: str | None = None
    payload: bytes | None = Field(default=None, sa_type=Blob)
