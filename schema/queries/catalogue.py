"""The role catalogue as an immutable snapshot, kept for as long as the log's catalogue version stays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlmodel import Session

from schema.kinds import Kind
from schema.sql import Statement

VERSION = Statement("SELECT id, catalogue FROM log")
ROLES = Statement(
    """
    SELECT key, name, organization_key, coalesce(display_name, name), description, priority, extends, protected, deleted
    FROM roles ORDER BY priority, name, key"""
)
PERMISSIONS = Statement("SELECT key, name, description FROM permissions WHERE NOT deleted ORDER BY name")
PERMISSION = Statement("SELECT key, name, description FROM permissions WHERE name = :name")
GIVEN = Statement("SELECT role_key, permission_key FROM role_permissions")
DEFAULTS = Statement("SELECT organization_key, of, role_key FROM default_roles")


class PermissionEntry(NamedTuple):
    """Something a role allows."""

    key: int
    name: str
    description: str | None


class RoleEntry(NamedTuple):
    """A role; `extends` is another's name, as it is stored; `display_name` is the name where it has none."""

    key: int
    name: str
    organization_key: int | None
    display_name: str
    description: str | None
    priority: int
    extends: str | None
    protected: bool
    deleted: bool


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every role and permission of one moment. `entries` holds deleted roles too, for what speaks of the past."""

    log: str
    version: int
    entries: Mapping[int, RoleEntry]
    permissions: tuple[PermissionEntry, ...]
    own_permissions: Mapping[int, tuple[PermissionEntry, ...]]
    defaults: Mapping[tuple[int | None, int], int]
    named: Mapping[tuple[int | None, str], RoleEntry]
    lists: Mapping[int | None, tuple[RoleEntry, ...]]

    def roles(self, organization: int | None = None) -> list[RoleEntry]:
        """The environment's roles and, with an organization's key, its own; most significant first."""
        own = self.lists.get(organization, ()) if organization is not None else ()
        return sorted((*self.lists.get(None, ()), *own), key=rank)

    def role(self, name: str, organization: int | None = None) -> RoleEntry | None:
        """The role a name means in an organization: its own, else the environment's."""
        own = self.named.get((organization, name))
        return own if own is not None else self.named.get((None, name))

    def keys_named(self, name: str) -> tuple[int, ...]:
        """The keys of all roles that bear or bore the name."""
        return tuple(key for key, entry in self.entries.items() if entry.name == name)

    def permission(self, name: str) -> PermissionEntry | None:
        """The permission of this name."""
        return next((permission for permission in self.permissions if permission.name == name), None)

    def extended(self, entry: RoleEntry) -> RoleEntry | None:
        """The role that another extends; an organization's own may extend the environment's of its name."""
        if entry.extends is None:
            return None
        own = self.named.get((entry.organization_key, entry.extends))
        found = own if own is not None and own.key != entry.key else self.named.get((None, entry.extends))
        return None if found is None or found.key == entry.key else found

    def all_permissions(self, roles: Iterable[RoleEntry]) -> list[PermissionEntry]:
        """What the roles allow, through `extends` too, sorted by name. A circle of roles is gone through once."""
        todo, seen, found = list(roles), set[int](), set[PermissionEntry]()
        while todo:
            entry = todo.pop()
            if entry.key not in seen:
                seen.add(entry.key)
                found.update(self.own_permissions.get(entry.key, ()))
                extended = self.extended(entry)
                todo += [] if extended is None else [extended]
        return sorted(found, key=lambda permission: permission.name)

    def default(self, of: Kind, organization: int | None = None) -> RoleEntry | None:
        """The role held by default in an organization: the one it named for members, else the environment's."""
        key = self.defaults.get((organization, of)) if of is Kind.MEMBER else None
        key = self.defaults.get((None, of)) if key is None else key
        entry = None if key is None else self.entries.get(key)
        return None if entry is None or entry.deleted else entry


def _role(*columns: object) -> RoleEntry:
    row = RoleEntry(*columns)  # type: ignore[arg-type]  # what the columns are, the table says
    return row._replace(protected=bool(row.protected), deleted=bool(row.deleted))  # SQLite's are numbers


def rank(entry: RoleEntry) -> tuple[int, str, int]:
    """Most significant first; names break ties, and keys those of two roles with one name."""
    return entry.priority, entry.name, entry.key


class CatalogueCache:
    """The newest snapshot of a process. One narrow SELECT a read keeps it exact, whoever changed the catalogue."""

    def __init__(self) -> None:
        self._snapshot: Catalogue | None = None

    def of(self, session: Session) -> Catalogue:
        """The catalogue as the session sees it. Raises LookupError in a database without its log row."""
        row = next(iter(VERSION.run(session)), None)
        if row is None:
            raise LookupError("the table log is empty: the database is not migrated")
        snapshot = self._snapshot  # threads may replace it meanwhile: each keeps what it saw
        if snapshot is None or (snapshot.log, snapshot.version) != (row[0], row[1]):
            self._snapshot = snapshot = read_catalogue(session, row[0], row[1])
        return snapshot


def permission_ever(session: Session, name: str) -> PermissionEntry | None:
    """The permission that has the name, or had it last."""
    row = PERMISSION.first(session, name=name)
    return None if row is None else PermissionEntry(*row)


def read_catalogue(session: Session, log: str, version: int) -> Catalogue:
    """Read the whole catalogue, in four SELECTs."""
    entries = {row[0]: _role(*row) for row in ROLES.run(session)}
    permissions = {row[0]: PermissionEntry(*row) for row in PERMISSIONS.run(session)}
    given: defaultdict[int, list[PermissionEntry]] = defaultdict(list)
    for role, permission in GIVEN.run(session):
        if permission in permissions:
            given[role].append(permissions[permission])
    lists: defaultdict[int | None, list[RoleEntry]] = defaultdict(list)
    for entry in entries.values():
        if not entry.deleted:
            lists[entry.organization_key].append(entry)
    return Catalogue(
        log=log,
        version=version,
        entries=entries,
        permissions=tuple(permissions.values()),
        own_permissions={role: tuple(sorted(found, key=lambda entry: entry.name)) for role, found in given.items()},
        defaults={(organization, of): role for organization, of, role in DEFAULTS.run(session)},
        named={(organization, entry.name): entry for organization, roles in lists.items() for entry in roles},
        lists={organization: tuple(roles) for organization, roles in lists.items()},
    )
