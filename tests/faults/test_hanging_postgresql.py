"""PostgreSQL that hangs: its connections are there, and it says nothing. Whoever asks is told so, in time."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.faults.followers import following
from tests.faults.insistent import company
from tests.faults.postmasters import Postmaster
from tests.faults.test_killed_postgresql import why_not_ready
from tests.faults.truth import footprint, is_back, is_clean
from tests.processes import KEY, SECRETS, serving_process
from tests.system.directory import Json, Outside, headers, user_in
from tests.system.waiting import until

ANSWERS_WITHIN = 40.0  # seconds; the bounds are 20 for a read and 25 for an event
ENDS_WITHIN = 10.0  # of SIGTERM
QUERY = "{ users(organizationId: %s) { totalCount } }"
MUTATION = 'mutation { createRole(input: {name: "late"}) { cursor } }'


def asked(server: str, query: str, **more: str) -> httpx.Response:
    given = {"Authorization": f"Bearer {KEY}"} | more
    return httpx.post(f"{server}/graphql", json={"query": query}, headers=given, timeout=ANSWERS_WITHIN)


def told_of(server: str, event: Json) -> httpx.Response:
    body = json.dumps(event).encode()
    return httpx.post(f"{server}/webhook", content=body, headers=headers(body), timeout=ANSWERS_WITHIN)


@pytest.mark.timeout(180)
def test_everyone_is_told_in_time_and_what_is_repeated_then_has_its_effect_once(
    postmaster: Postmaster, tmp_path: Path
) -> None:
    url = postmaster.database()
    with serving_process(tmp_path, environment=SECRETS | {"DATABASE_URL": url}) as server:
        start = company(server.url)
        before = footprint(server)
        event = user_in("late", "eng")
        with Outside(server.url) as outside, following(start, server.url) as followers:
            query = QUERY % json.dumps(event["organization_id"])
            known = asked(server.url, query).json()["data"]
            with postmaster.hanging(), ThreadPoolExecutor(12) as pool:
                began = time.monotonic()
                queries = [pool.submit(asked, server.url, query) for _ in range(8)]  # twice as many as read at once
                once = pool.submit(asked, server.url, MUTATION, **{"Idempotency-Key": "the-same"})
                told = pool.submit(told_of, server.url, event)
                assert "takes too long" in why_not_ready(server)
                assert time.monotonic() - began < 15, "whoever balances loads does not wait long"
                assert server.answers("/healthz")
                for answer in (each.result() for each in (*queries, once)):
                    assert answer.status_code in (200, 503), answer.text
                    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE", answer.text
                refused = told.result()
                assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
                assert time.monotonic() - began < ANSWERS_WITHIN
            until(lambda: server.answers("/readyz"), 20)
            outside.tell(event)
            assert [entry["id"] for entry in outside.journal()].count(event["id"]) == 1
            assert "errors" not in asked(server.url, MUTATION, **{"Idempotency-Key": "the-same"}).json()
            now = asked(server.url, query).json()["data"]
            assert now["users"]["totalCount"] == known["users"]["totalCount"] + 1
            changes = outside.changes(start)
            for follower in followers:
                follower.sees(changes)
        assert "Traceback" not in server.log
        is_clean(tmp_path, url)
        is_back(server, before)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stop_answers_everyone_in_time(postmaster: Postmaster, tmp_path: Path, workers: int) -> None:
    url = postmaster.database()
    environment = SECRETS | {"DATABASE_URL": url, "WEB_CONCURRENCY": str(workers)}
    with serving_process(tmp_path, environment=environment) as server, ThreadPoolExecutor(12) as pool:
        company(server.url)
        with postmaster.hanging():
            queries = [pool.submit(asked, server.url, "{ organizations { totalCount } }") for _ in range(6)]
            once = pool.submit(asked, server.url, MUTATION, **{"Idempotency-Key": "the-same"})
            told = pool.submit(told_of, server.url, user_in("late", "eng"))
            time.sleep(0.5)  # they are under way
            server.terminate()
            assert server.wait(ENDS_WITHIN) == 0
            answers = [each.result() for each in (*queries, once, told)]
            assert {answer.status_code for answer in answers} <= {200, 503}, [answer.text for answer in answers]
            assert all("UNAVAILABLE" in answer.text for answer in answers)
        assert "Traceback" not in server.log
        assert "Cancel" not in server.log
    is_clean(tmp_path, url)
