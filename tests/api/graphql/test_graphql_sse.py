"""graphql-sse, distinct connections mode: the stream's grammar, its heartbeat, its resumption and its end."""

from __future__ import annotations

import json
import time

import httpx

from api.graphql import Limits
from schema.graphql.context import Viewer, ViewerKind
from tests.api.graphql.clients import AUTHORIZATION, events, stream
from tests.api.graphql.throwaway import World, application
from tests.serving import serving

ENDLESS = {"query": "subscription { endless }"}
TICKS = {"query": "subscription { ticks(to: 5) { cursor value } }"}


def test_the_stream_is_byte_for_byte_what_the_protocol_says(url: str) -> None:
    headers = {**AUTHORIZATION, "accept": "text/event-stream"}
    response = httpx.post(f"{url}/graphql", json={"query": "{ hello }"}, headers=headers)
    assert response.content == b'event: next\ndata: {"data":{"hello":"hello world"}}\n\nevent: complete\ndata:\n\n'
    assert response.headers["cache-control"].startswith("no-cache")
    assert response.headers["x-accel-buffering"] == "no"


def test_get_streams_too(url: str) -> None:
    headers = {**AUTHORIZATION, "accept": "text/event-stream"}
    with httpx.stream("GET", f"{url}/graphql", params=TICKS, headers=headers) as response:
        assert [event["event"] for event in events(response)] == ["next"] * 5 + ["complete"]


def test_a_client_that_takes_both_gets_json_for_a_query_and_a_stream_for_a_subscription(url: str) -> None:
    headers = {**AUTHORIZATION, "accept": "application/graphql-response+json, application/json, text/event-stream"}
    query = httpx.post(f"{url}/graphql", json={"query": "{ hello }"}, headers=headers)
    assert query.headers["content-type"].startswith("application/graphql-response+json")
    subscription = httpx.post(f"{url}/graphql", json=TICKS, headers=headers)
    assert subscription.headers["content-type"].startswith("text/event-stream")


def test_a_client_that_comes_back_goes_on_after_the_last_cursor_it_saw(url: str) -> None:
    with stream(url, TICKS) as received:
        first = next(received)
    assert first["id"] == "1"
    with stream(url, TICKS, last_event_id=first["id"]) as received:
        *rest, last = received
    assert [event["id"] for event in rest] == ["2", "3", "4", "5"]
    assert "id" not in last


def test_an_answer_without_cursor_has_no_id(url: str) -> None:
    with stream(url, {"query": "subscription { ticks(to: 1) { value } }"}) as received:
        assert "id" not in next(received)


def test_a_quiet_stream_has_a_heartbeat(world: World) -> None:
    with serving(application(world, Limits(heartbeat_seconds=0.05))) as url, stream(url, ENDLESS) as received:
        assert next(received)["event"] == "next"
        assert [next(received) for _ in range(3)] == [{"comment": ""}] * 3


def test_sources_close_when_the_client_goes_away(url: str, world: World) -> None:
    for number, source in enumerate(["endless", "flood", "endless"], 1):
        with stream(url, {"query": f"subscription {{ {source} }}"}) as received:
            next(received)
            assert world.closed == number - 1
        world.wait_for("closed", number)


def test_a_stream_ends_with_a_word_when_its_credential_does(world: World) -> None:
    soon = time.time_ns() + 300_000_000
    world.tokens["good"] = Viewer(ViewerKind.USER, "bob", False, "org", "bob", expires_at=soon)
    with serving(application(world)) as url, stream(url, ENDLESS) as received:
        _, refusal, last = received
    assert json.loads(refusal["data"])["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
    assert last["event"] == "complete"
    world.wait_for("closed", 1)


def test_a_server_that_stops_closes_every_source(world: World) -> None:
    with serving(application(world)) as url:
        client = httpx.Client()
        request = client.build_request(
            "POST", f"{url}/graphql", json=ENDLESS, headers={**AUTHORIZATION, "accept": "text/event-stream"}
        )
        client.send(request, stream=True)
        world.wait_for("opened", 1)
    world.wait_for("closed", 1)
    client.close()
