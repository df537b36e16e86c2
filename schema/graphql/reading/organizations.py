"""Organizations and their directories."""

from __future__ import annotations

from collections.abc import Sequence

from strawberry import ID

from schema.graphql.objects import Directory, Organization, Role, User
from schema.graphql.reading.mappings import mappings_of
from schema.graphql.reading.reading import Reading, grouped
from schema.graphql.reading.warnings import warnings_of
from schema.graphql.scalars import DateTime, moment
from schema.graphql.wanted import Wanted
from schema.kinds import Kind
from schema.queries.changes import changes_head
from schema.queries.mappings import mappings_of_organizations
from schema.queries.organizations import (
    DirectoryRow,
    OrganizationRow,
    directories_by_key,
    directories_of_organizations,
    last_heard,
    organizations_by_key,
)
from schema.queries.people import creators_of_organizations


def load_organizations(reading: Reading, keys: list[int], wanted: Wanted) -> dict[int, Organization]:
    """Organizations by key."""
    return organizations_of(reading, organizations_by_key(reading.session, keys), wanted)


def organizations_of(reading: Reading, rows: Sequence[OrganizationRow], wanted: Wanted) -> dict[int, Organization]:
    """Organizations by key, of rows that were read."""
    reading.budget.reading(len(rows) if wanted else 0)  # those read for their ids alone are told of nowhere
    organizations = {row.key: _object(reading, row) for row in rows}
    if wanted.any("roles", "defaultMemberRole"):
        _fill_roles(reading, organizations, wanted)
    if "directories" in wanted:
        _fill_directories(reading, organizations, wanted["directories"])
    if "mappings" in wanted:
        _fill_mappings(reading, organizations, wanted["mappings"])
    if "creator" in wanted:
        _fill_creators(reading, organizations, wanted["creator"])
    if "warnings" in wanted:
        warnings = warnings_of(reading, [row for row in rows if not row.deleted])
        for key, organization in organizations.items():
            organization.warnings = warnings.get(key, [])
    if "head" in wanted:
        head = reading.cursor(changes_head(reading.session))
        for organization in organizations.values():
            organization.head = head
    return organizations


def load_directories(reading: Reading, keys: list[int], wanted: Wanted) -> dict[int, Directory]:
    """Directories by key."""
    return directories_of(reading, directories_by_key(reading.session, keys), wanted)


def directories_of(reading: Reading, rows: Sequence[DirectoryRow], wanted: Wanted) -> dict[int, Directory]:
    """Directories by key, of rows that were read."""
    reading.budget.reading(len(rows))
    directories = {row.key: Directory(id=ID(row.id), provider=row.provider, enabled=row.enabled) for row in rows}
    homes = list(dict.fromkeys(row.organization_key for row in rows))
    if "organization" in wanted:
        organizations = reading.load(Organization, homes, wanted["organization"])
        for row in rows:
            directories[row.key].organization = organizations[row.organization_key]
    if "lastEventAt" in wanted:
        heard = last_heard(reading.session, homes)
        for row in rows:
            directories[row.key].last_event_at = moment(heard.get(row.organization_key))
    return directories


def _object(reading: Reading, row: OrganizationRow) -> Organization:
    return Organization(
        key=row.key,
        nested=reading.nested,
        id=ID(row.id),
        display_name=row.display_name,
        mappings_version=row.mappings_version,
        removed_at=DateTime(row.at) if row.deleted else None,
    )


def _fill_roles(reading: Reading, organizations: dict[int, Organization], wanted: Wanted) -> None:
    listed = {key: [entry.key for entry in reading.catalogue.roles(key)] for key in organizations}
    if "roles" in wanted:
        roles = reading.load(Role, ((role, key) for key in listed for role in listed[key]), wanted["roles"])
        for key, organization in organizations.items():
            organization.roles = [roles[role, key] for role in listed[key]]
    if "defaultMemberRole" in wanted:
        defaults = {key: found.key for key in organizations if (found := reading.catalogue.default(Kind.MEMBER, key))}
        roles = reading.load(Role, ((role, key) for key, role in defaults.items()), wanted["defaultMemberRole"])
        for key, role in defaults.items():
            organizations[key].default_member_role = roles[role, key]


def _fill_directories(reading: Reading, organizations: dict[int, Organization], wanted: Wanted) -> None:
    rows = directories_of_organizations(reading.session, list(organizations))
    directories = directories_of(reading, rows, wanted)
    of_home = grouped((row.organization_key, directories[row.key]) for row in rows)
    for key, organization in organizations.items():
        organization.directories = of_home.get(key, [])


def _fill_mappings(reading: Reading, organizations: dict[int, Organization], wanted: Wanted) -> None:
    edges = mappings_of_organizations(reading.session, list(organizations))
    of_owner = grouped(zip((row.organization_key for row in edges), mappings_of(reading, edges, wanted), strict=True))
    for key, organization in organizations.items():
        organization.mappings = of_owner.get(key, [])


def _fill_creators(reading: Reading, organizations: dict[int, Organization], wanted: Wanted) -> None:
    creators = creators_of_organizations(reading.session, list(organizations))
    users = reading.load(User, creators.values(), wanted)
    for key, user in creators.items():
        organizations[key].creator = users.get(user)
