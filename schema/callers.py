"""What is stored of those who call: their API keys, and for a day what they were answered."""

from __future__ import annotations

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from schema.tables.columns import Blob, Word


class ApiKey(SQLModel, table=True):
    """A credential; the secret is not here, only its SHA-256."""

    __tablename__ = "api_keys"
    id: str = Field(sa_type=Word, primary_key=True)
    name: str
    hash: str = Field(sa_type=Word, unique=True)
    organization_id: str | None = Field(default=None, sa_type=Word)  # by id: a key outlives a rebuild of the facts
    write: bool
    created_at: int = Field(sa_type=BigInteger)
    expires_at: int | None = Field(default=None, sa_type=BigInteger)
    last_used_at: int | None = Field(default=None, sa_type=BigInteger)
    revoked_at: int | None = Field(default=None, sa_type=BigInteger)


class Reply(SQLModel, table=True):
    """What an idempotent request was answered with, for a day. Only the caller's own credential can read `answer`."""

    __tablename__ = "replies"
    __table_args__ = ({"sqlite_with_rowid": False},)
    scope: str = Field(sa_type=Word, primary_key=True)  # whose: the credential's id
    key: str = Field(sa_type=Word, primary_key=True)
    fingerprint: bytes = Field(sa_type=Blob)  # of the request: a key is not for another
    seed: str = Field(sa_type=Word)  # the ids of the events that the request causes follow from it
    created_at: int = Field(sa_type=BigInteger, index=True)
    answer: bytes | None = Field(default=None, sa_type=Blob)
