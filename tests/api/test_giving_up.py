"""Whoever stops gives up on the database: all who wait for it are told so at once, and nobody is overlooked."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from api.database import Database, Silent

pytestmark = pytest.mark.anyio
LONG = 10.0  # seconds


@pytest.fixture
def gate(database: Database) -> Iterator[threading.Event]:
    """What the readers wait for; open once the test is over, so that their threads end."""
    gate = threading.Event()
    yield gate
    gate.set()


async def test_all_who_wait_are_told_also_when_the_time_of_one_is_just_over(
    database: Database, gate: threading.Event
) -> None:
    waiting = [asyncio.create_task(database.read(lambda _: gate.wait(LONG), within=each)) for each in (0.1, LONG)]
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    loop.call_later(0.15, database.give_up)
    loop.call_soon(
        time.sleep, 0.3
    )  # so that both come due at once: the first reader's time is over, and it does not know yet
    answers = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)
    assert [type(each) for each in answers] == [Silent, Silent]


async def test_after_that_nobody_begins_to_wait_but_for_a_write_that_is_owed(
    database: Database, gate: threading.Event
) -> None:
    database.give_up()
    with pytest.raises(Silent):
        await asyncio.wait_for(database.read(lambda _: gate.wait(LONG)), 5)
    assert await database.write(lambda _: "written", within=None) == "written"
