"""Whether a user may do something, by today's catalogue and the roles held now or at an earlier moment."""

from __future__ import annotations

from schema.graphql.decisions import Decision
from schema.graphql.reading import roots
from schema.graphql.reading.held import held_roles
from schema.graphql.reading.history import recorded_at, recorded_roles
from schema.graphql.reading.reading import Reading
from schema.graphql.wanted import Wanted
from schema.problems import NotFound
from schema.queries.people import grants_of_users


def decide(reading: Reading, user_id: str, permission: str, at: int | None, wanted: Wanted) -> Decision:
    """The decision; raise NotFound for a user who is not in sight, or a permission that nobody knows."""
    user = roots.user_row(reading, user_id)
    asked = reading.catalogue.permission(permission)
    if asked is None:
        raise NotFound(f"no permission named {permission!r}")
    entries = reading.catalogue.entries

    def allows(role: int) -> bool:
        return asked in reading.catalogue.all_permissions([entries[role]])

    if at is None:
        present = [] if user.deleted else [user.key]
        grants = [each for each in grants_of_users(reading.session, present, reading.now) if allows(each.role_key)]
        held = held_roles(reading, grants, {user.key: user.organization_key}, wanted["through"])
    else:
        recorded = [each for each in recorded_at(reading, [user.key], at) if allows(each[0].role_key)]
        held = recorded_roles(reading, recorded, wanted["through"])
    through = held.get(user.key, [])
    return Decision(allowed=bool(through), through=through)
