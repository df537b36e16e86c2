"""Mappings, each with its group and role."""

from __future__ import annotations

from collections.abc import Sequence

from schema.graphql.objects import Group, Mapping, Role
from schema.graphql.reading.reading import Reading
from schema.graphql.reading.reasons import mapping_id
from schema.graphql.scalars import DateTime
from schema.graphql.wanted import Wanted
from schema.queries.mappings import MappingRow


def mappings_of(reading: Reading, rows: Sequence[MappingRow], wanted: Wanted) -> list[Mapping]:
    """The mappings of rows that were read, in their order."""
    reading.budget.reading(len(rows))
    mappings = [_object(row) for row in rows]
    if "group" in wanted:
        groups = reading.load(Group, (row.group_key for row in rows), wanted["group"])
        for row, mapping in zip(rows, mappings, strict=True):
            mapping.group = groups[row.group_key]
    if "role" in wanted:
        roles = reading.load(Role, ((row.role_key, row.organization_key) for row in rows), wanted["role"])
        for row, mapping in zip(rows, mappings, strict=True):
            mapping.role = roles[row.role_key, row.organization_key]
    return mappings


def _object(row: MappingRow) -> Mapping:
    return Mapping(id=mapping_id(row.key), created_at=DateTime(row.created_at), created_by=row.created_by)
