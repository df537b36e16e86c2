"""The roles that users held at an earlier moment, out of the change log alone."""

from __future__ import annotations

from collections.abc import Sequence

from schema.graphql.asking import Ask
from schema.graphql.objects import HeldRole, Role
from schema.graphql.reading.reading import Reading, grouped
from schema.graphql.reading.reasons import recorded_reasons
from schema.graphql.scalars import DateTime
from schema.graphql.wanted import Wanted
from schema.queries.catalogue import rank
from schema.queries.changes import ChangeRow, held_at
from schema.queries.horizon import must_be_kept
from schema.reasons import ByHand, decode_reasons, encode_reasons

Recorded = tuple[ChangeRow, int]  # the last change of a role held then, and since when it was held


def roles_at(reading: Reading, keys: Sequence[int], ask: Ask, wanted: Wanted) -> dict[int, list[HeldRole]]:
    """What each user held at the moment that `ask.where` is."""
    found = recorded_roles(reading, recorded_at(reading, keys, ask.where), wanted)
    return {key: found.get(key, []) for key in keys}


def recorded_at(reading: Reading, users: Sequence[int], time: int) -> list[Recorded]:
    """The roles held at `time`, without the reasons that were over by then.

    Raises CursorExpired for a moment before history is whole.
    """
    must_be_kept(reading.session, time)
    standing = ((_standing(row, time), since) for row, since in held_at(reading.session, users, time))
    return [(row, since) for row, since in standing if row is not None]


def recorded_roles(reading: Reading, found: Sequence[Recorded], wanted: Wanted) -> dict[int, list[HeldRole]]:
    """The roles of each user, most significant first; one that was deleted since is there too."""
    entries = reading.catalogue.entries
    found = sorted(found, key=lambda each: rank(entries[each[0].role_key]))
    rows = [row for row, _ in found]
    reading.budget.reading(len(rows))
    roles = reading.load(Role, ((row.role_key, row.organization_key) for row in rows), wanted["role"])
    reasons = recorded_reasons(reading, rows, wanted["reasons"]) if "reasons" in wanted else [[] for _ in rows]
    return grouped(
        (row.user_key, HeldRole(role=roles[row.role_key, row.organization_key], since=DateTime(since), reasons=why))
        for (row, since), why in zip(found, reasons, strict=True)
    )


def _standing(row: ChangeRow, time: int) -> ChangeRow | None:
    """The change without grants by hand that were over; the log has them until the sweep, which is a little late."""
    recorded = decode_reasons(row.reasons)
    left = [
        why
        for why in recorded
        if not (isinstance(why, ByHand) and why.expires_at is not None and why.expires_at <= time)
    ]
    if len(left) == len(recorded):
        return row
    return row._replace(reasons=encode_reasons(left)) if left else None
