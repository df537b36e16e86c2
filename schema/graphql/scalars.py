"""The contract's own scalars: what they are inside, and how they are written outside."""

from __future__ import annotations

from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from schema.problems import BadInput
from schema.times import format_time, parse_time

Cursor = NewType("Cursor", str)
DateTime = NewType("DateTime", int)  # nanoseconds since the epoch
JSON = NewType("JSON", object)


def moment(nanoseconds: int | None) -> DateTime | None:
    """A stored time that may be missing, as a DateTime."""
    return None if nanoseconds is None else DateTime(nanoseconds)


def _parse_time(value: Any) -> DateTime:
    if not isinstance(value, str):
        raise BadInput("a DateTime is an RFC 3339 text, such as 2026-01-31T09:30:00Z")
    try:
        return DateTime(parse_time(value))
    except ValueError as error:
        raise BadInput(str(error)) from error


def _parse_cursor(value: Any) -> Cursor:
    if not isinstance(value, str):
        raise BadInput("a Cursor is the text that an earlier answer gave")
    return Cursor(value)


SCALARS: dict[object, ScalarDefinition] = {
    Cursor: strawberry.scalar(
        name="Cursor",
        description="An opaque position in the change log: ordered as text, safe to store, never reused.",
        serialize=str,
        parse_value=_parse_cursor,
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="RFC 3339, in UTC, with up to nine fractional digits.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=format_time,
        parse_value=_parse_time,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value.",
        serialize=lambda value: value,
        parse_value=lambda value: value,
    ),
}
