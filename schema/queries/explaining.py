"""What is to be known of users who lack a role: groups mapped to it, who is in them, and what they last held it for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel import Session

from schema.kinds import Turn
from schema.sql import Statement


class MappedTo(NamedTuple):
    """A group that is mapped to a role, under its present name."""

    organization_key: int
    role_key: int
    group_key: int
    name: str
    deleted: bool


class LastHeld(NamedTuple):
    """The last change of a role, and the reasons (JSON) with which it was last held. `at` is in nanoseconds."""

    user_key: int
    role_key: int
    at: int
    turn: int
    reasons: str


MAPPED = Statement(
    """
    SELECT m.organization_key, m.role_key, g.key, coalesce(g.display_name, g.named, g.id), g.deleted
    FROM {roles} asked CROSS JOIN mappings m CROSS JOIN groups g
    WHERE m.role_key = asked.key AND m.organization_key IN {organizations} AND g.key = m.group_key
    ORDER BY 4, 3""",
    roles="key bigint",
    organizations="key bigint",
)
BELONGING = Statement(
    """
    SELECT s.user_key, m.role_key, s.group_key FROM {users} asked CROSS JOIN memberships s CROSS JOIN mappings m
    WHERE s.user_key = asked.key AND m.group_key = s.group_key AND m.role_key IN {roles}""",
    users="key bigint",
    roles="key bigint",
)
LAST = Statement(
    f"""
    SELECT c.user_key, c.role_key, c.at, c.turn, held.reasons FROM (
        SELECT c.user_key, c.role_key, max(c.position) AS position,
               max(CASE WHEN c.turn <> {Turn.REVOKED:d} THEN c.position END) AS held
        FROM {{users}} asked CROSS JOIN changes c WHERE c.user_key = asked.key AND c.role_key IN {{roles}}
        GROUP BY c.user_key, c.role_key
    ) last CROSS JOIN changes c CROSS JOIN changes held
    WHERE c.position = last.position AND held.position = last.held""",
    users="key bigint",
    roles="key bigint",
)


def groups_mapped_to(session: Session, roles: Sequence[int], organizations: Sequence[int]) -> list[MappedTo]:
    """The groups of the organizations that are mapped to the roles, removed ones too, by name."""
    rows = MAPPED.run(session, roles=roles, organizations=organizations)
    return [MappedTo(*row)._replace(deleted=bool(row[-1])) for row in rows]


def belonging(session: Session, users: Sequence[int], roles: Sequence[int]) -> set[tuple[int, int, int]]:
    """(user key, role key, group key) of every membership in a group mapped to one of the roles."""
    return {tuple(row) for row in BELONGING.run(session, users=users, roles=roles)}


def last_held(session: Session, users: Sequence[int], roles: Sequence[int]) -> list[LastHeld]:
    """How each user last came to hold, or no longer hold, each of the roles; nothing for what was never held."""
    return [LastHeld(*row) for row in LAST.run(session, users=users, roles=roles)]
