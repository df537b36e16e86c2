"""Several server processes on one database: what lands on any reaches the subscribers of all, in order, once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from tests.processes import SECRETS, Server, rolecast, serving_process
from tests.system.directory import ORGANIZATION, Json, Outside, user_in
from tests.system.following import CHANGES, TRANSPORTS, Follow, changes, over_websocket
from tests.system.served import served_at
from tests.system.waiting import listens, until

PROCESSES = 3
PEOPLE = 40  # told to each process


@pytest.fixture
def processes(url: str, tmp_path: Path) -> Iterator[list[Server]]:
    """Three servers on one database: PostgreSQL, or one SQLite file."""
    with ExitStack() as stack:
        environment = SECRETS | {"DATABASE_URL": url}
        yield [stack.enter_context(serving_process(tmp_path, environment=environment)) for _ in range(PROCESSES)]


def follow_to(url: str, follow: Follow, start: str, count: int) -> list[Json]:
    """So many changes after the cursor."""
    with follow(url, CHANGES, organization=ORGANIZATION, after=start) as payloads:
        return [change for _, change in zip(range(count), changes(payloads), strict=False)]


def test_subscribers_of_every_process_see_every_change_in_order_and_once(
    processes: list[Server], url: str, tmp_path: Path
) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(2 * PROCESSES + PROCESSES) as pool:
        everywhere = [stack.enter_context(Outside(server.url)) for server in processes]
        everywhere[0].role("deployer")
        everywhere[1].tell(user_in("founder", "eng"))
        everywhere[2].maps("eng", "deployer")
        start = everywhere[1].head()
        count = PROCESSES * PEOPLE
        following = [
            pool.submit(follow_to, server.url, follow, start, count)
            for server in processes
            for follow in TRANSPORTS.values()
        ]
        telling = [
            pool.submit(outside.tell, *[user_in(f"user_{number}_{each}", "eng") for each in range(PEOPLE)])
            for number, outside in enumerate(everywhere)
        ]
        for told in telling:
            told.result(60)
        seen = [each.result(30) for each in following]
        logged = everywhere[0].changes(start)
    assert len(logged) == count
    for each in seen:
        assert each == logged
    checked = rolecast(tmp_path, "check", environment={"DATABASE_URL": url})
    assert (checked.returncode, checked.stdout.startswith("Clean")) == (0, True), checked


def test_another_process_is_heard_of_at_once_and_again_after_the_connection_was_cut(
    migrated_postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.feed.LOOK_SECONDS", 600.0)  # so that only a notification can have told
    environment = SECRETS | {"DATABASE_URL": migrated_postgresql}
    with (
        serving_process(tmp_path, environment=environment) as process,
        served_at(migrated_postgresql) as served,
        Outside(process.url) as outside,
        over_websocket(served.url, CHANGES) as payloads,
    ):
        until(lambda: served.service.listener.connected)
        listens(served)
        outside.role("deployer")
        outside.tell(user_in("ada", "eng"))
        outside.maps("eng", "deployer")
        assert next(changes(payloads))["userId"] == "ada"
        with psycopg.connect(migrated_postgresql, autocommit=True) as connection:
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
            assert connection.execute(cut).fetchall()
        until(lambda: not served.service.listener.connected)
        until(lambda: served.service.listener.connected)
        outside.tell(user_in("bob", "eng"))
        assert next(changes(payloads))["userId"] == "bob"
