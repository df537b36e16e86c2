"""A server asked to stop answers what it runs, on every transport, before it closes a connection."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.api.graphql.clients import Json, Socket, socket, stream
from tests.processes import KEY, SECRETS, Server, serving_process
from tests.system.credentials import how_a_socket_ends
from tests.system.directory import AUTHORIZATION, Outside
from tests.system.holders import another_writer

ENDS_WITHIN = 10.0  # seconds
FOLLOW = "subscription { roleChanges { cursor } }"
STARTS = 0.5  # seconds for what was sent to be running


@pytest.fixture
def server(url: str, tmp_path: Path) -> Iterator[Server]:
    with serving_process(tmp_path, environment=SECRETS | {"DATABASE_URL": url}) as server:
        yield server


@contextmanager
def connected(server: Server) -> Iterator[Socket]:
    with socket(server.url, token=KEY, ping_interval=None) as client:
        yield client


def create(name: str) -> str:
    return f'mutation {{ createRole(input: {{name: "{name}"}}) {{ role {{ name }} }} }}'


def created(name: str) -> Json:
    return {"data": {"createRole": {"role": {"name": name}}}}


def messages_of(client: Socket, operation: str) -> list[Json]:
    """What the operation was told, up to its last message; what others are told is passed over."""
    deadline, messages = time.monotonic() + ENDS_WITHIN, list[Json]()
    while not messages or messages[-1]["type"] == "next":
        frame = client._connection.recv(timeout=deadline - time.monotonic())
        message = json.loads(frame)
        if message["id"] == operation:
            messages.append(message)
    return messages


def over_events(server: Server, name: str) -> list[Json]:
    with stream(server.url, {"query": create(name)}, **AUTHORIZATION) as told:
        return [each for each in told if "comment" not in each]


def test_mutations_that_run_at_sigterm_are_answered_and_nothing_new_is_taken(server: Server, url: str) -> None:
    with connected(server) as live, connected(server) as idle, ThreadPoolExecutor(1) as pool:
        with another_writer(url):
            live.subscribe(create("socketed"), id="mutation")
            live.subscribe(FOLLOW, id="following")
            idle.subscribe(FOLLOW)
            events = pool.submit(over_events, server, "streamed")
            time.sleep(STARTS)
            server.terminate()
            assert how_a_socket_ends(idle)[0] == 1001, "a socket that is owed nothing waits for nobody"
            assert not server.answers("/readyz"), "no new client is to be sent here"
            live.subscribe(create("late"), id="late")
            (refused,) = messages_of(live, "late")
            assert refused["type"] == "error"
            assert refused["payload"][0]["extensions"] == {"code": "UNAVAILABLE", "retryAfter": 1}
            time.sleep(STARTS)
        answer, complete = messages_of(live, "mutation")
        assert answer["payload"] == created("socketed")
        assert complete["type"] == "complete"
        assert how_a_socket_ends(live)[0] == 1001
        told, last = events.result(ENDS_WITHIN)
        assert json.loads(told["data"]) == created("streamed")
        assert last["event"] == "complete"
    assert server.wait(ENDS_WITHIN) == 0
    server.start()
    with Outside(server.url) as outside:
        roles = outside.ask("{ roles { name } }")["roles"]
    assert {role["name"] for role in roles} == {"socketed", "streamed"}
    assert "Traceback" not in server.log


def test_a_mutation_that_the_database_does_not_take_is_told_to_repeat_before_the_socket_closes(
    server: Server, url: str
) -> None:
    with connected(server) as live, another_writer(url):
        live.subscribe(create("stuck"), id="mutation")
        time.sleep(STARTS)
        server.terminate()
        messages = messages_of(live, "mutation")
        assert "UNAVAILABLE" in json.dumps(messages)
        assert how_a_socket_ends(live)[0] == 1001
        assert server.wait(ENDS_WITHIN) == 0


def test_sockets_with_only_subscriptions_do_not_hold_the_server(server: Server) -> None:
    with connected(server) as live:
        live.subscribe(FOLLOW)
        time.sleep(STARTS)
        began = time.monotonic()
        server.terminate()
        assert how_a_socket_ends(live)[0] == 1001
        assert server.wait(ENDS_WITHIN) == 0
        assert time.monotonic() - began < 4, "the 6 s that answers may take are not waited for"
