"""RFC 3339 to nanoseconds since the epoch and back, losing no digit: order hangs on all nine."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

SECOND = 1_000_000_000
LATEST = 2**63 - 1  # what a 64-bit column holds: the year 2262
STAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))", re.ASCII
)


def parse_time(text: str) -> int:
    """Nanoseconds since the epoch of an RFC 3339 timestamp; raise ValueError saying what is wrong.

    Digits past the ninth are cut. A leap second (section 5.7) counts as the second after it.
    """
    found = STAMP.fullmatch(text)
    if found is None:
        raise ValueError(f"not an RFC 3339 time with a zone, such as 2026-01-31T09:30:00Z: {text[:40]!r}")
    day, minute, second, fraction, sign, hours, minutes = found.groups()
    try:
        start = datetime.fromisoformat(f"{day}T{minute}:00+00:00")
    except ValueError as error:
        raise ValueError(f"no such moment: {text[:40]!r}") from error
    if int(second) > 60:
        raise ValueError(f"no such moment: {text[:40]!r}")
    offset = (int(hours) * 3600 + int(minutes) * 60) * (-1 if sign == "-" else 1) if sign else 0
    seconds = int(start.timestamp()) + int(second) - offset
    nanoseconds = seconds * SECOND + int((fraction or "0")[:9].ljust(9, "0"))
    if not 0 <= nanoseconds <= LATEST:
        raise ValueError(f"outside 1970 to 2262: {text[:40]!r}")
    return nanoseconds


@lru_cache(maxsize=4096)
def _whole(seconds: int) -> str:
    """The text of a whole second: lists repeat them, and strftime is slow."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def format_time(nanoseconds: int) -> str:
    """RFC 3339 in UTC, with as many fractional digits (none, 3, 6 or 9) as the time has."""
    seconds, rest = divmod(nanoseconds, SECOND)
    text = _whole(seconds)
    if rest:
        digits = f"{rest:09d}"
        while digits.endswith("000"):
            digits = digits[:-3]
        text += "." + digits
    return text + "Z"
