"""Role changes, each with its user, role, cause and reasons."""

from __future__ import annotations

from collections.abc import Sequence

from schema.graphql.enums import RoleChangeKind
from schema.graphql.objects import Event, Organization, Role, RoleChange, User
from schema.graphql.reading.reading import Reading
from schema.graphql.reading.reasons import recorded_reasons
from schema.graphql.scalars import DateTime
from schema.graphql.wanted import Wanted
from schema.kinds import Turn
from schema.queries.changes import ChangeRow


def changes_of(reading: Reading, rows: Sequence[ChangeRow], wanted: Wanted) -> list[RoleChange]:
    """The changes of rows of the log, in their order."""
    reading.budget.reading(len(rows))
    changes = [_object(reading, row) for row in rows]
    both = list(zip(rows, changes, strict=True))
    if "organizationId" in wanted:
        homes = reading.load(Organization, (row.organization_key for row in rows), Wanted())
        for row, change in both:
            change.organization_id = homes[row.organization_key].id
    if wanted.any("userId", "user"):
        users = reading.load(User, (row.user_key for row in rows), wanted["user"])
        for row, change in both:
            change.user = users[row.user_key]
            change.user_id = change.user.id
    if "role" in wanted:
        roles = reading.load(Role, ((row.role_key, row.organization_key) for row in rows), wanted["role"])
        for row, change in both:
            there = not reading.catalogue.entries[row.role_key].deleted
            change.role = roles[row.role_key, row.organization_key] if there else None
    if "event" in wanted:
        events = reading.load(Event, (row.event_position for row in rows), wanted["event"])
        for row, change in both:
            change.event = events[row.event_position]
    if "reasons" in wanted:
        for change, reasons in zip(changes, recorded_reasons(reading, rows, wanted["reasons"]), strict=True):
            change.reasons = reasons
    return changes


def _object(reading: Reading, row: ChangeRow) -> RoleChange:
    return RoleChange(
        cursor=reading.cursor(row.position),
        kind=RoleChangeKind[Turn(row.turn).name],
        role_name=reading.catalogue.entries[row.role_key].name,
        at=DateTime(row.at),
    )
