"""The change log: what is sent to those who follow it, and pages of it for those who look back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlmodel import Session

from schema.kinds import Turn
from schema.queries.horizon import horizon, must_not_precede
from schema.queries.paging import Page, Pages
from schema.sql import Statement

COLUMNS = "c.position, c.at, c.event_position, c.organization_key, c.user_key, c.role_key, c.turn, c.reasons"
SENT = f"c.turn <> {Turn.RETAINED:d}"  # what is retained is history: nobody is told
KEPT = "c.position > (SELECT floor FROM log)"  # and so is what is left of a past that was archived
OF_ORGANIZATION, OF_USER, OF_EVENT = "c.organization_key", "c.user_key", "c.event_position"


class ChangeRow(NamedTuple):
    """A row of the change log. `at` is in nanoseconds; `turn` is a Turn; `reasons` is JSON (schema.reasons)."""

    position: int
    at: int
    event_position: int
    organization_key: int
    user_key: int
    role_key: int
    turn: int
    reasons: str


class ChangeFilter(NamedTuple):
    """Which changes to list; None means any. `roles` are role keys; `since` is inclusive, `until` not (nanoseconds)."""

    user: int | None = None
    organization: int | None = None
    roles: tuple[int, ...] | None = None
    turn: Turn | None = None
    since: int | None = None
    until: int | None = None


FOLLOWED = {"user": "c.user_key = :user", "organization": "c.organization_key = :organization"}
CONDITIONS = {
    "user": "+c.user_key = :user",  # the plus keeps SQLite to the parent's index, which is the narrower one
    "organization": "+c.organization_key = :organization",
    "roles": "c.role_key IN {roles}",
    "turn": "c.turn = :turn",
    "since": "c.position >= :since",
    "until": "c.position < :until",
}
ANY = ChangeFilter()
AT = Statement("SELECT at FROM changes WHERE position = :position")
HEAD = Statement("SELECT coalesce(max(position), 0) FROM changes")

# The last word of each role of each user by a moment, with the grant that it goes back to.
HELD_AT = Statement(
    f"""
    SELECT {COLUMNS}, granted.at FROM (
        SELECT c.user_key, c.role_key, max(c.position) AS position,
               max(CASE WHEN c.turn = {Turn.GRANTED:d} THEN c.position END) AS granted
        FROM {{users}} asked CROSS JOIN changes c WHERE c.user_key = asked.key AND c.at <= :time
        GROUP BY c.user_key, c.role_key
    ) last CROSS JOIN changes c CROSS JOIN changes granted
    WHERE c.position = last.position AND granted.position = last.granted AND c.turn <> {Turn.REVOKED:d}""",
    users="key bigint",
)


@cache
def _after(organization: bool, user: bool, retained: bool) -> Statement:
    followed = [FOLLOWED["user"]] if user else []
    followed += [CONDITIONS["organization"] if user else FOLLOWED["organization"]] if organization else []
    where = " AND ".join(["c.position > :position", *followed, *([] if retained else [SENT])])
    return Statement(f"SELECT {COLUMNS} FROM changes c WHERE {where} ORDER BY c.position LIMIT :limit")


def changes_after(
    session: Session,
    position: int,
    limit: int,
    *,
    organization_key: int | None = None,
    user_key: int | None = None,
    retained: bool = False,
) -> list[ChangeRow]:
    """At most `limit` changes after the position, oldest first; of every organization when no key is given.

    Rows of turn RETAINED are left out unless asked for. A position below the log's floor has no whole answer: see
    schema.queries.horizon.
    """
    statement = _after(organization_key is not None, user_key is not None, retained)
    keys = {"organization": organization_key, "user": user_key}
    given = {name: key for name, key in keys.items() if key is not None}
    return [ChangeRow(*row) for row in statement.run(session, position=position, limit=limit, **given)]


def held_at(session: Session, users: Sequence[int], time: int) -> list[tuple[ChangeRow, int]]:
    """The last change of every role that was held at `time`, and since when it was held, in any order.

    As the log has it: a grant by hand is in it until the sweep ended it. Nanoseconds; `time` is inclusive.
    """
    return [(ChangeRow(*row[:-1]), row[-1]) for row in HELD_AT.run(session, users=users, time=time)]


def changes_head(session: Session) -> int:
    """The last position of the change log; 0 while it is empty."""
    return int(HEAD.scalars(session)[0])


@cache
def _pages(parent: str, given: tuple[str, ...]) -> Pages:
    where = (SENT, KEPT, *(CONDITIONS[name] for name in given))
    declared = {"roles": "key bigint"} if "roles" in given else {}
    return Pages(COLUMNS, "changes c", parent=parent, key="c.position", where=where, **declared)


def first_position_at(session: Session, time: int) -> int:
    """The position of the first change that was recorded at the moment or after it; past the end if none was.

    The log's times never go back and its positions have no holes above its floor, so two dozen looks find it among ten
    million.
    """
    low, high = horizon(session).floor + 1, changes_head(session) + 1
    while low < high:
        middle = (low + high) // 2
        found = AT.first(session, position=middle)
        if found is None or found[0] >= time:
            high = middle
        else:
            low = middle + 1
    return low


def must_be_listed(session: Session, where: ChangeFilter) -> None:
    """Raise CursorExpired for a filter by moments that asks for changes which are archived.

    A list without moments begins where the log does, and one from a moment that is kept is whole whatever its end.
    """
    last = None if where.until is None else where.until - 1  # which is exclusive
    asked = last if where.since is None else where.since
    if asked is not None and horizon(session).snapshot:
        must_not_precede(asked, _listed_since(session))


def _listed_since(session: Session) -> int:
    """The first moment whose changes are all in the log: the horizon's, or just after it if its own were archived."""
    beginning = horizon(session)
    last_archived = AT.first(session, position=beginning.floor)  # history keeps it: the log is numbered on from there
    return beginning.since + (last_archived is not None and last_archived[0] == beginning.since)


def _values(session: Session, where: ChangeFilter) -> dict[str, Any]:
    """What the conditions are given: moments become positions, by which the log is in order."""
    values = {name: value for name, value in where._asdict().items() if value is not None}
    moments = {name: first_position_at(session, values[name]) for name in ("since", "until") if name in values}
    return values | moments


def page_of_changes(
    session: Session, parent: str, keys: Sequence[int], *, after: int, first: int, where: ChangeFilter = ANY
) -> dict[int, Page[ChangeRow]]:
    """The first changes after the position for each of the parents, oldest first.

    `parent` says what the keys are: OF_ORGANIZATION, OF_USER or OF_EVENT. The changes of one user are best asked for
    by OF_USER; `where` only sifts.
    """
    values = _values(session, where)
    pages = _pages(parent, tuple(values))
    return pages.read(session, keys, ChangeRow, after=after, first=first, **values)


def count_of_changes(session: Session, parent: str, keys: Sequence[int], where: ChangeFilter = ANY) -> dict[int, int]:
    """How many changes each of the parents has; a parent without any is left out."""
    values = _values(session, where)
    return _pages(parent, tuple(values)).count(session, keys, **values)
