"""The words for reasons that a change is recorded with, read once for all the changes of a chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sqlmodel import Session

from schema.kinds import Kind
from schema.reasons import AssertedBy, ByDefault, ByHand, Mapped, Why
from schema.sql import Statement

Words = Callable[[tuple[int, int], tuple[int, int]], Why]

MAPPINGS = Statement(
    """
    SELECT m.key, g.id, coalesce(g.display_name, g.named, g.id)
    FROM {mappings} asked CROSS JOIN mappings m CROSS JOIN groups g WHERE m.key = asked.key AND g.key = m.group_key""",
    mappings="key bigint",
)
BY_HAND = Statement(
    """
    SELECT h.user_key, h.role_key, h.actor, h.note, h.expires_at
    FROM {held} asked CROSS JOIN hand_grants h WHERE h.user_key = asked.user_key AND h.role_key = asked.role_key""",
    held="user_key bigint, role_key bigint",
)
ROLES = Statement("SELECT key, name FROM roles WHERE key IN (SELECT key FROM {roles})", roles="key bigint")


def words_for(session: Session, found: Sequence[tuple[tuple[int, int], Iterable[tuple[int, int]]]]) -> Words:
    """A function from ((user's key, role's key), (kind, ref)) to the reason in words, for everything in `found`."""
    flat = [(held, why) for held, whys in found for why in whys]
    mappings = sorted({why[1] for _, why in flat if why[0] == Kind.MAPPED})
    by_hand = [held for held, why in flat if why[0] == Kind.BY_HAND]
    roles = sorted({held[1] for held, why in flat if why[0] == Kind.ASSERTED})
    mapped = {row[0]: Mapped(*row) for row in MAPPINGS.run(session, mappings=mappings)} if mappings else {}
    given = {(row[0], row[1]): ByHand(*row[2:]) for row in BY_HAND.run(session, held=by_hand)} if by_hand else {}
    names = {row[0]: row[1] for row in ROLES.run(session, roles=roles)} if roles else {}

    def words(held: tuple[int, int], why: tuple[int, int]) -> Why:
        kind, ref = why
        if kind == Kind.MAPPED:
            return mapped[ref]
        if kind == Kind.BY_HAND:
            return given[held]
        if kind == Kind.ASSERTED:
            return AssertedBy(names[held[1]])
        return ByDefault(Kind(kind).name)

    return words
