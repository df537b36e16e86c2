"""Requests that are too much before their document is looked at: read or refused at no cost."""

from __future__ import annotations

import json

import pytest

from api.graphql.documents import Documents
from api.graphql.engine import Engine
from api.graphql.limits import Limits
from api.graphql.wire import GraphQLRequest, decode
from tests.api.graphql.bombs import many
from tests.api.graphql.cheap import cheap
from tests.api.graphql.clients import socket
from tests.api.graphql.throwaway import SCHEMA, World

pytestmark = pytest.mark.usefixtures("settled")

WITH_LIST = "query ($list: [String!]!) { hello }"
BODIES: dict[str, tuple[str, str]] = {  # of requests, by the answer that each has to get
    "10^5 variables": (
        "TOO_COMPLEX",
        json.dumps({"query": "{ hello }", "variables": {f"v{n}": n for n in range(10**5)}}),
    ),
    "a list of 10^5": ("TOO_COMPLEX", json.dumps({"query": WITH_LIST, "variables": {"list": ["a"] * 10**5}})),
    "lists of lists": (
        "TOO_COMPLEX",
        json.dumps({"query": WITH_LIST, "variables": {"list": [[["a"] * 50] * 50] * 50}}),
    ),
    "a list of 9,000 that are wrong": (
        "BAD_INPUT",
        json.dumps({"query": WITH_LIST, "variables": {"list": [1] * 9_000}}),
    ),
    "a text of a megabyte": ("TOO_COMPLEX", json.dumps({"query": "{ hello }", "variables": {"a": "x" * 10**6}})),
    "a name of a megabyte": ("TOO_COMPLEX", json.dumps({"query": "{ hello }", "variables": {"x" * 10**6: 1}})),
    "nesting of 250,000": (
        "BAD_INPUT",
        '{"query": "{ hello }", "variables": {"a": ' + "[" * 250_000 + "]" * 250_000 + "}}",
    ),
    "nesting of objects": (
        "BAD_INPUT",
        '{"query": "{ hello }", "variables": ' + '{"a":' * 100_000 + "1" + "}" * 100_001,
    ),
    "escapes": ("", '{"query": "{ hello }", "x": "' + "\\u00e9" * 150_000 + '"}'),
    "a string of 90,000 in the document": ("", json.dumps({"query": f'{{ hello(name: "{"x" * 90_000}") }}'})),
    "100 operations": ("BAD_INPUT", json.dumps({"query": many(100, "query Q# { hello }")})),
    "101 operations": ("TOO_COMPLEX", json.dumps({"query": many(101, "query Q# { hello }")})),
    "1,200 variables": ("BAD_INPUT", json.dumps({"query": "query (" + many(1_200, "$v#: Int") + ") { hello }"})),
    "a number of 4,000 digits": ("", '{"query": "{ hello }", "variables": {"a": 1' + "0" * 4_000 + "}}"),
}


@pytest.mark.parametrize(("expected", "body"), BODIES.values(), ids=BODIES)
def test_a_request_is_read_or_refused_at_no_cost(expected: str, body: str) -> None:
    world = World()

    def read() -> None:
        engine = Engine(SCHEMA, Documents(SCHEMA, Limits()), world.context)
        operation = engine.prepare(GraphQLRequest.of(decode(body)))
        engine.check_variables(operation, world.tokens["good"])

    code, message = cheap(read)
    assert code == expected
    assert len(message) < 600


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_deep_json_in_a_socket_frame_is_refused_at_once_and_the_server_lives(depth: int, url: str) -> None:
    with socket(url) as client:
        nested = "[" * depth + "]" * depth
        payload = f'{{"query": "{{ hello }}", "variables": {{"a": {nested}}}}}'
        client.send(f'{{"type": "subscribe", "id": "1", "payload": {payload}}}')
        assert client.closed() == 4400
    with socket(url) as client:
        client.subscribe("{ hello }")
        assert client.receive()["payload"] == {"data": {"hello": "hello world"}}
