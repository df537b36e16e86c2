"""The rule: which roles follow from the facts. The only place that knows what entitles to a role."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel import Session

from schema.kinds import Kind
from schema.sql import Statement


class Desired(NamedTuple):
    """A role that a user is to hold, for one reason: a Kind and, for MAPPED, the mapping's key (else 0)."""

    user_key: int
    role_key: int
    kind: int
    ref: int


# Each arm starts from the few users asked for. SQLite keeps the order of a CROSS JOIN, and so scans no large table;
# a view over all users, filtered afterwards, would be built whole.
ACTIVE = """
    FROM {users} asked
    CROSS JOIN users u
    CROSS JOIN organizations o"""
ARE_ACTIVE = "u.key = asked.key AND u.active AND NOT u.deleted AND o.key = u.organization_key AND NOT o.deleted"

# A member of a mapped group holds the role, for as long as the group is there.
MAPPED_GROUPS = f"""
    SELECT u.key AS user_key, r.key AS role_key, {Kind.MAPPED:d} AS kind, m.key AS ref {ACTIVE}
    CROSS JOIN memberships s CROSS JOIN groups g CROSS JOIN mappings m CROSS JOIN roles r
    WHERE {ARE_ACTIVE} AND s.user_key = u.key AND g.key = s.group_key AND NOT g.deleted
      AND m.group_key = g.key AND r.key = m.role_key AND NOT r.deleted"""

# What the directory asserts counts once the catalogue knows it; an organization's own role comes before the
# environment's of the same name.
ASSERTED_ROLES = f"""
    SELECT u.key, r.key, {Kind.ASSERTED:d}, 0 {ACTIVE}
    CROSS JOIN assertions a CROSS JOIN roles r
    WHERE {ARE_ACTIVE} AND a.user_key = u.key AND r.name = a.name AND NOT r.deleted
      AND (r.organization_key = u.organization_key OR (r.organization_key IS NULL AND NOT EXISTS (
        SELECT 1 FROM roles own
        WHERE own.name = a.name AND own.organization_key = u.organization_key AND NOT own.deleted)))"""

# A grant by hand stands beside whatever the directory says, until its time is over.
MANUAL_GRANTS = f"""
    SELECT u.key, r.key, {Kind.BY_HAND:d}, 0 {ACTIVE}
    CROSS JOIN hand_grants h CROSS JOIN roles r
    WHERE {ARE_ACTIVE} AND h.user_key = u.key AND (h.expires_at IS NULL OR h.expires_at > :now)
      AND r.key = h.role_key AND NOT r.deleted"""

# Whoever created the organization holds the environment's creator role beside all else.
CREATOR_DEFAULT = f"""
    SELECT u.key, r.key, {Kind.CREATOR:d}, 0 {ACTIVE}
    CROSS JOIN creators c CROSS JOIN default_roles d CROSS JOIN roles r
    WHERE {ARE_ACTIVE} AND c.organization_key = o.key AND c.user_key = u.key
      AND d.of = {Kind.CREATOR:d} AND d.organization_key IS NULL AND r.key = d.role_key AND NOT r.deleted"""

# An active user who got no role otherwise holds the member role: the organization's own if it named one, else the
# environment's.
MEMBER_DEFAULT = f"""
    SELECT u.key, r.key, {Kind.MEMBER:d}, 0 {ACTIVE}
    CROSS JOIN default_roles d CROSS JOIN roles r
    WHERE {ARE_ACTIVE} AND d.of = {Kind.MEMBER:d} AND r.key = d.role_key AND NOT r.deleted
      AND (d.organization_key = o.key OR (d.organization_key IS NULL AND NOT EXISTS (
        SELECT 1 FROM default_roles own WHERE own.of = {Kind.MEMBER:d} AND own.organization_key = o.key)))
      AND u.key NOT IN (SELECT user_key FROM entitled)"""

DESIRED_GRANTS = Statement(
    f"""
    WITH entitled AS (
        {MAPPED_GROUPS} UNION ALL {ASSERTED_ROLES} UNION ALL {MANUAL_GRANTS} UNION ALL {CREATOR_DEFAULT}
    )
    SELECT user_key, role_key, kind, ref FROM entitled UNION ALL {MEMBER_DEFAULT}""",
    users="key bigint",
)


def desired_grants(session: Session, users: Sequence[int], now: int) -> list[Desired]:
    """Every (user, role, reason) that follows from the facts, for the active ones among `users`.

    `now`, in nanoseconds since the epoch, decides which grants by hand have expired.
    """
    return [Desired(*row) for row in DESIRED_GRANTS.run(session, users=users, now=now)]
