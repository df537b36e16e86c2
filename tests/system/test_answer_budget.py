"""What one answer may hold, on a real server: documents that multiply what is there keep nobody else waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.api.graphql.clients import socket
from tests.processes import KEY
from tests.system.directory import Json, user_in
from tests.system.served import Served
from tests.system.waiting import listens

USERS = 400  # whose changes among themselves are 160,000
PROMPT = 1.0  # seconds; unbounded, each of these answers would keep the server longer

CHANGES = "changes { event { changes { kind } } }"
EVENT = "query ($id: ID!) { event(id: $id) { " + CHANGES + " } }"
MAP = 'mutation ($role: String!) { mapGroup(groupId: "eng", role: $role) { granted event { ' + CHANGES + " } } }"
REFUSED = "nodes: this answer has more than 20000, which is the limit"


@pytest.fixture
def crowd(served: Served) -> Served:
    """A group of many, whom nothing is mapped to yet."""
    served.tell_at_once(user_in(f"user_{number}", "eng") for number in range(USERS))
    served.role("deployer", "viewer")
    return served


@contextmanager
def others_are_answered(url: str) -> Iterator[None]:
    """Nobody who asks for /healthz meanwhile waits long."""
    done, waited = threading.Event(), [0.0]

    def ask() -> None:
        with httpx.Client(base_url=url, timeout=60) as client:
            while not done.is_set():
                started = time.monotonic()
                client.get("/healthz").raise_for_status()
                waited.append(time.monotonic() - started)
                time.sleep(0.01)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(60)
    assert max(waited) < PROMPT, f"waited {max(waited):.1f} s"


def refusal(answer: Json) -> tuple[str, str]:
    (error,) = answer["errors"]
    return error["extensions"]["code"], error["message"]


def test_what_one_event_caused_is_not_told_again_for_each_that_it_caused(crowd: Served) -> None:
    id = crowd.maps("eng", "deployer")["event"]["id"]
    with others_are_answered(crowd.url):
        for _ in range(3):
            answer = crowd.answer(EVENT, id=id)
            assert refusal(answer) == ("TOO_COMPLEX", REFUSED)
            assert answer["data"] == {"event": None}
    once = crowd.ask("query ($id: ID!) { event(id: $id) { changes { user { id } } } }", id=id)
    assert len(once["event"]["changes"]) == USERS


def test_a_mutation_is_done_and_its_answer_and_its_event_are_bounded(crowd: Served) -> None:
    with socket(crowd.url, KEY) as client, others_are_answered(crowd.url):
        client.subscribe("subscription { events { type " + CHANGES + " } }")
        listens(crowd)
        answer = crowd.answer(MAP, role="deployer")
        assert refusal(answer) == ("TOO_COMPLEX", REFUSED)
        assert refusal(client.receive()["payload"]) == ("TOO_COMPLEX", REFUSED)
        crowd.tell(user_in("zoe"))
        told = client.receive()["payload"]["data"]["events"]
    assert told["changes"] == []
    assert crowd.roles("user_7") == {"deployer"}


def test_documents_that_repeat_keep_nobody_waiting(junk_server: Served) -> None:
    roles = "{" + ('organization(id: "1") {' + "defaultMemberRole { extends { name } } " * 16 + "} ") * 20 + "}"
    viewer = "{" + ("viewer {" + "user { id } " * 20 + "} ") * 20 + "}"
    with others_are_answered(junk_server.url):
        for source in (roles, viewer):
            for number in range(2):
                code, message = refusal(junk_server.answer(source + f" # {number}"))
                assert (code, message.partition(":")[0]) == ("TOO_COMPLEX", "comparisons")
