"""What an administrator should look at, for many organizations at once, each list bounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel import Session

from schema.queries.people import STANDS
from schema.sql import Statement

MOST = 100  # of one kind in one organization: more are not read by people


class UnknownName(NamedTuple):
    """A role name that the directory asserts of so many users, and that means nothing in their organization."""

    organization_key: int
    name: str
    users: int


class IdleMapping(NamedTuple):
    """A mapping whose group, or whose role, is gone."""

    organization_key: int
    mapping_key: int
    role_key: int
    group_name: str
    group_gone: bool
    role_gone: bool


UNKNOWN = Statement(
    f"""
    SELECT organization_key, name, users FROM (
        SELECT found.*, row_number() OVER (PARTITION BY organization_key ORDER BY name) AS place FROM (
            SELECT u.organization_key, a.name, count(*) AS users
            FROM {{organizations}} asked CROSS JOIN users u CROSS JOIN assertions a
            WHERE u.organization_key = asked.key AND NOT u.deleted AND a.user_key = u.key AND NOT EXISTS (
                SELECT 1 FROM roles r WHERE r.name = a.name AND NOT r.deleted
                  AND (r.organization_key IS NULL OR r.organization_key = u.organization_key))
            GROUP BY u.organization_key, a.name) found
    ) numbered WHERE place <= {MOST} ORDER BY 1, 2""",
    organizations="key bigint",
)
IDLE = Statement(
    f"""
    SELECT organization_key, key, role_key, name, group_gone, role_gone FROM (
        SELECT m.organization_key, m.key, m.role_key, coalesce(g.display_name, g.named, g.id) AS name,
               g.deleted AS group_gone, r.deleted AS role_gone,
               row_number() OVER (PARTITION BY m.organization_key, g.deleted, r.deleted ORDER BY m.key) AS place
        FROM {{organizations}} asked CROSS JOIN mappings m CROSS JOIN groups g CROSS JOIN roles r
        WHERE m.organization_key = asked.key AND g.key = m.group_key AND r.key = m.role_key
          AND (g.deleted OR r.deleted)
    ) numbered WHERE place <= {MOST} ORDER BY 1, 2""",
    organizations="key bigint",
)
# Holders are looked for among the organization's users: the role's holders elsewhere may be many more.
VACANT = Statement(
    f"""
    SELECT asked.organization_key, asked.role_key FROM {{asked}} asked
    WHERE NOT EXISTS (
        SELECT 1 FROM users u CROSS JOIN grants g
        WHERE u.organization_key = asked.organization_key AND g.user_key = u.key AND g.role_key = asked.role_key
          AND {STANDS.format(grant="g")})
      AND (EXISTS (SELECT 1 FROM mappings m
                   WHERE m.organization_key = asked.organization_key AND m.role_key = asked.role_key)
        OR EXISTS (SELECT 1 FROM changes c
                   WHERE c.organization_key = asked.organization_key AND c.role_key = asked.role_key))""",
    asked="organization_key bigint, role_key bigint",
)


def unknown_names(session: Session, organizations: Sequence[int]) -> list[UnknownName]:
    """The first names of each organization that wait to be registered, by name."""
    return [UnknownName(*row) for row in UNKNOWN.run(session, organizations=organizations)]


def idle_mappings(session: Session, organizations: Sequence[int]) -> list[IdleMapping]:
    """The first mappings of each organization that give nothing for want of their group or role, oldest first."""
    return [
        IdleMapping(*row)._replace(group_gone=bool(row[4]), role_gone=bool(row[5]))
        for row in IDLE.run(session, organizations=organizations)
    ]


def vacant_roles(session: Session, asked: Sequence[tuple[int, int]], now: int) -> set[tuple[int, int]]:
    """Which of the (organization key, role key) nobody holds there, although the role is mapped or was once held."""
    return {tuple(row) for row in VACANT.run(session, asked=asked, now=now)} if asked else set()
