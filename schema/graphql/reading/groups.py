"""Groups, with their directory, mappings and number of members."""

from __future__ import annotations

from collections.abc import Sequence

from strawberry import ID

from schema.graphql.objects import Directory, Group, Organization
from schema.graphql.reading.mappings import mappings_of
from schema.graphql.reading.reading import Reading, grouped
from schema.graphql.scalars import DateTime
from schema.graphql.wanted import Wanted
from schema.queries.groups import GroupRow, groups_by_key, member_counts
from schema.queries.mappings import mappings_of_groups


def load_groups(reading: Reading, keys: list[int], wanted: Wanted) -> dict[int, Group]:
    """Groups by key."""
    return groups_of(reading, groups_by_key(reading.session, keys), wanted)


def groups_of(reading: Reading, rows: Sequence[GroupRow], wanted: Wanted) -> dict[int, Group]:
    """Groups by key, of rows that were read."""
    reading.budget.reading(len(rows))
    groups = {row.key: _object(reading, row) for row in rows}
    if "organization" in wanted:
        homes = reading.load(Organization, (row.organization_key for row in rows), wanted["organization"])
        for row in rows:
            groups[row.key].organization = homes[row.organization_key]
    if "directory" in wanted:
        directories = reading.load(Directory, (row.directory_key for row in rows), wanted["directory"])
        for row in rows:
            groups[row.key].directory = None if row.directory_key is None else directories.get(row.directory_key)
    if "memberCount" in wanted:
        counts = member_counts(reading.session, [row.key for row in rows if not row.deleted])
        for key, group in groups.items():
            group.member_count = counts.get(key, 0)
    if "mappings" in wanted:
        found = mappings_of_groups(reading.session, list(groups))
        mappings = grouped(
            zip((row.group_key for row in found), mappings_of(reading, found, wanted["mappings"]), strict=True)
        )
        for key, group in groups.items():
            group.mappings = mappings.get(key, [])
    return groups


def _object(reading: Reading, row: GroupRow) -> Group:
    return Group(
        key=row.key,
        nested=reading.nested,
        id=ID(row.id),
        external_id=row.external_id,
        display_name=row.name,
        updated_at=DateTime(row.at),
        removed_at=DateTime(row.seen_at) if row.deleted else None,
    )
