"""The role catalogue: what directory events and administrators say of roles, each field by its newest word."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import UNSET
from sqlmodel import Session

from api.facts.keys import new_keys
from api.work import Entry
from schema.commands import CreateRole, UpdateRole
from schema.kinds import Kind, Outcome
from schema.problems import BadInput, Conflict, NotFound
from schema.sql import Statement
from schema.wire import RoleDeleted, RoleDescribed

DEFAULT_PRIORITY = 100
NAME = re.compile(r"[a-zA-Z0-9_]{1,64}", re.ASCII)

FIND = Statement("""
    SELECT key, display_name, description, priority, extends, protected, deleted, stamps FROM roles
    WHERE name = :name AND coalesce(organization_key, 0) = coalesce(CAST(:organization AS bigint), 0)""")
WRITE = Statement("""
    INSERT INTO roles
        (key, name, organization_key, display_name, description, priority, extends, protected, deleted, stamps)
    VALUES (:key, :name, :organization, :display_name, :description, :priority, :extends, :protected, :deleted, :stamps)
    ON CONFLICT (key) DO UPDATE SET display_name = excluded.display_name, description = excluded.description,
        priority = excluded.priority, extends = excluded.extends, protected = excluded.protected,
        deleted = excluded.deleted, stamps = excluded.stamps""")
NEW_VERSION = Statement("UPDATE log SET catalogue = catalogue + 1")
PERMISSIONS = Statement(
    "SELECT name, key FROM permissions WHERE name IN (SELECT name FROM {names}) AND NOT deleted", names="name text"
)
CLEAR = Statement("DELETE FROM role_permissions WHERE role_key = :role")
ALLOW = Statement(
    "INSERT INTO role_permissions (role_key, permission_key) SELECT CAST(:role AS bigint), key FROM {keys} k",
    keys="key bigint",
)
# Everyone whose grants may turn when the role comes into being or goes.
CONCERNED = Statement(f"""
    SELECT user_key FROM grants WHERE role_key = :role
    UNION SELECT user_key FROM assertions WHERE name = :name
    UNION SELECT s.user_key FROM mappings m JOIN memberships s ON s.group_key = m.group_key WHERE m.role_key = :role
    UNION SELECT user_key FROM hand_grants WHERE role_key = :role
    UNION SELECT c.user_key FROM default_roles d CROSS JOIN creators c
        WHERE d.role_key = :role AND d.of = {Kind.CREATOR:d}
    UNION SELECT u.key FROM default_roles d JOIN users u
        ON d.organization_key IS NULL OR d.organization_key = u.organization_key
        WHERE d.role_key = :role AND d.of = {Kind.MEMBER:d}
    ORDER BY 1""")


@dataclass(slots=True)
class RoleFacts:
    """A role as stored. `stamps` holds, for each field that was ever said, the (occurred_at, event id) it came from."""

    key: int
    name: str
    organization: int | None
    values: dict[str, Any] = field(
        default_factory=lambda: {
            "display_name": None,
            "description": None,
            "priority": DEFAULT_PRIORITY,
            "extends": None,
            "protected": False,
            "deleted": True,
        }
    )
    stamps: dict[str, tuple[int, str]] = field(default_factory=dict)

    def say(self, stamp: tuple[int, str], **words: Any) -> bool:
        """Take each word that is newer than the one known; tell whether any was."""
        newer = {name: word for name, word in words.items() if stamp > self.stamps.get(name, (-1, ""))}
        self.values |= newer
        self.stamps |= dict.fromkeys(newer, stamp)
        return bool(newer)

    @property
    def newest(self) -> int:
        """When the newest word was said."""
        return max((at for at, _ in self.stamps.values()), default=0)


def find_role(session: Session, name: str, organization: int | None) -> RoleFacts | None:
    """The role of that name in exactly that scope, registered or a tombstone."""
    row = FIND.first(session, name=name, organization=organization)
    if row is None:
        return None
    names = ("display_name", "description", "priority", "extends", "protected", "deleted")
    stamps = {word: (at, by) for word, (at, by) in msgspec.json.decode(row[7]).items()}
    values = dict(zip(names, row[1:7], strict=True))
    values |= {"protected": bool(values["protected"]), "deleted": bool(values["deleted"])}
    return RoleFacts(row[0], name, organization, values, stamps)


def usable_role(session: Session, name: str, organization: int | None) -> RoleFacts:
    """The registered role that a name means in an organization: its own, else the environment's. NotFound if none."""
    role = _registered(session, name, organization)
    if role is None:
        raise NotFound(f"no role named {name!r}; register it with createRole")
    return role


def lineage(session: Session, role: RoleFacts) -> set[int]:
    """The keys of the role and of every role it extends, as far as they are registered."""
    keys: set[int] = set()
    link: RoleFacts | None = role
    while link is not None and link.key not in keys:
        keys.add(link.key)
        extends = link.values["extends"]
        link = None if extends is None else _registered(session, extends, role.organization)
    return keys


