"""What an administrator should look at in an organization."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schema.graphql.leaves import OrganizationWarning
from schema.graphql.reading.reading import Reading, grouped
from schema.graphql.reading.reasons import mapping_id
from schema.queries.organizations import OrganizationRow
from schema.queries.warnings import MOST, idle_mappings, unknown_names, vacant_roles

Of = tuple[int, OrganizationWarning]  # an organization's key, and its warning


def warnings_of(reading: Reading, rows: Sequence[OrganizationRow]) -> dict[int, list[OrganizationWarning]]:
    """The warnings of each organization, the first of each code; one that is in order has none."""
    keys = [row.key for row in rows]
    if not keys:
        return {}
    return grouped([*_unknown(reading, keys), *_idle(reading, keys), *_vacant(reading, keys)])


def _unknown(reading: Reading, keys: list[int]) -> Iterator[Of]:
    for row in unknown_names(reading.session, keys):
        whom = "1 user" if row.users == 1 else f"{row.users} users"
        message = f"the directory asserts {row.name} of {whom}, and no role of that name is registered"
        yield row.organization_key, _warning("UNKNOWN_ROLE", message, row.name)


def _idle(reading: Reading, keys: list[int]) -> Iterator[Of]:
    """A mapping that lacks both its group and its role is told of twice."""
    rows = idle_mappings(reading.session, keys)
    for home, found in grouped((row.organization_key, row) for row in rows).items():
        for row in [row for row in found if row.group_gone][:MOST]:
            role = reading.catalogue.entries[row.role_key].name
            message = f"group {row.group_name}, mapped to {role}, was removed; the mapping waits for its return"
            yield home, _warning("MAPPED_GROUP_GONE", message, mapping_id(row.mapping_key))
        for row in [row for row in found if row.role_gone][:MOST]:
            role = reading.catalogue.entries[row.role_key].name
            message = f"role {role}, which group {row.group_name} is mapped to, was deleted"
            yield home, _warning("MAPPED_ROLE_GONE", message, mapping_id(row.mapping_key))


def _vacant(reading: Reading, keys: list[int]) -> Iterator[Of]:
    protected = {(key, entry.key): entry for key in keys for entry in reading.catalogue.roles(key) if entry.protected}
    vacant = vacant_roles(reading.session, list(protected), reading.now)
    left = grouped((key[0], entry.name) for key, entry in protected.items() if key in vacant)
    for home, names in left.items():
        for name in names[:MOST]:
            yield home, _warning("PROTECTED_ROLE_WITHOUT_HOLDER", f"nobody holds {name}, which is protected", name)


def _warning(code: str, message: str, subject: str) -> OrganizationWarning:
    return OrganizationWarning(code=code, message=message, subject=subject)
