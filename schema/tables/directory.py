"""What directories say: organizations, their people and groups, and who is in which."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from schema.tables.columns import Key, Word


class Organization(SQLModel, table=True):
    """A customer. Exists from the first event that names it; only `organization.*` events describe or remove it."""

    __tablename__ = "organizations"
    key: int = Field(sa_type=Key, primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: str = Field(sa_type=Word, unique=True)
    display_name: str | None = None
    external_id: str | None = None
    deleted: bool = False
    at: int = Field(default=0, sa_type=BigInteger)
    by: str = Field(default="", sa_type=Word)
    mappings_version: int = 0


class Directory(SQLModel, table=True):
    """A connection to an organization's provider."""

    __tablename__ = "directories"
    key: int = Field(sa_type=Key, primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: str = Field(sa_type=Word, unique=True)
    organization_key: int = Field(sa_type=Key, foreign_key="organizations.key", index=True)
    provider: str | None = None
    type: str | None = None
    enabled: bool = True
    at: int = Field(default=0, sa_type=BigInteger)
    by: str = Field(default="", sa_type=Word)


class User(SQLModel, table=True):
    """A person, as their newest event says. `deleted` is a tombstone: an older event cannot bring them back."""

    __tablename__ = "users"
    __table_args__ = (
        Index("users_by_organization", "organization_key", "key"),
        # A token may name its user by address; an index holds no text of any length (RFC 5321: 320 is an address's).
        Index("users_by_email", text("lower(substr(email, 1, 320))")),
    )
    key: int = Field(sa_type=Key, primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: str = Field(sa_type=Word, unique=True)
    organization_key: int = Field(sa_type=Key, foreign_key="organizations.key")
    external_id: str | None = None
    email: str | None = None
    username: str | None = None
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    active: bool
    deleted: bool = False
    at: int = Field(sa_type=BigInteger)
    by: str = Field(sa_type=Word)


class Group(SQLModel, table=True):
    """A directory's group. `(seen_at, seen_by)` orders existence, which snapshots tell too; `(at, by)` the rest."""

    __tablename__ = "groups"
    __table_args__ = (Index("groups_by_organization", "organization_key", "key"),)
    key: int = Field(sa_type=Key, primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: str = Field(sa_type=Word, unique=True)
    organization_key: int = Field(sa_type=Key, foreign_key="organizations.key")
    directory_key: int | None = Field(default=None, sa_type=Key, foreign_key="directories.key")
    external_id: str | None = None
    display_name: str | None = None
    named: str | None = None  # the name in the newest snapshot that gave one, until the group is described
    deleted: bool = False
    seen_at: int = Field(sa_type=BigInteger)
    seen_by: str = Field(sa_type=Word)
    at: int = Field(default=0, sa_type=BigInteger)
    by: str = Field(default="", sa_type=Word)


class Membership(SQLModel, table=True):
    """A group in a user's newest snapshot."""

    __tablename__ = "memberships"
    __table_args__ = (Index("memberships_by_group", "group_key", "user_key"), {"sqlite_with_rowid": False})
    user_key: int = Field(sa_type=Key, foreign_key="users.key", primary_key=True)
    group_key: int = Field(sa_type=Key, foreign_key="groups.key", primary_key=True)


class Assertion(SQLModel, table=True):
    """A role name in a user's newest snapshot; it waits here until the catalogue knows it."""

    __tablename__ = "assertions"
    __table_args__ = (Index("assertions_by_name", "name", "user_key"), {"sqlite_with_rowid": False})
    user_key: int = Field(sa_type=Key, foreign_key="users.key", primary_key=True)
    name: str = Field(sa_type=Word, primary_key=True)
