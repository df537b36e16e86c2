"""What is stored, in the order it flows: journal, facts, grants and changes. Of callers, see schema.callers.

Wire ids are text; behind each stands an integer `key`, given out by the one writer in journal order, so that a rebuild
gives the same keys again. Times are integers, nanoseconds since the epoch: directories send nine digits, and order
hangs on them. A fact's `(at, by)` is the `occurred_at` and id of the event it came from; zero and empty mean "only
named so far".
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

Key = BigInteger().with_variant(Integer, "sqlite")  # SQLite's rowid alias must be spelled INTEGER
Word = Text().with_variant(Text(collation="C"), "postgresql")  # compared byte by byte, as SQLite and Python do
Blob = LargeBinary()


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


class Role(SQLModel, table=True):
    """The catalogue: a role of the environment, or of one organization. `stamps` orders each field by itself (JSON)."""

    __tablename__ = "roles"
    __table_args__ = (
        UniqueConstraint("organization_key", "name"),
        Index(
            "environment_roles",
            "name",
            unique=True,
            sqlite_where=text("organization_key IS NULL"),
            postgresql_where=text("organization_key IS NULL"),
        ),
    )
    key: int = Field(sa_type=Key, primary_key=True, sa_column_kwargs={"autoincrement": False})
    name: str = Field(sa_type=Word)
    organization_key: int | None = Field(default=None, sa_type=Key, foreign_key="organizations.key")
    display_name: str | None = None
    description: str | None = None
    priority: int = 100
    extends: str | None = Field(default=None, sa_type=Word)  # by name: the other role may be registered later
    protected: bool = False
    deleted: bool = False
    stamps: str = "{}"


class Permission(SQLModel, table=True):
    """Something a role allows."""

    __tablename__ = "permissions"
    key: int = Field(sa_type=Key, primary_key=True, sa_column_kwargs={"autoincrement": False})
    name: str = Field(sa_type=Word, unique=True)
    description: str | None = None
    deleted: bool = False
    at: int = Field(sa_type=BigInteger)
    by: str = Field(sa_type=Word)


class RolePermission(SQLModel, table=True):
    """A permission that a role gives by itself."""

    __tablename__ = "role_permissions"
    __table_args__ = ({"sqlite_with_rowid": False},)
    role_key: int = Field(sa_type=Key, foreign_key="roles.key", primary_key=True)
    permission_key: int = Field(sa_type=Key, foreign_key="permissions.key", primary_key=True)


class DefaultRole(SQLModel, table=True):
    """A role given by default: `of` is Kind.CREATOR or Kind.MEMBER; without an organization, the environment's."""

    __tablename__ = "default_roles"
    __table_args__ = (UniqueConstraint("organization_key", "of"),)
    key: int = Field(sa_type=Key, primary_key=True, sa_column_kwargs={"autoincrement": False})
    organization_key: int | None = Field(default=None, sa_type=Key, foreign_key="organizations.key")
    of: int
    role_key: int = Field(sa_type=Key, foreign_key="roles.key")


class Creator(SQLModel, table=True):
    """Who created an organization."""

    __tablename__ = "creators"
    organization_key: int = Field(
        sa_type=Key, foreign_key="organizations.key", primary_key=True, sa_column_kwargs={"autoincrement": False}
    )
    user_key: int = Field(sa_type=Key, foreign_key="users.key")


class Mapping(SQLModel, table=True):
    """Members of the group hold the role. Outlives its rename and waits out its deletion. The id is `map_` + key."""

    __tablename__ = "mappings"
    __table_args__ = (UniqueConstraint("group_key", "role_key"),)
    key: int = Field(sa_type=Key, primary_key=True, sa_column_kwargs={"autoincrement": False})
    organization_key: int = Field(sa_type=Key, foreign_key="organizations.key", index=True)
    group_key: int = Field(sa_type=Key, foreign_key="groups.key")
    role_key: int = Field(sa_type=Key, foreign_key="roles.key", index=True)
    created_at: int = Field(sa_type=BigInteger)
    created_by: str


class HandGrant(SQLModel, table=True):
    """A role given by an administrator, beside whatever the directory says."""

    __tablename__ = "hand_grants"
    __table_args__ = ({"sqlite_with_rowid": False},)
    user_key: int = Field(sa_type=Key, foreign_key="users.key", primary_key=True)
    role_key: int = Field(sa_type=Key, foreign_key="roles.key", primary_key=True)
    actor: str
    note: str | None = None
    expires_at: int | None = Field(default=None, sa_type=BigInteger, index=True)


class Grant(SQLModel, table=True):
    """A role held, once for each reason; always equal to what the rule says. `ref` is the mapping's key, or 0."""

    __tablename__ = "grants"
    __table_args__ = (Index("grants_by_role", "role_key", "user_key"), {"sqlite_with_rowid": False})
    user_key: int = Field(sa_type=Key, foreign_key="users.key", primary_key=True)
    role_key: int = Field(sa_type=Key, foreign_key="roles.key", primary_key=True)
    kind: int = Field(primary_key=True)
    ref: int = Field(sa_type=Key, primary_key=True)
    since: int = Field(sa_type=BigInteger)  # when the role, not this reason for it, began to be held


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
