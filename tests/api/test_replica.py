"""Reading from a replica: never behind what the client has seen, whatever the replica does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from sqlmodel import Session

from api.database import Database
from api.migrate import migrate
from api.replica import WAIT_SECONDS, Replica
from schema.cursors import Reached, format_cursor, reached_by
from schema.problems import BadInput
from schema.sql import Statement
from tests.conftest import driven
from tests.replicas import Replicated, replicated
from tests.world import World

WHERE = Statement("SELECT pg_is_in_recovery(), (SELECT count(*) FROM users)")
LOG = Statement("SELECT id FROM log")
NOWHERE = "postgresql+psycopg://postgres@127.0.0.1:1/none"
pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def pair() -> Iterator[Replicated]:
    with replicated() as pair:
        database = Database(driven(pair.original))
        migrate(database)
        database.close()
        pair.catches_up()
        yield pair


@pytest.fixture
def original(pair: Replicated) -> Iterator[Database]:
    database = Database(driven(pair.original))
    yield database
    database.close()


@pytest.fixture
def replica(pair: Replicated, original: Database) -> Iterator[Replica]:
    replica = Replica(original, driven(pair.copy))
    yield replica
    replica.close()


def look(session: Session) -> tuple[bool, int]:
    """Whether this is the replica, and how many users it knows."""
    copy, users = WHERE.one(session)
    return copy, users


def after(database: Database, *, event: int = 0, change: int = 0) -> Reached:
    return Reached(database.read_now(lambda session: LOG.scalars(session)[0]), change, event)


async def test_a_query_reads_the_replica_and_waits_for_what_the_client_has_seen(
    pair: Replicated, original: Database, replica: Replica
) -> None:
    world = World(original)
    world.joins("ada", "eng")
    position = world.one("SELECT max(position) FROM journal")
    assert (await replica.read(look, at_least=after(original, event=position)))[0] is True
    pair.catches_up()
    known = (await replica.read(look))[1]
    with pair.paused():
        world.joins("bob", "eng")
        assert await replica.read(look) == (True, known), "without a header it may be behind"
        began = time.monotonic()
        assert await replica.read(look, at_least=after(original, event=position + 1)) == (False, known + 1)
        assert time.monotonic() - began >= WAIT_SECONDS, "it is waited for before the original is asked"
    assert await replica.read(look, at_least=after(original, event=position + 1)) == (True, known + 1)


async def test_a_replica_out_of_reach_is_none(original: Database, caplog: pytest.LogCaptureFixture) -> None:
    replica = Replica(original, NOWHERE)
    assert (await replica.read(look))[0] is False
    assert (await replica.read(look))[0] is False
    assert len([line for line in caplog.messages if "replica is out of reach" in line]) == 1
    replica.close()


async def test_what_another_log_has_seen_is_not_waited_for_and_read_elsewhere(replica: Replica) -> None:
    began = time.monotonic()
    assert (await replica.read(look, at_least=Reached("ffffffff", 10**9, 10**9)))[0] is False
    assert time.monotonic() - began < WAIT_SECONDS


async def test_a_replica_that_says_nothing_is_left_alone_for_a_while(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.replica.SILENT_SECONDS", 0.3)

    def slow_on_the_copy(session: Session) -> tuple[bool, int]:
        found = look(session)
        if found[0]:
            time.sleep(2)
        return found

    assert (await replica.read(slow_on_the_copy))[0] is False
    began = time.monotonic()
    assert (await replica.read(look))[0] is False
    assert time.monotonic() - began < 1.5, "it is not asked again at once"


async def test_one_query_finds_out_whether_a_silent_replica_speaks_again(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.replica.SILENT_SECONDS", 0.5)
    monkeypatch.setattr("api.replica.REST_SECONDS", 0.0)
    asked = 0
    says = False

    def counts(session: Session) -> tuple[bool, int]:
        nonlocal asked
        found = look(session)
        if found[0]:
            asked += 1
            time.sleep(0.0 if says else 2.0)
        return found

    assert (await replica.read(counts))[0] is False
    answers = await asyncio.gather(*(replica.read(counts) for _ in range(8)))
    assert ([copy for copy, _ in answers], asked) == ([False] * 8, 2), "one waits in vain, and not each of them"
    says = True
    assert (await replica.read(counts))[0] is True
    answers = await asyncio.gather(*(replica.read(counts) for _ in range(8)))
    assert [copy for copy, _ in answers] == [True] * 8, "once it speaks, all go to it"


def test_a_cursor_says_how_far_its_reader_must_see() -> None:
    assert reached_by(format_cursor("0000000a", 5)) == ("0000000a", 5, 0)
    assert reached_by(format_cursor("0000000a", 5, 9)) == ("0000000a", 5, 9)
    for text in ("", "5", "c1-0000000a-5", format_cursor("0000000a", 5) + "-", "c1-0000000a-" + "g" * 16):
        with pytest.raises(BadInput):
            reached_by(text)
