"""The database that is copied is held still: nobody else writes until the copy is there, or there is no copy."""

from __future__ import annotations

import time

import psycopg
import pytest

import api.copying
import api.engines
from api.copying import copy
from api.copying.holding import Hold, hold_still
from api.database import Database
from schema.problems import Unavailable
from tests.conftest import driven
from tests.copies import table_names
from tests.world import World

CUT_WRITERS = """
    SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE l.locktype = 'advisory' AND d.datname = current_database()"""


def test_nobody_writes_to_the_original_while_it_is_held(
    world: World, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.engines.BUSY_SECONDS", 0.2)
    monkeypatch.setattr("api.engines.WRITING", api.engines.WRITING.replace("'10s'", "'200ms'"))
    other = Database(driven(url))
    world.joins("ada")

    def try_to_write(_hold: Hold) -> None:
        with pytest.raises(Unavailable):
            World(other).joins("bob")
        assert World(other).one("SELECT count(*) FROM users") == 1  # and readers read on

    hold_still(world.database, try_to_write)
    World(other).role("free_again")
    other.close()


def test_a_long_hold_says_something_and_is_kept(source_on_postgresql: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.copying.holding.PULSE_SECONDS", 0.1)
    frozen = "SET LOCAL idle_in_transaction_session_timeout = '500ms'"

    def wait(hold: Hold) -> None:
        hold._driver.execute(frozen)
        time.sleep(1.5)
        hold.must_last()

    hold_still(source_on_postgresql.database, wait)


def test_a_hold_that_was_lost_is_no_copy(
    migrated_postgresql: str, source_on_postgresql: World, target: Database
) -> None:
    def cut(hold: Hold) -> None:
        with psycopg.connect(migrated_postgresql, autocommit=True) as connection:
            assert connection.execute(CUT_WRITERS).fetchall()
        copy(hold, target, lambda _done, _total: None)

    source_on_postgresql.joins("ada")
    with pytest.raises(Unavailable, match="held still"):
        hold_still(source_on_postgresql.database, cut)
    assert table_names(target) == set()
