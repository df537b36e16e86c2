"""The journal: every event with what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from sqlmodel import Session

from schema.kinds import Outcome, Source
from schema.queries.paging import Page
from schema.sql import Statement


class EventRow(NamedTuple):
    """A journal entry. `source` is a Source, `outcome` an Outcome; `payload` is None unless it was asked for."""

    position: int
    id: str
    type: str
    source: int
    actor: str
    organization_key: int | None
    occurred_at: int
    received_at: int
    outcome: int
    problem: str | None
    payload: bytes | None
    organization_id: str | None


class EventFilter(NamedTuple):
    """Which entries to list; None means any."""

    organization: int | None = None
    type: str | None = None
    outcome: Outcome | None = None
    source: Source | None = None


CONDITIONS = {
    "organization": "j.organization_key = :organization",
    "type": "j.type = :type",
    "outcome": "j.outcome = :outcome",
    "source": "j.source = :source",
}
ANY = EventFilter()
HEAD = Statement("SELECT coalesce(max(position), 0) FROM journal")
PLACE = Statement("""
    SELECT j.position, o.id FROM journal j LEFT JOIN organizations o ON o.key = j.organization_key WHERE j.id = :id""")

HOME = Statement("""
    SELECT o.id FROM (
        SELECT organization_key FROM journal WHERE id = :id
        UNION ALL SELECT organization_key FROM archived WHERE id = :id) j
    LEFT JOIN organizations o ON o.key = j.organization_key""")


@cache
def _select(payload: bool, where: tuple[str, ...], rest: str, before: str = "") -> Statement:
    columns = "j.position, j.id, j.type, j.source, j.actor, j.organization_key, j.occurred_at, j.received_at, j.outcome"
    text = f"""
        SELECT {columns}, j.problem, {"j.payload" if payload else "NULL"}, o.id
        FROM {before} journal j LEFT JOIN organizations o ON o.key = j.organization_key
        WHERE {" AND ".join(where)} {rest}"""
    return Statement(text, **({"asked": "key bigint"} if before else {}))


def events_after(
    session: Session, position: int, limit: int, organization_key: int | None = None, *, payload: bool = False
) -> list[EventRow]:
    """At most `limit` entries after the position, oldest first; of every organization when no key is given."""
    given = {} if organization_key is None else {"organization": organization_key}
    where = ("j.position > :position", *(CONDITIONS[name] for name in given))
    statement = _select(payload, where, "ORDER BY j.position LIMIT :limit")
    return [EventRow(*row) for row in statement.run(session, position=position, limit=limit, **given)]


def journal_head(session: Session) -> int:
    """The last position of the journal; 0 while it is empty."""
    return int(HEAD.scalars(session)[0])


def events_at(session: Session, positions: Sequence[int], *, payload: bool = False) -> list[EventRow]:
    """The entries at these positions, in any order."""
    statement = _select(payload, ("j.position = asked.key",), "", "{asked} asked CROSS JOIN")
    return [EventRow(*row) for row in statement.run(session, asked=positions)]


def places_of_event(session: Session, event_id: str) -> list[tuple[int, str | None]]:
    """Where in the journal the event of this id is, and the wire id of its organization; at most one."""
    return [(position, organization) for position, organization in PLACE.run(session, id=event_id)]


def home_of_event(session: Session, event_id: str) -> list[str | None]:
    """The wire id of the organization of the event of this id, also of one that was archived; at most one."""
    return list(HOME.scalars(session, id=event_id))


def page_of_events(
    session: Session, *, before: int, first: int, where: EventFilter = ANY, payload: bool = False
) -> Page[EventRow]:
    """The newest entries before a position, newest first."""
    values = {name: value for name, value in where._asdict().items() if value is not None}
    conditions = ("j.position < :before", *(CONDITIONS[name] for name in values))
    statement = _select(payload, conditions, "ORDER BY j.position DESC LIMIT :limit")
    rows = [EventRow(*row) for row in statement.run(session, before=before, limit=first + 1, **values)]
    return Page([row.position for row in rows[:first]], rows[:first], len(rows) > first)


@cache
def _count(given: tuple[str, ...]) -> Statement:
    where = " AND ".join(("TRUE", *(CONDITIONS[name] for name in given)))
    return Statement(f"SELECT count(*) FROM journal j WHERE {where}")


def count_of_events(session: Session, where: EventFilter = ANY) -> int:
    """How many entries there are of that kind."""
    values = {name: value for name, value in where._asdict().items() if value is not None}
    return int(_count(tuple(values)).scalars(session, **values)[0])
