"""Times lose no digit, and nonsense is a ValueError."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.times import LATEST, SECOND, format_time, parse_time

NEW_YEAR = 1_767_225_600 * SECOND


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-01-01T00:00:00Z", NEW_YEAR),
        ("2026-01-01t00:00:00z", NEW_YEAR),
        ("2026-01-01 00:00:00Z", NEW_YEAR),
        ("2026-01-01T00:00:00.5Z", NEW_YEAR + SECOND // 2),
        ("2026-01-01T00:00:00.123456Z", NEW_YEAR + 123_456_000),
        ("2026-01-01T00:00:00.000000001Z", NEW_YEAR + 1),
        ("2026-01-01T00:00:00.123456789Z", NEW_YEAR + 123_456_789),
        ("2026-01-01T00:00:00.1234567899999Z", NEW_YEAR + 123_456_789),
        ("2026-01-01T02:30:00+02:30", NEW_YEAR),
        ("2025-12-31T19:00:00-05:00", NEW_YEAR),
        ("2026-01-01T00:00:00-00:00", NEW_YEAR),
        ("2025-12-31T23:59:60Z", NEW_YEAR),
        ("2025-12-31T23:59:60.25Z", NEW_YEAR + SECOND // 4),
        ("2024-02-29T00:00:00Z", 1_709_164_800 * SECOND),
        ("2262-04-11T23:47:16.854775807Z", LATEST),
    ],
)
def test_a_time_is_read_to_its_last_digit(text: str, nanoseconds: int) -> None:
    assert parse_time(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00Z",
        "2026-1-1T00:00:00Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00,5Z",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+01:60",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999999999Z",
        "1970-01-01T00:00:00+00:01",
        "2262-04-11T23:47:16.854775808Z",
        "9999-12-31T23:59:60Z",
        "\uff12026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z\n",
        " 2026-01-01T00:00:00Z",
        "1767225600",
    ],
)
def test_what_is_no_time_says_so(text: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 3339|no such moment|outside"):
        parse_time(text)


@given(st.text(max_size=60))
def test_whatever_the_text_there_is_a_time_or_a_value_error(text: str) -> None:
    try:
        found = parse_time(text)
    except ValueError:
        return
    assert 0 <= found <= LATEST


@given(st.integers(0, LATEST))
def test_what_is_written_is_read_back(nanoseconds: int) -> None:
    assert parse_time(format_time(nanoseconds)) == nanoseconds


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2261, 1, 1)),
    st.text("0123456789", max_size=12),
    st.integers(-23 * 60 - 59, 23 * 60 + 59),
)
def test_any_digits_in_any_zone_are_that_moment(moment: datetime, digits: str, offset: int) -> None:
    sign, (hours, minutes) = "-" if offset < 0 else "+", divmod(abs(offset), 60)
    local = (moment.replace(microsecond=0) + timedelta(minutes=offset)).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{digits}" if digits else ""
    whole = int(moment.replace(microsecond=0, tzinfo=UTC).timestamp())
    expected = whole * SECOND + int(digits[:9].ljust(9, "0"))
    assert parse_time(f"{local}{fraction}{sign}{hours:02}:{minutes:02}") == expected


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (NEW_YEAR + 500_000_000, "2026-01-01T00:00:00.500Z"),
        (NEW_YEAR + 1_000, "2026-01-01T00:00:00.000001Z"),
        (NEW_YEAR + 1, "2026-01-01T00:00:00.000000001Z"),
    ],
)
def test_a_time_is_written_with_the_digits_it_has(nanoseconds: int, text: str) -> None:
    assert format_time(nanoseconds) == text
