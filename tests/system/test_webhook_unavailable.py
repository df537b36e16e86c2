"""503: the queue is full, or the database out of reach. Then nothing was done, and the same event may be sent again."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psycopg
import pytest

from tests.system.directory import Json, headers, user_in
from tests.system.holders import another_writer
from tests.system.served import Served, served_at
from tests.system.waiting import until
from tests.world import World


def refused(response: httpx.Response) -> bool:
    """Whether it is a whole 503: a Retry-After in seconds, and the error's body."""
    if response.status_code != 503:
        return False
    assert response.headers["retry-after"].isdecimal()
    assert response.json()["error"]["code"] == "UNAVAILABLE"
    return True


def send(served: Served, given: Json) -> httpx.Response:
    body = json.dumps(given).encode()
    return served.client.post("/webhook", content=body, headers=headers(body), timeout=30)


def is_whole(served: Served, events: list[Json]) -> None:
    """The journal has these events, each once, and every one has had its whole effect."""
    world = World(served.service.database)
    assert sorted(entry["id"] for entry in served.journal()) == sorted(each["id"] for each in events)
    assert world.drift() == []
    assert world.one("SELECT count(*) FROM users") == len(events)
    assert world.one("SELECT count(*) FROM memberships") == len(events)


def test_a_full_queue_is_503_and_what_was_accepted_is_answered_once_the_lock_is_free(url: str) -> None:
    events = [user_in(f"user_{number}", "eng") for number in range(8)]
    with served_at(url, queue_size=1) as served, ThreadPoolExecutor(8) as pool:
        with another_writer(url):
            answers: list[Future[httpx.Response]] = []
            for each in events:
                answers.append(pool.submit(send, served, each))
                time.sleep(0.05)
            until(lambda: sum(answer.done() for answer in answers) >= 6)
            assert all(refused(answer.result()) for answer in answers if answer.done())
            assert sum(answer.done() for answer in answers) == 6, "one is with the writer, and one in the queue"
            assert served.client.get("/healthz").status_code == 200
        accepted = [each for each, answer in zip(events, answers, strict=True) if answer.result(20).status_code == 201]
        assert len(accepted) == 2
        is_whole(served, accepted)
        for each in events:
            assert send(served, each).status_code == 201
        is_whole(served, events)


def test_a_database_that_stays_locked_is_503_with_nothing_half_done(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.engines.BUSY_SECONDS", 1)
    url = f"sqlite:///{tmp_path_factory.mktemp('locked')}/rolecast.db"
    events = [user_in(f"user_{number}", "eng") for number in range(3)]
    with served_at(url) as served:
        with another_writer(url):
            assert all(refused(send(served, each)) for each in events)
            assert served.journal() == []
        for each in events:
            assert send(served, each).status_code == 201
        is_whole(served, events)


@contextmanager
def out_of_reach(url: str) -> Iterator[None]:
    """Cut every connection to a PostgreSQL database and let nobody in, as a failover does."""
    address, _, options = url.partition("?")
    base, _, name = address.rpartition("/")
    with psycopg.connect(f"{base}/postgres?{options}", autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())


def test_a_database_out_of_reach_is_503_until_it_is_back(new_postgresql: str) -> None:
    before, during = user_in("ada", "eng"), user_in("bob", "eng")
    with served_at(new_postgresql) as served:
        assert send(served, before).status_code == 201
        with out_of_reach(new_postgresql):
            assert refused(send(served, during))
            assert refused(send(served, before)), "not even a repeat is answered from memory"
            assert served.client.get("/readyz").status_code == 503
            assert served.client.get("/healthz").status_code == 200
            answer = served.answer("{ organizations { totalCount } }")
            assert answer["errors"][0]["extensions"]["code"] in ("UNAVAILABLE", "UNAUTHENTICATED"), answer
        until(lambda: served.client.get("/readyz").status_code == 200)
        assert send(served, during).status_code == 201
        is_whole(served, [before, during])


def test_events_under_way_when_the_database_goes_are_whole_or_not_there(new_postgresql: str) -> None:
    events = [user_in(f"user_{number}", "eng") for number in range(400)]
    with served_at(new_postgresql) as served, ThreadPoolExecutor(16) as pool:
        started = threading.Event()

        def deliver(each: Json) -> int:
            status = send(served, each).status_code
            started.set()
            return status

        answers = [pool.submit(deliver, each) for each in events]
        assert started.wait(20)
        with out_of_reach(new_postgresql):
            until(lambda: any(answer.done() and answer.result() == 503 for answer in answers))
        statuses = [answer.result(60) for answer in answers]
        assert set(statuses) == {201, 503}
        world = World(served.service.database)
        told = [each["id"] for each, status in zip(events, statuses, strict=True) if status == 201]
        assert all(world.one("SELECT position FROM journal WHERE id = :id", id=each) for each in told)
        assert world.drift() == []
        for each in events:
            assert send(served, each).status_code == 201
        assert world.one("SELECT count(*) FROM journal") == len(events)
        assert world.one("SELECT count(*) FROM users") == len(events)
        assert world.drift() == []


def test_a_database_that_says_nothing_is_503_in_time_and_the_same_event_is_whole_when_it_speaks_again(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.ingest.ANSWERS_SECONDS", 0.5)
    given = user_in("ada", "eng")
    with served_at(url) as served:
        with another_writer(url):
            began = time.monotonic()
            answer = send(served, given)
            assert refused(answer)
            assert time.monotonic() - began < 5, "the lock would be waited for twice as long"
            assert "whether this will be done is not known" in answer.json()["error"]["message"]
        until(lambda: len(served.journal()) == 1)  # the event had stayed with the writer
        assert send(served, given).status_code == 201
        is_whole(served, [given])
