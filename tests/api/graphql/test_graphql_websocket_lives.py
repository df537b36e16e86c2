"""Sockets as they live and end: many operations at once, clients and servers that go away, credentials that end."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest
from websockets.exceptions import ConnectionClosed

from api.graphql import Limits
from schema.graphql.context import Viewer, ViewerKind
from tests.api.graphql.clients import socket
from tests.api.graphql.throwaway import World, application
from tests.serving import serving


def test_many_operations_run_side_by_side(url: str) -> None:
    with socket(url) as client:
        for number in range(50):
            client.subscribe("subscription { ticks(to: 3) { value } }", id=str(number))
        messages = [client.receive() for _ in range(50 * 4)]
    for number in range(50):
        mine = [message for message in messages if message["id"] == str(number)]
        assert [message["type"] for message in mine] == ["next", "next", "next", "complete"]
        assert [message["payload"]["data"]["ticks"]["value"] for message in mine[:3]] == [1, 2, 3]


def test_operations_above_the_limit_are_refused_and_the_others_go_on(world: World) -> None:
    with serving(application(world, Limits(operations=3))) as url, socket(url) as client:
        for number in range(3):
            client.subscribe("subscription { endless }", id=str(number))
            client.receive()
        client.subscribe("subscription { endless }", id="3")
        message = client.receive()
        assert (message["id"], message["type"], world.opened) == ("3", "error", 3)
        assert message["payload"][0]["extensions"]["code"] == "TOO_COMPLEX"
        client.send({"id": "0", "type": "complete"})
        client.subscribe("subscription { endless }", id="3")
        assert client.receive()["type"] == "next"


@pytest.mark.parametrize("source", ["endless", "flood"])
@pytest.mark.parametrize("politely", [True, False])
def test_sources_close_when_the_client_goes_away(source: str, politely: bool, url: str, world: World) -> None:
    with socket(url, close_timeout=0.2) as client:
        for number in range(5):
            client.subscribe(f"subscription {{ {source} }}", id=str(number))
        world.wait_for("opened", 5)
        if not politely:
            client._connection.socket.close()
    world.wait_for("closed", 5)


def test_a_client_that_does_not_read_does_not_hold_others_up(url: str, world: World) -> None:
    with socket(url, max_queue=1, close_timeout=0.2) as slow, socket(url) as other:
        slow.subscribe("subscription { flood }")
        world.wait_for("opened", 1)
        for _ in range(20):
            other.subscribe("{ hello }")
            assert [other.receive()["type"] for _ in range(2)] == ["next", "complete"]


def test_a_mutation_that_began_ends_though_the_client_is_gone(url: str, world: World) -> None:
    with socket(url) as client:
        client.subscribe('mutation { remember(word: "oak", after: 0.2) }')
        world.wait_for("opened", 1)
        client.send({"id": "1", "type": "complete"})
    assert world.words == []
    world.wait_for("words", ["oak"])


def test_a_server_that_stops_says_so_and_closes_every_source(world: World) -> None:
    with ExitStack() as client_side:
        with serving(application(world)) as url:
            client = client_side.enter_context(socket(url))
            client.subscribe("subscription { endless }")
            world.wait_for("opened", 1)
        assert client.closed() in (1001, 1012)
        world.wait_for("closed", 1)


def test_a_socket_ends_when_its_credential_is_revoked(world: World) -> None:
    with serving(application(world, Limits(recheck_seconds=0.05))) as url, socket(url) as client:
        client.subscribe("subscription { endless }")
        world.wait_for("opened", 1)
        world.busy = True  # not being able to tell is no revocation
        time.sleep(0.2)
        world.busy = False
        client.send({"type": "ping"})
        assert client.receive()["type"] == "next"
        assert client.receive()["type"] == "pong"
        del world.tokens["good"]
        assert client.closed() == 4403
        world.wait_for("closed", 1)


def test_a_socket_ends_when_its_token_expires(world: World) -> None:
    soon = time.time_ns() + 300_000_000
    world.tokens["brief"] = Viewer(ViewerKind.USER, "bob", False, "org", "bob", expires_at=soon)
    with serving(application(world)) as url, socket(url, token="brief") as client:
        assert client.closed() == 4403
        assert 0 <= time.time_ns() - soon < 1_000_000_000


def test_a_bug_ends_the_operation_and_not_the_socket(url: str) -> None:
    with socket(url) as client:
        client.subscribe('{ fails(kind: "bug") }')
        assert [client.receive()["type"] for _ in range(2)] == ["next", "complete"]
        client.subscribe("{ hello }")
        assert client.receive()["payload"] == {"data": {"hello": "hello world"}}


def test_nothing_follows_a_close(url: str) -> None:
    with socket(url) as client:
        client.subscribe("subscription { flood }")
        client.send("nonsense")
        assert client.closed() == 4400
        with pytest.raises(ConnectionClosed):
            client.receive()
