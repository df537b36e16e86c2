"""What administrators say of who is to hold a role, and the roles that are held."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from schema.tables.columns import Key


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
