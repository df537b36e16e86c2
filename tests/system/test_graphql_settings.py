"""Each limit of the settings, on a real server: below it all is well, above it the error says measure and limit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from graphql import get_introspection_query

from tests.api.graphql.clients import Socket, socket
from tests.processes import KEY
from tests.system.directory import AUTHORIZATION, Json
from tests.system.served import Served, served_at

LIVE = "subscription { roleChanges { kind } }"


@contextmanager
def limited(folder: Path, **settings: int) -> Iterator[Served]:
    with served_at(f"sqlite:///{folder}/rolecast.db", **settings) as served:
        yield served


def users(first: int) -> str:
    return f'{{ users(organizationId: "o", first: {first}) {{ nodes {{ id }} }} }}'


def aliases(count: int) -> str:
    return "{ viewer {" + " ".join(f"a{n}: mayWrite" for n in range(count)) + "} }"


def extends(depth: int) -> str:
    return "{ roles {" + "extends {" * (depth - 2) + "name" + "}" * depth


def roots(count: int) -> str:
    return "{" + " ".join(f"a{n}: roles {{ name }}" for n in range(count)) + "}"


def tokens(count: int) -> str:
    return "{ role(name: [" + '"a" ' * (count - 12) + "]) { name } }"


# of each setting: what the message calls it, two limits that are not its default, a document with so much of it
MEASURES: dict[str, tuple[str, int, int, Callable[[int], str]]] = {
    "max_depth": ("depth", 9, 25, extends),
    "max_aliases": ("aliases", 7, 99, aliases),
    "max_root_fields": ("root fields", 7, 40, roots),
    "max_tokens": ("tokens", 100, 9_000, tokens),
    "max_nodes": ("nodes", 90, 190, lambda count: users(count - 1)),
}


@pytest.mark.parametrize("setting", MEASURES)
def test_a_setting_is_the_limit_and_the_error_says_so(setting: str, tmp_path: Path) -> None:
    measure, low, high, document = MEASURES[setting]
    for limit in (low, high):
        with limited(tmp_path, **{setting: limit}) as served:
            assert "TOO_COMPLEX" not in str(served.answer(document(limit)))
            (error,) = served.answer(document(limit + 2))["errors"]
        assert error["extensions"] == {"code": "TOO_COMPLEX"}
        assert error["message"] == f"{measure}: this document has {limit + 2}, the limit is {limit}"


def test_the_introspection_query_of_tools_is_within_the_defaults(junk_server: Served) -> None:
    query = get_introspection_query(specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True)
    assert junk_server.ask(query)["__schema"]["queryType"]["name"] == "Query"


@pytest.mark.parametrize("limit", [1024, 2_000_000])
def test_a_body_and_a_socket_message_are_bounded_by_the_setting(limit: int, tmp_path: Path) -> None:
    def request(size: int) -> str:
        padding = size - len(json.dumps({"query": "{ __typename }", "x": ""}))
        return json.dumps({"query": "{ __typename }", "x": "x" * padding})

    def message(size: int) -> str:
        padding = size - len(json.dumps({"type": "ping", "payload": {"x": ""}}))
        return json.dumps({"type": "ping", "payload": {"x": "x" * padding}})

    given = AUTHORIZATION | {"content-type": "application/json"}
    with limited(tmp_path, max_body_bytes=limit) as served:
        fits, too_long = (
            served.client.post("/graphql", content=request(size), headers=given) for size in (limit, limit + 1)
        )
        assert (fits.status_code, too_long.status_code) == (200, 413)
        assert too_long.json()["errors"][0]["extensions"]["code"] == "BAD_INPUT"
        with socket(served.url, token=KEY, max_size=None) as client:
            client.send(message(limit))
            assert client.receive()["type"] == "pong"
            client.send(message(limit + 1))
            assert client.closed() == 1009


def live(client: Socket, count: int) -> list[Json]:
    """Start so many subscriptions, and give what came back of them before an answer to a ping."""
    for number in range(count):
        client.subscribe(LIVE, id=str(number))
    client.send({"type": "ping"})
    received = []
    while (message := client.receive())["type"] != "pong":
        received.append(message)
    return received


def test_operations_of_a_socket_are_bounded_by_the_setting(tmp_path: Path) -> None:
    with limited(tmp_path, max_subscriptions=3) as served, socket(served.url, token=KEY) as client:
        (refused,) = live(client, 4)
        assert (refused["id"], refused["type"]) == ("3", "error")
        assert refused["payload"][0]["extensions"] == {"code": "TOO_COMPLEX"}
        assert "at most 3" in refused["payload"][0]["message"]
