"""Ingest: batches of what gathered, an answer for everybody, and nothing half-done."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlmodel import Session

from api.batch import Answer, apply_batch
from api.database import Database
from api.engines import WRITER_LOCK
from api.ingest import LARGEST_BATCH, Ingest
from api.migrate import migrate
from schema.commands import MapGroup
from schema.events import Event, Receipt, Rejected
from schema.kinds import Outcome
from schema.problems import NotFound, Unavailable
from tests.world import START, World

pytestmark = pytest.mark.anyio


class Watched(Ingest):
    """An ingest that remembers what each commit told: (change head, journal head)."""

    def __init__(self, database: Database, size: int = 10_000) -> None:
        self.commits: list[tuple[int, int]] = []
        super().__init__(database, clock=lambda: START, size=size, committed=lambda *heads: self.commits.append(heads))


@asynccontextmanager
async def writing(ingest: Ingest) -> AsyncIterator[None]:
    writer = asyncio.create_task(ingest.run())
    yield
    await ingest.stop()
    await asyncio.wait_for(writer, 30)


async def submitted(ingest: Ingest, *events: Any) -> list[asyncio.Task[Receipt]]:
    """Callers that wait for the events, all of them in the queue."""
    waiting = [asyncio.create_task(ingest.submit(event)) for event in events]
    await asyncio.sleep(0)
    return waiting


async def answers(waiting: list[asyncio.Task[Receipt]]) -> list[Receipt | BaseException]:
    return await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 30)


async def test_what_gathers_while_one_batch_commits_is_the_next(world: World) -> None:
    ingest, gate = Watched(world.database), threading.Event()
    async with writing(ingest):
        busy = asyncio.ensure_future(world.database.write(lambda _: gate.wait(10)))
        first = await submitted(ingest, world.snapshot("ada"))
        await asyncio.sleep(0.05)
        rest = await submitted(ingest, *(world.snapshot(f"user_{number}") for number in range(40)))
        gate.set()
        await busy
        receipts = await answers(first + rest)
    assert [each.position for each in receipts if isinstance(each, Receipt)] == list(range(1, 42))
    assert ingest.commits == [(0, 1), (0, 41)]


async def test_a_batch_has_a_largest_size(world: World) -> None:
    ingest = Watched(world.database)
    waiting = await submitted(ingest, *(world.snapshot(f"user_{number}") for number in range(LARGEST_BATCH + 10)))
    async with writing(ingest):
        assert all(isinstance(each, Receipt) for each in await answers(waiting))
    assert ingest.commits == [(0, LARGEST_BATCH), (0, LARGEST_BATCH + 10)]


async def test_an_answer_means_that_it_is_stored_and_has_had_its_effect(world: World) -> None:
    world.maps("eng", "deployer")
    ingest = Watched(world.database)
    async with writing(ingest):
        receipt = await ingest.submit(world.snapshot("ada", "eng"))
        assert world.roles("ada") == {"deployer"}
    assert (receipt.granted, receipt.head) == (1, 1)
    assert ingest.commits == [(1, receipt.position)]


async def test_a_full_queue_says_so_and_keeps_what_it_has(world: World) -> None:
    ingest = Watched(world.database, size=2)
    waiting = await submitted(ingest, world.snapshot("ada"), world.snapshot("bob"))
    with pytest.raises(Unavailable) as refusal:
        await ingest.submit(late := world.snapshot("cy"))
    assert (refusal.value.retry_after, ingest.depth()) == (1, 2)
    async with writing(ingest):
        assert all(isinstance(each, Receipt) for each in await answers(waiting))
        assert world.one("SELECT count(*) FROM journal") == world.one("SELECT count(*) FROM users") == 2
        assert (await ingest.submit(late)).position == 3


async def test_stopping_answers_what_was_accepted_and_accepts_no_more(world: World) -> None:
    ingest = Watched(world.database, size=300)
    waiting = await submitted(ingest, *(world.snapshot(f"user_{number}") for number in range(300)))
    stopping = asyncio.ensure_future(ingest.stop())  # the queue is full: it waits for a place
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as refusal:
        await ingest.submit(world.snapshot("late"))
    assert refusal.value.retry_after == 2
    await asyncio.wait_for(ingest.run(), 30)
    await stopping
    assert all(isinstance(each, Receipt) for each in await answers(waiting))
    assert world.one("SELECT count(*) FROM journal") == 300


async def test_what_a_caller_no_longer_waits_for_is_written_all_the_same(world: World) -> None:
    ingest = Watched(world.database)
    gone, waiting = await submitted(ingest, world.snapshot("ada"), world.snapshot("bob"))
    gone.cancel()
    async with writing(ingest):
        assert isinstance((await answers([waiting]))[0], Receipt)
    assert world.one("SELECT count(*) FROM users") == 2


async def test_a_refused_command_tells_its_caller_alone(world: World) -> None:
    ingest = Watched(world.database)
    refused = world.command(MapGroup(group_id="nothing", role="nothing"))
    waiting = await submitted(ingest, world.snapshot("ada"), refused, world.snapshot("bob"))
    async with writing(ingest):
        first, problem, last = await answers(waiting)
    assert isinstance(problem, NotFound)
    assert isinstance(first, Receipt)
    assert isinstance(last, Receipt)
    assert (first.position, last.position) == (1, 2)


async def test_an_event_that_cannot_be_applied_is_kept_alone_and_found_in_the_log_by_its_id(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    culprit, others = world.snapshot("mallory"), [world.snapshot("ada"), world.snapshot("bob")]

    def fails(session: Session, batch: list[Event], clock: int) -> list[Answer]:
        if any(each.id == culprit.id and not isinstance(each.body, Rejected) for each in batch):
            raise ValueError("a mistake of ours")
        return apply_batch(session, batch, clock)

    monkeypatch.setattr("api.ingest.apply_batch", fails)
    ingest = Watched(world.database)
    waiting = await submitted(ingest, others[0], culprit, others[1])
    async with writing(ingest):
        answered = await answers(waiting)
    assert [each.outcome for each in answered if isinstance(each, Receipt)] == [
        Outcome.APPLIED,
        Outcome.REJECTED,
        Outcome.APPLIED,
    ]
    (told,) = [each for each in caplog.records if "kept as REJECTED" in each.message]
    assert (vars(told)["event"], vars(told)["organization"]) == (culprit.id, culprit.organization_id)


async def test_giving_up_answers_also_the_event_that_the_writer_has_just_taken(world: World) -> None:
    ingest = Watched(world.database)
    waiting = await submitted(ingest, world.snapshot("ada"))
    writer = asyncio.create_task(ingest.run())
    await asyncio.sleep(0)  # it has taken the event, and looks whether more arrive
    assert ingest.depth() == 0
    ingest.give_up()
    (answered,) = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)
    assert isinstance(answered, Unavailable)
    await asyncio.wait_for(writer, 30)


async def test_a_batch_of_nothing_but_refusals_is_no_news(world: World) -> None:
    ingest = Watched(world.database)
    async with writing(ingest):
        with pytest.raises(NotFound):
            await ingest.submit(world.command(MapGroup(group_id="nothing", role="nothing")))
    assert ingest.commits == []


@pytest.fixture(params=["sqlite", "postgresql"])
def absent(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Callable[[], None]]:
    """The URL of a database that is not there, and what brings it about."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/later/rolecast.db", (tmp_path / "later").mkdir
    server: str = request.getfixturevalue("postgresql")

    def arrive() -> None:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("CREATE DATABASE later")

    return server.replace("postgresql://", "postgresql+psycopg://", 1).replace("/postgres?", "/later?", 1), arrive


