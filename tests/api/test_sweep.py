"""Grants by hand end by the clock, as an event of the system's own."""

from __future__ import annotations

import asyncio

import pytest

from api.ingest import Ingest
from api.sweep import Sweep
from schema.kinds import Source
from tests.world import START, World

pytestmark = pytest.mark.anyio
MINUTE = 60_000_000_000


async def test_a_grant_ends_with_its_time_and_the_default_comes_back(world: World) -> None:
    world.role("guest").joins("ada").grants("ada", "guest", expires_at=START + 60 * MINUTE)
    now = START + 59 * MINUTE
    ingest = Ingest(world.database, clock=lambda: now, size=10, committed=lambda _change, _event: None)
    writing = asyncio.create_task(ingest.run())
    sweep = Sweep(world.database, ingest, lambda: now)
    assert not await sweep.once()
    assert world.roles("ada") == {"guest"}
    now = START + 60 * MINUTE
    assert await sweep.once()
    assert not await sweep.once()
    await ingest.stop()
    await writing
    assert world.roles("ada") == set()
    assert world.one("SELECT count(*) FROM journal WHERE source = :system", system=int(Source.SYSTEM)) == 1
    left = world.tables()
    assert world.rebuilds().tables() == left


async def test_a_database_out_of_reach_does_not_end_the_sweep(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.sweep.LOOK_SECONDS", 0.01)
    ingest = Ingest(world.database, clock=lambda: START, size=1, committed=lambda _change, _event: None)
    world.role("guest").joins("ada").grants("ada", "guest", expires_at=START + 60 * MINUTE)
    await ingest.stop()  # every submission is refused from here on
    running = asyncio.create_task(Sweep(world.database, ingest, lambda: START + 61 * MINUTE).run())
    await asyncio.sleep(0.1)
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_look_that_fails_for_whatever_reason_does_not_end_the_sweep(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.sweep.LOOK_SECONDS", 0.01)
    looks, looked_again = [0], asyncio.Event()

    def clock() -> int:
        looks[0] += 1
        if looks[0] == 3:
            looked_again.set()
        raise RuntimeError("a fault that nobody foresaw")

    ingest = Ingest(world.database, clock=clock, size=1, committed=lambda _change, _event: None)
    running = asyncio.create_task(Sweep(world.database, ingest, clock).run())
    await asyncio.wait_for(looked_again.wait(), 10)
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
