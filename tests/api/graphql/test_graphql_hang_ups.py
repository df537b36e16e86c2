"""Clients that go away in the middle, and clients that take nothing: both are done with, without a word in the log."""

from __future__ import annotations

import json
import logging
import os
import socket
import time
from collections.abc import Callable
from contextlib import closing

import httpx
import pytest

from api.graphql import Limits
from tests.api.graphql.clients import AUTHORIZATION
from tests.api.graphql.throwaway import World, application
from tests.faults.sleepers import connected, socket_that_asks, stream_that_asks
from tests.serving import serving
from tests.system.wire import request

FLOOD = {"query": "subscription { flood }"}
HEADERS = list({"accept": "text/event-stream", "content-type": "application/json", **AUTHORIZATION}.items())
ENDS_WITHIN = 15.0  # seconds; TCP alone would take 30 and more
QUIET_FOR = 0.3


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def await_files(count: int) -> None:
    deadline = time.monotonic() + ENDS_WITHIN
    while open_files() > count:
        assert time.monotonic() < deadline, f"{open_files() - count} connections are still open"
        time.sleep(0.05)


@pytest.mark.parametrize("flooded", [stream_that_asks, socket_that_asks], ids=["event stream", "socket"])
def test_who_takes_nothing_is_cut_off_when_its_credential_ends(
    flooded: Callable[..., socket.socket], world: World, caplog: pytest.LogCaptureFixture
) -> None:
    options = {"http": "api.peers:Connection"}  # as the command line serves
    with serving(application(world, Limits(recheck_seconds=0.05)), **options) as url:
        before = open_files()
        with closing(flooded(url, FLOOD, AUTHORIZATION)):
            world.wait_for("opened", 1)
            time.sleep(QUIET_FOR)  # until the window is full
            assert open_files() == before + 2, "the client's end, and the server's"
            del world.tokens["good"]
            world.wait_for("closed", 1)
            await_files(before + 1)
        world.tokens["good"] = World().tokens["good"]
        assert httpx.post(f"{url}/graphql", json={"query": "{ hello }"}, headers=AUTHORIZATION).status_code == 200
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_slow_client_gets_all_of_a_long_answer(world: World) -> None:
    long = {"query": "query ($name: String!) { hello(name: $name) }", "variables": {"name": "x" * 900_000}}
    limits = Limits(text=1_000_000)
    with serving(application(world, limits), http="api.peers:Connection") as url, closing(connected(url)) as connection:
        connection.sendall(request("POST", HEADERS, json.dumps(long).encode(), "/graphql"))
        time.sleep(2.5)  # longer than last words are waited for
        received = bytearray()
        while chunk := connection.recv(65536):
            received += chunk
    assert received.endswith(b"event: complete\ndata:\n\n\r\n0\r\n\r\n")
    assert received.count(b"x") >= 900_000


def test_who_hangs_up_within_a_request_is_no_error_of_ours(url: str, caplog: pytest.LogCaptureFixture) -> None:
    announced = [*HEADERS, ("content-length", "1000")]
    with closing(connected(url)) as connection:
        connection.sendall(request("POST", announced, b'{"query": ', "/graphql"))
        time.sleep(QUIET_FOR)
    time.sleep(QUIET_FOR)
    assert httpx.post(f"{url}/graphql", json={"query": "{ hello }"}, headers=AUTHORIZATION).status_code == 200
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