def _registered(session: Session, name: str, organization: int | None) -> RoleFacts | None:
    for scope in dict.fromkeys((organization, None)):
        role = find_role(session, name, scope)
        if role is not None and not role.values["deleted"]:
            return role
    return None


def write_role(session: Session, entry: Entry, body: RoleDescribed | RoleDeleted) -> None:
    """Write what a directory event says of a role; its end ends every grant of it."""
    role = _role(session, body.name, entry.organization_key)
    was = role.values["deleted"]
    stamp = (entry.at, entry.event.id)
    if isinstance(body, RoleDeleted):
        newer = role.say(stamp, deleted=True)
    else:
        words = {"display_name": body.display_name, "description": body.description, "extends": body.extends or None}
        newer = role.say(stamp, deleted=False, **words)
    if not newer:
        entry.outcome = Outcome.SUPERSEDED
    store(session, entry, role, turned=was != role.values["deleted"])


def create_role(session: Session, entry: Entry, command: CreateRole) -> None:
    """Register a role; raise Conflict if there is one of the name, BadInput or NotFound for what it refers to."""
    if not NAME.fullmatch(command.name):
        raise BadInput(
            "a role's name is 1 to 64 letters (a-z, A-Z), digits and underscores; displayName may be anything"
        )
    role = _role(session, command.name, entry.organization_key)
    rival = None if entry.organization_key is None else find_role(session, command.name, None)
    if not role.values["deleted"] or (rival is not None and not rival.values["deleted"]):
        raise Conflict(f"there is a role named {command.name!r} already; change it with updateRole")
    words = {
        "display_name": command.display_name,
        "description": command.description,
        "priority": DEFAULT_PRIORITY if command.priority is None else command.priority,
        "extends": command.extends,
        "protected": command.protected,
    }
    _check_extends(session, role, command.extends)
    role.say(winning(entry, role), deleted=False, **words)
    store(session, entry, role, turned=True)
    _allow(session, role, command.permissions)


def update_role(session: Session, entry: Entry, command: UpdateRole) -> None:
    """Change what is set of a registered role; raise NotFound if there is none, BadInput for a circle of `extends`."""
    role = find_role(session, command.name, entry.organization_key)
    if role is None or role.values["deleted"]:
        raise NotFound(f"no role named {command.name!r}; register it with createRole")
    given = {
        name: getattr(command, name) for name in ("display_name", "description", "priority", "extends", "protected")
    }
    words = {name: value for name, value in given.items() if value is not UNSET}
    _check_extends(session, role, words.get("extends"))
    role.say(winning(entry, role), **words)
    store(session, entry, role, turned=False)
    if command.permissions is not UNSET:
        _allow(session, role, command.permissions)


def _role(session: Session, name: str, organization: int | None) -> RoleFacts:
    known = find_role(session, name, organization)
    return known or RoleFacts(next(new_keys(session, "roles")), name, organization)


def winning(entry: Entry, role: RoleFacts) -> tuple[int, str]:
    """A command acts on what its author saw: its word is the newest even if a sender's clock runs ahead of ours."""
    return (max(entry.at, role.newest + 1), entry.event.id)


def _check_extends(session: Session, role: RoleFacts, extends: str | None) -> None:
    """Raise BadInput, naming the path, if the role would extend itself; NotFound if what it extends is not there."""
    path = [role.name]
    parent = None if extends is None else usable_role(session, extends, role.organization)
    while parent is not None and extends is not None:
        path.append(extends)
        if parent.key == role.key or path.count(extends) > 1:
            raise BadInput(f"a role cannot extend itself: {' -> '.join(path)}")
        extends = parent.values["extends"]
        parent = None if extends is None else _registered(session, extends, role.organization)


def store(session: Session, entry: Entry, role: RoleFacts, *, turned: bool) -> None:
    """Write a role down; one that `turned` between there and gone touches everyone whose grants may follow."""
    stamps = msgspec.json.encode(role.stamps).decode()
    WRITE.run(session, key=role.key, name=role.name, organization=role.organization, stamps=stamps, **role.values)
    new_version(session)
    if turned:
        entry.touched = CONCERNED.scalars(session, role=role.key, name=role.name)


def new_version(session: Session) -> None:
    """Tell every reader that keeps a snapshot of the catalogue to read it again."""
    NEW_VERSION.run(session)


def _allow(session: Session, role: RoleFacts, names: tuple[str, ...]) -> None:
    wanted = list(dict.fromkeys(names))
    known = {row[0]: row[1] for row in PERMISSIONS.run(session, names=wanted)} if wanted else {}
    if missing := [name for name in wanted if name not in known]:
        raise NotFound(f"no permission named {missing[0]!r}; register it with createPermission")
    CLEAR.run(session, role=role.key)
    if known:
        ALLOW.run(session, role=role.key, keys=sorted(known.values()))
