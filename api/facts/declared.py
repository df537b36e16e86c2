"""The catalogue as a file declares it: what differs from it is changed, in one event; what is equal is left alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from msgspec import UNSET, structs
from sqlmodel import Session

from api.facts.catalogue import CONCERNED, create_role, find_role, store, update_role, winning
from api.facts.grants import set_default_roles
from api.facts.permissions import declare_permission, drop_permission
from api.facts.removal import uses_of
from api.work import Entry
from schema.commands import ApplyCatalogue, CreateRole, DeclaredRole, SetDefaultRoles, UpdateRole
from schema.kinds import Kind
from schema.problems import Conflict, NotFound
from schema.sql import Statement

PERMISSIONS = Statement("SELECT name, description FROM permissions WHERE NOT deleted ORDER BY name")
ROLES = Statement("""
    SELECT name, display_name, description, priority, extends, protected FROM roles
    WHERE organization_key IS NULL AND NOT deleted ORDER BY priority, name""")
GIVEN = Statement("""
    SELECT r.name, p.name FROM role_permissions g
    JOIN roles r ON r.key = g.role_key JOIN permissions p ON p.key = g.permission_key
    WHERE r.organization_key IS NULL AND NOT r.deleted AND NOT p.deleted ORDER BY r.name, p.name""")
DEFAULTS = Statement("""
    SELECT d.of, r.name FROM default_roles d JOIN roles r ON r.key = d.role_key
    WHERE d.organization_key IS NULL AND NOT r.deleted""")


def stored_catalogue(session: Session) -> ApplyCatalogue:
    """The environment's catalogue as stored, as the declaration that would change nothing of it."""
    given: defaultdict[str, list[str]] = defaultdict(list)
    for role, permission in GIVEN.run(session):
        given[role].append(permission)
    defaults = dict(DEFAULTS.run(session))
    return ApplyCatalogue(
        permissions={name: description or None for name, description in PERMISSIONS.run(session)},
        roles={
            name: DeclaredRole(
                display_name=display_name,
                description=description,
                priority=priority,
                extends=extends,
                permissions=tuple(sorted(given[name])),
                protected=bool(protected),
            )
            for name, display_name, description, priority, extends, protected in ROLES.run(session)
        },
        member=defaults.get(Kind.MEMBER),
        creator=defaults.get(Kind.CREATOR),
    )


def differing(before: DeclaredRole, after: DeclaredRole) -> dict[str, Any]:
    """What is said otherwise of a role, by field; permissions have no order."""
    old, new = structs.asdict(before), structs.asdict(after)
    old["permissions"], new["permissions"] = sorted(set(before.permissions)), sorted(set(after.permissions))
    return {name: tuple(word) if name == "permissions" else word for name, word in new.items() if word != old[name]}


def apply_catalogue(session: Session, entry: Entry, command: ApplyCatalogue) -> None:
    """Make the environment's catalogue what is declared, and touch every user whose grants may follow.

    Raises BadInput for a name that is none and for a circle of `extends`, NotFound for a role or permission that is
    neither declared nor stays, and Conflict, saying why, for a role that is to end and is in use.
    """
    before = stored_catalogue(session)
    _check_permissions(before, command)
    for name, description in command.permissions.items():
        if name not in before.permissions or before.permissions[name] != (description or None):
            declare_permission(session, entry, name, description or None)
    touched = _write_roles(session, entry, command)
    touched |= _set_defaults(session, entry, command)
    if command.prune:
        touched |= _end_roles(session, entry, before.roles.keys() - command.roles.keys())
        for name in sorted(before.permissions.keys() - command.permissions.keys()):
            drop_permission(session, entry, name)
    entry.touched = sorted(touched)


def _check_permissions(before: ApplyCatalogue, command: ApplyCatalogue) -> None:
    """Raise NotFound if a role shall allow what will not be registered."""
    staying = command.permissions.keys() if command.prune else command.permissions.keys() | before.permissions.keys()
    for role, declared in command.roles.items():
        for permission in declared.permissions:
            if permission not in staying:
                raise NotFound(f"role {role!r}: no permission named {permission!r}; name it under [permissions]")


def _write_roles(session: Session, entry: Entry, command: ApplyCatalogue) -> set[int]:
    """Register the roles that are new and change what differs of the others; give the users whom that touches.

    `extends` is let go where it differs, and said once every role is there: so their order does not matter.
    """
    before = stored_catalogue(session).roles  # a permission that came back has brought what allowed it
    extending: dict[str, str] = {}
    touched: set[int] = set()
    for name, declared in command.roles.items():
        known = before.get(name)
        words = structs.asdict(declared) if known is None else differing(known, declared)
        if words.get("extends") is not None:
            extending[name] = words["extends"]
            words["extends"] = None
        if known is None:
            create_role(session, entry, CreateRole(name=name, **words))
            touched.update(entry.touched)
        elif words:
            update_role(session, entry, UpdateRole(name=name, **words))
    for name, extends in extending.items():
        update_role(session, entry, UpdateRole(name=name, extends=extends))
    return touched


def _set_defaults(session: Session, entry: Entry, command: ApplyCatalogue) -> set[int]:
    """Set the defaults that differ; give the users whom that touches."""
    before = stored_catalogue(session)  # a role that came back may have been a default before it ended
    words = {
        of: wanted
        for of in ("member", "creator")
        if (wanted := getattr(command, of)) is not UNSET and wanted != getattr(before, of)
    }
    if not words:
        return set()
    set_default_roles(session, entry, SetDefaultRoles(**words))
    return set(entry.touched)


def _end_roles(session: Session, entry: Entry, names: Iterable[str]) -> set[int]:
    """End roles that nothing hangs on but each other; give the users whom that touches."""
    going = sorted(names)
    touched: set[int] = set()
    for name in going:
        role = find_role(session, name, None)
        if role is None:
            continue
        if uses := uses_of(session, role, going):
            raise Conflict(f"role {name!r} is not declared, and cannot end: it is {', '.join(uses)}")
        touched.update(CONCERNED.scalars(session, role=role.key, name=name))
        role.say(winning(entry, role), deleted=True)
        store(session, entry, role, turned=False)
    return touched
