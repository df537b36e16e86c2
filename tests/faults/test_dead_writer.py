"""Whoever holds the writer's lock dies, or stops, in the middle of a transaction: the others wait, and then go on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import psycopg
import pytest
from sqlmodel import Session

from api.database import Database
from api.engines import FROZEN_SECONDS, WRITING
from api.work import HEADS
from schema.problems import Unavailable
from tests.conftest import driven
from tests.faults.hooks import FROZEN, hooked
from tests.faults.insistent import FOUNDER, company, load
from tests.faults.truth import footprint, is_back, is_unharmed
from tests.processes import SECRETS, Server, clean_environment, serving_process
from tests.system.directory import Outside, user_in

SHORTER_SECONDS = 14  # longer than the others wait for the lock, which is 10
HOLDS = """SELECT 1 FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted
        AND a.datname = current_database() AND a.state = 'idle in transaction'
        AND a.state_change < clock_timestamp() - interval '150 milliseconds'"""
HALF_DONE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
connection.execute("DELETE FROM journal")
connection.execute("DELETE FROM grants")
print("held", flush=True)
sys.stdin.read()
"""


def stops_while_it_writes(server: Server, operator: psycopg.Connection) -> None:
    """Stop the process so that PostgreSQL waits for it, in a transaction that holds the lock."""
    deadline = time.monotonic() + 20
    while True:
        server.signal(signal.SIGSTOP)
        time.sleep(0.3)  # what PostgreSQL had been asked by then is done
        if operator.execute(HOLDS).fetchall():
            return
        server.signal(signal.SIGCONT)
        assert time.monotonic() < deadline, "it was never met in a transaction"
        time.sleep(0.05)


@pytest.mark.timeout(180)
def test_a_server_that_freezes_in_its_transaction_holds_the_others_up_for_a_while_and_no_longer(
    migrated_postgresql: str, tmp_path: Path
) -> None:
    environment = SECRETS | {"DATABASE_URL": migrated_postgresql}
    impatient = environment | hooked(tmp_path, FROZEN.format(seconds=SHORTER_SECONDS))
    event = user_in("ada", "eng")
    body = json.dumps(event).encode()
    with (
        serving_process(tmp_path, environment=impatient) as freezes,
        serving_process(tmp_path, environment=environment) as other,
        Outside(other.url) as outside,
        psycopg.connect(migrated_postgresql, autocommit=True) as operator,
    ):
        company(other.url)
        before = {server: footprint(server) for server in (freezes, other)}
        with load(freezes.url) as busy:
            busy.goes_on()
            stops_while_it_writes(freezes, operator)
            began = time.monotonic()
            try:
                refused = outside.post(body)
                assert refused.status_code == 503, refused.text
                assert refused.headers["retry-after"].isdecimal()
                assert other.answers("/readyz"), "reading goes on"
                while outside.post(body).status_code == 503:
                    assert time.monotonic() - began < 3 * SHORTER_SECONDS
            finally:
                freezes.signal(signal.SIGCONT)
            busy.goes_on()  # the one that froze finds its transaction gone, and goes on as well
        assert outside.roles("ada") == {"eng"}
        assert sum(entry["id"] == event["id"] for entry in outside.journal()) <= 1
        outside.tell(event)
        assert "Traceback" not in freezes.log
        is_back(freezes, before[freezes])
        is_unharmed(other, before[other], migrated_postgresql, busy, others=[event])


def test_a_writer_that_slept_too_long_finds_the_database_out_of_reach_and_then_writes_again(
    migrated_postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.engines.WRITING", WRITING.replace(f"'{FROZEN_SECONDS}s'", "'200ms'"))
    database = Database(driven(migrated_postgresql))

    def sleeps(session: Session) -> None:
        HEADS.one(session)
        time.sleep(0.6)
        HEADS.one(session)

    try:
        with pytest.raises(Unavailable):
            database.write_now(sleeps)
        assert database.write_now(HEADS.one)
    finally:
        database.close()


def test_a_process_killed_inside_its_transaction_on_sqlite_leaves_nothing_and_no_lock(tmp_path: Path) -> None:
    events = [user_in(f"user_{number}", "eng") for number in range(5)]
    with serving_process(tmp_path) as server, Outside(server.url) as outside:
        company(server.url)
        outside.tell(*events[:-1])
        before = footprint(server)
        with (
            ThreadPoolExecutor(1) as pool,
            subprocess.Popen(
                [sys.executable, "-c", HALF_DONE, str(tmp_path / "rolecast.db")],
                env=clean_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            ) as process,
        ):
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            waits = pool.submit(outside.tell, events[-1])
            assert not wait([waits], 0.3).done, "the lock is another's"
            process.kill()
            waits.result(20)
        is_unharmed(server, before, f"sqlite:///{tmp_path}/rolecast.db", others=[FOUNDER, *events])
