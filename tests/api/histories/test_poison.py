"""A poison event is kept, answered, and takes nobody else down."""

from __future__ import annotations

import asyncio
import logging

import pytest

from api.database import Database
from api.ingest import Ingest
from schema.commands import MapGroup
from schema.events import Event, Receipt
from schema.kinds import Outcome
from schema.problems import Problem
from tests.world import START, World

POISON = "poison@acme.example"
REFUSES = {  # what no test of ours would think of, a database may
    "sqlite": f"""
        CREATE TRIGGER refuses BEFORE INSERT ON users WHEN NEW.email = '{POISON}'
        BEGIN SELECT RAISE(ABORT, 'poison'); END""",
    "postgresql": f"""
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.email = '{POISON}' THEN RAISE EXCEPTION 'poison'; END IF; RETURN NEW; END $$;
        CREATE TRIGGER refuses BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION refuse()""",
}


@pytest.fixture
def poisoned(world: World) -> World:
    world.maps("eng", "deployer")
    refuses = REFUSES[world.database.dialect]
    world.database.write_now(lambda session: session.connection().exec_driver_sql(refuses).close())
    return world


async def ingested(database: Database, *events: Event) -> list[Receipt | BaseException]:
    """What ingest answers to the events, submitted at once."""
    ingest = Ingest(database, clock=lambda: START + 10**12, size=100, committed=lambda _change, _event: None)
    waiting = [asyncio.ensure_future(ingest.submit(event)) for event in events]
    await asyncio.sleep(0)  # all are in the queue before the writer begins, and so in one batch
    writer = asyncio.create_task(ingest.run())
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    await ingest.stop()
    await writer
    return answers


@pytest.mark.anyio
async def test_a_poison_event_is_rejected_and_the_rest_of_its_batch_applied(
    poisoned: World, caplog: pytest.LogCaptureFixture
) -> None:
    events = [
        poisoned.snapshot("ada", "eng"),
        poisoned.snapshot("eve", "eng", email=POISON, id="evt_poison"),
        poisoned.snapshot("bob", "eng"),
    ]
    answers = await ingested(poisoned.database, *events)
    assert [answer.outcome for answer in answers if isinstance(answer, Receipt)] == [
        Outcome.APPLIED,
        Outcome.REJECTED,
        Outcome.APPLIED,
    ]
    assert poisoned.roles("ada") == poisoned.roles("bob") == {"deployer"}
    assert poisoned.roles("eve") == set()
    assert poisoned.one("SELECT outcome FROM journal WHERE id = 'evt_poison'") == Outcome.REJECTED
    assert poisoned.one("SELECT max(position) - count(*) FROM journal") == 0
    assert any("evt_poison" in record.getMessage() and record.exc_info for record in caplog.records)
    assert POISON not in str(poisoned.one("SELECT problem FROM journal WHERE id = 'evt_poison'"))
    assert poisoned.drift() == []


@pytest.mark.anyio
async def test_a_poison_event_that_is_sent_again_is_answered_and_not_tried_again(
    poisoned: World, caplog: pytest.LogCaptureFixture
) -> None:
    event = poisoned.snapshot("eve", email=POISON)
    (first,) = await ingested(poisoned.database, event)
    caplog.clear()
    (again,) = await ingested(poisoned.database, event)
    assert isinstance(first, Receipt)
    assert isinstance(again, Receipt)
    assert (again.outcome, again.position, again.problem) == (Outcome.REJECTED, first.position, first.problem)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.anyio
async def test_a_refused_command_is_no_poison(poisoned: World) -> None:
    events = [
        poisoned.snapshot("ada", "eng"),
        poisoned.command(MapGroup(group_id="nothing", role="deployer")),
        poisoned.snapshot("eve", email=POISON),
    ]
    ada, refused, eve = await ingested(poisoned.database, *events)
    assert isinstance(refused, Problem)
    assert refused.code == "NOT_FOUND"
    assert isinstance(ada, Receipt)
    assert isinstance(eve, Receipt)
    assert poisoned.one("SELECT count(*) FROM journal WHERE type = 'admin.map_group'") == 1


@pytest.mark.anyio
async def test_a_rebuild_after_a_poison_event_gives_every_row_again(poisoned: World) -> None:
    await ingested(poisoned.database, poisoned.snapshot("eve", "eng", email=POISON), poisoned.snapshot("ada", "eng"))
    left = poisoned.tables()
    assert poisoned.rebuilds().tables() == left
