"""Permissions as directory events and administrators register, describe and remove them."""

from __future__ import annotations

import re

from sqlmodel import Session

from api.facts.catalogue import new_version
from api.facts.keys import new_keys
from api.work import Entry
from schema.commands import CreatePermission
from schema.kinds import Outcome
from schema.problems import BadInput, Conflict, NotFound
from schema.sql import Statement
from schema.wire import PermissionDeleted, PermissionDescribed

NAME = re.compile(r"[a-zA-Z0-9_:]{1,64}", re.ASCII)
FIND = Statement("SELECT key, deleted, at FROM permissions WHERE name = :name")
FORGET = Statement("DELETE FROM role_permissions WHERE permission_key = :permission")
WRITE = Statement("""
    INSERT INTO permissions (key, name, description, deleted, at, by)
    VALUES (:key, :name, :description, :deleted, :at, :by)
    ON CONFLICT (name) DO UPDATE SET deleted = excluded.deleted, at = excluded.at, by = excluded.by,
        description = CASE WHEN excluded.deleted THEN permissions.description ELSE excluded.description END
    WHERE excluded.at > permissions.at OR (excluded.at = permissions.at AND excluded.by > permissions.by)
    RETURNING key""")


def write_permission(session: Session, entry: Entry, body: PermissionDescribed | PermissionDeleted) -> None:
    """Write what a directory event says of a permission; an older event than the one known is superseded."""
    gone = isinstance(body, PermissionDeleted)
    description = None if isinstance(body, PermissionDeleted) else body.description
    if not _write(session, entry, body.name, description, gone=gone, at=entry.at):
        entry.outcome = Outcome.SUPERSEDED


def create_permission(session: Session, entry: Entry, command: CreatePermission) -> None:
    """Register a permission; raise Conflict if there is one of the name, BadInput for what is no name."""
    known = FIND.first(session, name=command.name)
    if known is not None and not known[1]:
        raise Conflict(f"there is a permission named {command.name!r} already")
    declare_permission(session, entry, command.name, command.description)


def declare_permission(session: Session, entry: Entry, name: str, description: str | None) -> None:
    """Register a permission, or describe it anew; raise BadInput for what is no name."""
    if not NAME.fullmatch(name):
        raise BadInput("a permission's name is 1 to 64 letters (a-z, A-Z), digits, underscores and colons")
    known = FIND.first(session, name=name)
    at = max(entry.at, known[2] + 1) if known else entry.at
    _write(session, entry, name, description, gone=False, at=at)


def drop_permission(session: Session, entry: Entry, name: str) -> None:
    """End a permission and take it from every role; raise NotFound if there is none of the name."""
    known = FIND.first(session, name=name)
    if known is None or known[1]:
        raise NotFound(f"no permission named {name!r}")
    _write(session, entry, name, None, gone=True, at=max(entry.at, known[2] + 1))
    FORGET.run(session, permission=known[0])


def _write(session: Session, entry: Entry, name: str, description: str | None, *, gone: bool, at: int) -> bool:
    known = FIND.first(session, name=name)
    key = known[0] if known else next(new_keys(session, "permissions"))
    words = {"name": name, "description": description, "deleted": gone, "at": at, "by": entry.event.id}
    written = WRITE.scalars(session, key=key, **words)
    new_version(session)
    return bool(written)
