"""The roles that users hold now, each with its reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schema.graphql.objects import HeldRole, Role
from schema.graphql.reading.reading import Reading, grouped
from schema.graphql.reading.reasons import held_reasons
from schema.graphql.scalars import DateTime
from schema.graphql.wanted import Wanted
from schema.queries.catalogue import rank
from schema.queries.people import GrantRow


def held_roles(
    reading: Reading, grants: Sequence[GrantRow], homes: Mapping[int, int], wanted: Wanted
) -> dict[int, list[HeldRole]]:
    """What each user holds through the grants, most significant first; `homes` are the users' organizations."""
    roles = reading.load(Role, ((grant.role_key, homes[grant.user_key]) for grant in grants), wanted["role"])
    reasons = held_reasons(reading, grants, homes, wanted["reasons"]) if "reasons" in wanted else {}
    since: dict[tuple[int, int], int] = {}
    for grant in grants:
        held = grant.user_key, grant.role_key
        since[held] = min(grant.since, since.get(held, grant.since))
    reading.budget.reading(len(since))
    order = sorted(since, key=lambda held: rank(reading.catalogue.entries[held[1]]))
    return grouped(
        (
            user,
            HeldRole(
                role=roles[role, homes[user]], since=DateTime(since[user, role]), reasons=reasons.get((user, role), [])
            ),
        )
        for user, role in order
    )
