"""Events of the journal, with their payload and the changes they caused."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import msgspec
from strawberry import ID

from schema.graphql.objects import Event, Organization
from schema.graphql.reading.changes import changes_of
from schema.graphql.reading.reading import Reading
from schema.graphql.scalars import JSON, DateTime
from schema.graphql.wanted import Wanted
from schema.kinds import Outcome, Source
from schema.queries.changes import OF_EVENT, ChangeRow, page_of_changes
from schema.queries.journal import EventRow, events_at

LONGEST = 1000  # changes in one event: an edit of a mapping may cause one for every user
TOGETHER = 100  # events whose changes are read at once: 100,000 rows at most, before they are counted


def load_events(reading: Reading, positions: list[int], wanted: Wanted) -> dict[int, Event]:
    """Events by position in the journal."""
    return events_of(reading, events_at(reading.session, positions, payload="payload" in wanted), wanted)


def events_of(reading: Reading, rows: Sequence[EventRow], wanted: Wanted) -> dict[int, Event]:
    """Events by position, of rows that were read (with their payload, if that is wanted)."""
    reading.budget.reading(len(rows))
    events = {row.position: _object(row) for row in rows}
    if "organization" in wanted:
        homes = reading.load(Organization, (row.organization_key for row in rows), wanted["organization"])
        for row in rows:
            events[row.position].organization = None if row.organization_key is None else homes[row.organization_key]
    if "changes" in wanted:
        _fill_changes(reading, events, wanted["changes"])
    return events


def _fill_changes(reading: Reading, events: dict[int, Event], wanted: Wanted) -> None:
    positions = list(events)
    rows: list[ChangeRow] = []
    of_event: dict[int, int] = {}
    for start in range(0, len(positions), TOGETHER):
        some = positions[start : start + TOGETHER]
        pages = page_of_changes(reading.session, OF_EVENT, some, after=0, first=LONGEST, where=reading.sight)
        for position, page in pages.items():
            of_event[position] = len(page.rows)
            rows += page.rows
        reading.budget.must_fit(len(rows))
    following = iter(changes_of(reading, rows, wanted))
    for position, count in of_event.items():
        events[position].changes = list(islice(following, count))


def _object(row: EventRow) -> Event:
    return Event(
        id=ID(row.id),
        type=row.type,
        source=Source(row.source),
        actor=row.actor,
        occurred_at=DateTime(row.occurred_at),
        received_at=DateTime(row.received_at),
        outcome=Outcome(row.outcome),
        problem=row.problem,
        payload=JSON(None if row.payload is None else _parsed(row.payload)),
    )


def _parsed(payload: bytes) -> Any:
    """The payload as JSON; what is none is shown as text."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return payload.decode("utf-8", "replace")
