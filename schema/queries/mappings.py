"""Mappings: which groups give which roles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel import Session

from schema.sql import Statement

MAPPING = """SELECT m.key, m.organization_key, m.group_key, m.role_key, m.created_at, m.created_by
    FROM {asked} asked CROSS JOIN mappings m"""


class MappingRow(NamedTuple):
    """A mapping; `created_at` in nanoseconds."""

    key: int
    organization_key: int
    group_key: int
    role_key: int
    created_at: int
    created_by: str


class MappedGroupRow(NamedTuple):
    """The group behind a mapping, under its present name."""

    mapping_key: int
    group_key: int
    group_id: str
    group_name: str


OF_ORGANIZATIONS = Statement(
    f"{MAPPING} WHERE m.organization_key = asked.key ORDER BY m.organization_key, m.key", asked="key bigint"
)
OF_GROUPS = Statement(f"{MAPPING} WHERE m.group_key = asked.key ORDER BY m.group_key, m.key", asked="key bigint")
GROUPS = Statement(
    """
    SELECT m.key, g.key, g.id, coalesce(g.display_name, g.named, g.id)
    FROM {asked} asked CROSS JOIN mappings m CROSS JOIN groups g WHERE m.key = asked.key AND g.key = m.group_key""",
    asked="key bigint",
)


def mappings_of_organizations(session: Session, organizations: Sequence[int]) -> list[MappingRow]:
    """Every mapping of these organizations, oldest first."""
    return [MappingRow(*row) for row in OF_ORGANIZATIONS.run(session, asked=organizations)]


def mappings_of_groups(session: Session, groups: Sequence[int]) -> list[MappingRow]:
    """Every mapping of these groups, oldest first."""
    return [MappingRow(*row) for row in OF_GROUPS.run(session, asked=groups)]


def mapped_groups(session: Session, mappings: Sequence[int]) -> list[MappedGroupRow]:
    """The groups behind these mapping keys, in any order."""
    return [MappedGroupRow(*row) for row in GROUPS.run(session, asked=mappings)]
