"""Roles, out of the catalogue: no SELECT but for the organization of an own role."""

from __future__ import annotations

from schema.graphql.enums import DefaultOf
from schema.graphql.leaves import Permission
from schema.graphql.objects import Organization, Role
from schema.graphql.reading.reading import Reading
from schema.graphql.wanted import Wanted
from schema.kinds import Kind
from schema.queries.catalogue import PermissionEntry, RoleEntry

RoleKey = tuple[int, int | None]  # the role's key, and that of the organization in whose eyes it is seen
DEFAULTS = ((DefaultOf.MEMBER, Kind.MEMBER), (DefaultOf.CREATOR, Kind.CREATOR))


def load_roles(reading: Reading, keys: list[RoleKey], wanted: Wanted) -> dict[RoleKey, Role]:
    """Roles by (key, key of the organization that looks), deleted ones too."""
    entries = {key: reading.catalogue.entries[key[0]] for key in keys if key[0] in reading.catalogue.entries}
    roles = {key: _object(reading, key, entry, wanted) for key, entry in entries.items()}
    if "extends" in wanted:
        _fill_extended(reading, roles, entries, wanted["extends"])
    if "organization" in wanted:
        homes = reading.load(Organization, (e.organization_key for e in entries.values()), wanted["organization"])
        for key, entry in entries.items():
            if entry.organization_key is not None:
                roles[key].organization = homes[entry.organization_key]
    return roles


def permission_object(entry: PermissionEntry) -> Permission:
    """A permission of the contract."""
    return Permission(name=entry.name, description=entry.description)


def _object(reading: Reading, key: RoleKey, entry: RoleEntry, wanted: Wanted) -> Role:
    role = Role(
        name=entry.name,
        display_name=entry.display_name,
        description=entry.description,
        priority=entry.priority,
        protected=entry.protected,
    )
    if "permissions" in wanted:
        role.permissions = [permission_object(each) for each in reading.catalogue.own_permissions.get(entry.key, ())]
    if "allPermissions" in wanted:
        role.all_permissions = [permission_object(each) for each in reading.catalogue.all_permissions([entry])]
    if "defaultFor" in wanted:
        viewing = key[1] if key[1] is not None else entry.organization_key
        role.default_for = [of for of, kind in DEFAULTS if reading.catalogue.default(kind, viewing) == entry]
    return role


def _fill_extended(
    reading: Reading, roles: dict[RoleKey, Role], entries: dict[RoleKey, RoleEntry], wanted: Wanted
) -> None:
    extended = {key: found.key for key, entry in entries.items() if (found := reading.catalogue.extended(entry))}
    objects = reading.load(Role, ((role, key[1]) for key, role in extended.items()), wanted)
    for key, role in extended.items():
        roles[key].extends = objects[role, key[1]]
