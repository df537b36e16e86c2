"""The last use of an API key: shown at once, written now and then, and never lost for a failure."""

from __future__ import annotations

from typing import Any

import pytest

from schema.problems import Unavailable
from tests.api.access.doors import Door
from tests.processes import KEY

pytestmark = pytest.mark.anyio


async def test_a_keys_last_use_is_written_at_most_once_a_minute_and_shown_at_once(door: Door) -> None:
    first = door.now
    viewer = await door.shows(KEY)
    assert viewer.key is not None
    assert (viewer.key.last_used_at, door.last_used()) == (first, None)
    await door.keys.uses.flush()
    assert door.last_used() == first
    door.now += 59 * 10**9
    viewer = await door.shows(KEY)
    assert viewer.key is not None
    assert viewer.key.last_used_at == door.now
    await door.keys.uses.flush()
    assert door.last_used() == first
    door.now += 10**9
    await door.shows(KEY)
    await door.keys.uses.flush()
    assert door.last_used() == door.now
    door.now += 10**9
    await door.shows(KEY)
    await door.keys.uses.flush(everything=True)
    assert door.last_used() == door.now


async def test_a_last_use_that_cannot_be_written_is_written_later(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    write, uses = door.keys.uses._write, door.keys.uses
    for failure in (Unavailable("the database is away"), ZeroDivisionError("a bug")):

        async def fail(work: Any, failure: Exception = failure) -> Any:
            raise failure

        await door.shows(KEY)
        uses._write = fail
        await uses.try_to_flush()
        assert "cannot be written yet" in caplog.text
        caplog.clear()
    uses._write = write
    await uses.try_to_flush()
    assert door.last_used() == door.now


async def test_a_later_use_of_another_process_is_not_overwritten(door: Door) -> None:
    await door.shows(KEY)
    later = door.now + 5
    door.sql(f"UPDATE api_keys SET last_used_at = {later}")
    await door.keys.uses.flush()
    assert door.last_used() == later
