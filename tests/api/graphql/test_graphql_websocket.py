"""graphql-transport-ws, rule by rule of its PROTOCOL.md, and what happens when clients and servers go away."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from api.graphql import Limits
from tests.api.graphql.clients import AUTHORIZATION, Socket, socket
from tests.api.graphql.throwaway import World, application
from tests.serving import serving

INIT = {"type": "connection_init", "payload": AUTHORIZATION}


@pytest.mark.parametrize(
    "frame",
    [
        "nonsense", "", "null", "7", '"x"', "[]", "{}", '{"type": null}', '{"type": 7}', '{"type": "start", "id": "1"}',
        '{"id": "1"}', '{"type": "subscribe"}', '{"type": "subscribe", "id": "1"}', '{"type": "complete"}',
        '{"type": "subscribe", "payload": {"query": "{ hello }"}}', '{"type": "complete", "id": 7}',
        '{"type": "subscribe", "id": 7, "payload": {"query": "{ hello }"}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ hello }"}}',
        '{"type": "subscribe", "id": "1", "payload": "x"}', '{"type": "subscribe", "id": "1", "payload": null}',
        '{"type": "next", "id": "1"}', '{"a": NaN}', "[" * 100_000, b'{"type": "ping"}',
    ],
    ids=lambda frame: str(frame[:50]),
)  # fmt: skip
def test_an_invalid_message_closes_with_4400(frame: str | bytes, url: str) -> None:
    with socket(url) as client:
        client.send(frame)
        assert client.closed() == 4400


def test_subscribing_before_the_acknowledgement_closes_with_4401(url: str) -> None:
    with socket(url, token=None) as client:
        client.subscribe("{ hello }")
        assert client.closed() == 4401


@pytest.mark.parametrize(
    "init",
    [
        {"type": "connection_init"},
        {"type": "connection_init", "payload": None},
        {"type": "connection_init", "payload": {}},
        {"type": "connection_init", "payload": {"Authorization": 7}},
        {"type": "connection_init", "payload": {"Authorization": "Bearer wrong"}},
    ],
    ids=json.dumps,
)
def test_no_credential_or_a_wrong_one_closes_with_4403(init: dict[str, Any], url: str) -> None:
    with socket(url, token=None) as client:
        client.send(init)
        assert client.closed() == 4403


@pytest.mark.parametrize("payload", ["x", 7, [], True])
def test_an_init_payload_of_another_type_closes_with_4400(payload: Any, url: str) -> None:
    with socket(url, token=None) as client:
        client.send({"type": "connection_init", "payload": payload})
        assert client.closed() == 4400


def test_when_nobody_can_tell_who_it_is_the_socket_closes_with_try_again_later(url: str, world: World) -> None:
    world.busy = True
    with socket(url, token=None) as client:
        client.send(INIT)
        assert client.closed() == 1013


def test_no_init_in_time_closes_with_4408(world: World) -> None:
    with serving(application(world, Limits(init_seconds=0.1))) as url:
        with socket(url, token=None) as client:
            assert client.closed() == 4408
        with socket(url) as client:  # and who was in time stays
            time.sleep(0.2)
            client.send({"type": "ping"})
            assert client.receive() == {"type": "pong"}


def test_an_id_in_use_closes_with_4409(url: str) -> None:
    with socket(url) as client:
        client.subscribe("subscription { endless }")
        client.subscribe("{ hello }")
        assert client.closed() == 4409


def test_a_reason_longer_than_a_close_frame_is_cut(url: str) -> None:
    with socket(url) as client:
        for _ in range(2):
            client.subscribe("subscription { endless }", id="é𝄞" * 100)
        assert client.closed() == 4409


def test_a_second_init_closes_with_4429(url: str) -> None:
    with socket(url) as client:
        client.send(INIT)
        assert client.closed() == 4429


@pytest.mark.parametrize("subprotocols", [["graphql-ws"], ["other"], None])
def test_another_sub_protocol_closes_with_4406(subprotocols: Any, url: str) -> None:
    with connect(url.replace("http", "ws", 1) + "/graphql", subprotocols=subprotocols) as connection:
        assert Socket(connection).closed() == 4406


def test_a_message_above_the_limit_closes_with_1009(world: World) -> None:
    with serving(application(world, Limits(body_bytes=1000))) as url, socket(url) as client:
        client.send(json.dumps({"type": "ping", "payload": {"x": "x" * 1000}}))
        assert client.closed() == 1009


def test_pings_are_answered_with_their_payload_and_before_the_init_too(url: str) -> None:
    with socket(url, token=None) as client:
        client.send({"type": "ping"})
        assert client.receive() == {"type": "pong"}
        client.send({"type": "pong", "payload": {"unasked": True}})
        client.send({"type": "ping", "payload": {"n": 1}})
        assert client.receive() == {"type": "pong", "payload": {"n": 1}}


@pytest.mark.parametrize(
    "query", [None, 7, [], {}, "", "{", "{ nothing }", "{" * 300, "query ($a: Int!) { add(a: $a) }"]
)
def test_a_query_that_is_none_is_an_error_message_and_the_socket_lives(query: Any, url: str) -> None:
    with socket(url) as client:
        client.send({"id": "1", "type": "subscribe", "payload": {"query": query}})
        message = client.receive()
        assert (message["id"], message["type"]) == ("1", "error")
        assert message["payload"][0]["extensions"]["code"] in ("BAD_INPUT", "TOO_COMPLEX")
        client.subscribe("{ hello }")  # the id is free again
        assert client.receive() == {"id": "1", "type": "next", "payload": {"data": {"hello": "hello world"}}}
        assert client.receive() == {"id": "1", "type": "complete"}


def test_completing_what_is_unknown_or_finished_is_ignored(url: str) -> None:
    with socket(url) as client:
        client.send({"id": "nothing", "type": "complete"})
        client.subscribe("{ hello }")
        assert [client.receive()["type"] for _ in range(2)] == ["next", "complete"]
        client.send({"id": "1", "type": "complete"})
        client.send({"type": "ping"})
        assert client.receive() == {"type": "pong"}


def test_completing_closes_the_source_and_frees_the_id(url: str, world: World) -> None:
    with socket(url) as client:
        for round_ in (1, 2, 3):
            client.subscribe("subscription { endless }")
            assert client.receive()["payload"] == {"data": {"endless": 1}}
            client.send({"id": "1", "type": "complete"})
            world.wait_for("closed", round_)
        client.send({"type": "ping"})
        assert client.receive() == {"type": "pong"}, "nothing is sent for a completed operation"


def test_the_credential_may_come_with_the_handshake(url: str) -> None:
    with socket(url, token=None, additional_headers=AUTHORIZATION) as client:
        client.send({"type": "connection_init"})
        assert client.receive() == {"type": "connection_ack"}


@pytest.mark.parametrize(
    ("origin", "welcome"),
    [
        ("https://app.example", True),
        ("HTTPS://APP.EXAMPLE", True),
        ("https://app.example.evil", False),
        ("http://app.example", False),
        ("null", False),
        (None, True),
    ],
)
def test_pages_of_other_origins_must_be_allowed(origin: Any, welcome: bool, world: World) -> None:
    with serving(application(world, allowed_origins=["https://app.example"])) as url:
        if welcome:
            with socket(url, origin=origin):
                return
        with pytest.raises(InvalidStatus) as refused, socket(url, origin=origin):
            pass
        assert refused.value.response.status_code == 403


def test_pages_of_the_same_origin_and_of_any_when_all_are_allowed_may_connect(world: World) -> None:
    with serving(application(world)) as url, socket(url, origin=url):
        pass
    with serving(application(world, allowed_origins=["*"])) as url, socket(url, origin="https://any.example"):
        pass
