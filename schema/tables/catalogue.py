"""The catalogue: which roles and permissions there are, and which roles are given by default."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from schema.tables.columns import Key, Word


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