async def test_a_database_that_is_not_there_yet_is_waited_for(absent: tuple[str, Callable[[], None]]) -> None:
    url, arrive = absent
    database = Database(url)
    world, ingest = World(database), Watched(database)
    events = [world.snapshot("ada"), world.snapshot("bob")]
    async with writing(ingest):
        refused = await answers(await submitted(ingest, *events))
        assert [type(each) for each in refused] == [Unavailable, Unavailable]
        arrive()
        await asyncio.to_thread(migrate, database)
        assert [(await ingest.submit(event)).position for event in events] == [1, 2]
    database.close()


@contextmanager
def out_of_reach(database: Database, url: str) -> Iterator[Callable[[], None]]:
    """Keep the writer from its lock; what is given, for PostgreSQL, cuts its connection while it waits for it."""
    if database.dialect == "sqlite":
        file = sqlite3.connect(url.removeprefix("sqlite:///"))
        file.execute("BEGIN IMMEDIATE")
        yield lambda: None
        file.close()
        return
    waits = f"SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = {WRITER_LOCK} AND NOT granted"
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(f"SELECT pg_advisory_lock({WRITER_LOCK})")

        def cut() -> None:
            while not (found := other.execute(waits).fetchone()):
                time.sleep(0.01)
            other.execute("SELECT pg_terminate_backend(%s)", found)

        yield cut


async def test_a_database_that_goes_away_leaves_nothing_half_done(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.engines.BUSY_SECONDS", 0)
    database = Database(url.replace("postgresql://", "postgresql+psycopg://", 1))
    migrate(database)
    world, ingest = World(database), Watched(database)
    async with writing(ingest):
        events = [world.snapshot("ada"), world.snapshot("bob")]
        with out_of_reach(database, url) as cut:
            waiting = await submitted(ingest, *events)
            await asyncio.to_thread(cut)
            assert [type(each) for each in await answers(waiting)] == [Unavailable, Unavailable]
        assert world.one("SELECT count(*) FROM journal") == world.one("SELECT count(*) FROM users") == 0
        assert [(await ingest.submit(event)).position for event in events] == [1, 2]
    database.close()
