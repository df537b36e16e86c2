"""What is the same over every transport, asked over every one of them."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable

import pytest
from gql import Client, gql
from gql.transport.httpx import HTTPXTransport
from gql.transport.websockets import WebsocketsTransport
from graphql import get_introspection_query

from tests.api.graphql.clients import AUTHORIZATION, TRANSPORTS, Json
from tests.api.graphql.throwaway import World

Run = Callable[[str, Json], list[Json]]
WRITING, STREAMING = ("POST", "SSE", "WebSocket"), ("SSE", "WebSocket")
every = pytest.mark.parametrize("run", TRANSPORTS.values(), ids=TRANSPORTS)
writing = pytest.mark.parametrize("run", [TRANSPORTS[n] for n in WRITING], ids=WRITING)
streaming = pytest.mark.parametrize("run", [TRANSPORTS[n] for n in STREAMING], ids=STREAMING)


def code(results: list[Json]) -> str:
    (result,) = results
    assert "data" not in result
    answer: str = result["errors"][0]["extensions"]["code"]
    return answer


@every
def test_a_query_is_answered_once(run: Run, url: str) -> None:
    request = {"query": "query ($n: String!) { hello(name: $n) }", "variables": {"n": "Ada ✓ 𝄞"}}
    assert run(url, request) == [{"data": {"hello": "hello Ada ✓ 𝄞"}}]


@every
def test_the_named_operation_runs(run: Run, url: str) -> None:
    query = 'query A { hello } query B { hello(name: "B") }'
    assert run(url, {"query": query, "operationName": "B"}) == [{"data": {"hello": "hello B"}}]


@every
def test_extensions_reach_the_resolver(run: Run, url: str) -> None:
    assert run(url, {"query": "{ extension }", "extensions": {"trace": "7"}}) == [{"data": {"extension": "7"}}]


@writing
def test_a_mutation_runs_once(run: Run, url: str, world: World) -> None:
    assert run(url, {"query": 'mutation { remember(word: "oak") }'}) == [{"data": {"remember": 1}}]
    assert world.words == ["oak"]


@streaming
def test_a_subscription_gives_every_item_in_order_and_completes(run: Run, url: str) -> None:
    results = run(url, {"query": "subscription ($to: Int!) { ticks(to: $to) { value actor } }", "variables": {"to": 3}})
    assert [result["data"]["ticks"] for result in results] == [{"value": n, "actor": "ada"} for n in (1, 2, 3)]


@streaming
def test_every_event_of_a_subscription_has_a_context_of_its_own(run: Run, url: str, world: World) -> None:
    run(url, {"query": "subscription { ticks(to: 3) { value } }"})
    assert world.contexts == 1 + 3


@every
@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"query": "{ hello"}, "BAD_INPUT"),
        ({"query": "{ nothing }"}, "BAD_INPUT"),
        ({"query": "{ hello(name: 7) }"}, "BAD_INPUT"),
        ({"query": "fragment F on Query { hello }"}, "BAD_INPUT"),
        ({"query": "type T { a: Int }"}, "BAD_INPUT"),
        ({"query": "query ($n: String!) { hello(name: $n) }"}, "BAD_INPUT"),
        ({"query": "query ($n: String!) { hello(name: $n) }", "variables": {"n": 7}}, "BAD_INPUT"),
        ({"query": "query A { hello } query B { hello }"}, "BAD_INPUT"),
        ({"query": "query A { hello }", "operationName": "C"}, "BAD_INPUT"),
        ({"query": "{" * 5_000}, "TOO_COMPLEX"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_request_that_cannot_run_says_why_and_has_no_data(run: Run, request_: Json, expected: str, url: str) -> None:
    assert code(run(url, request_)) == expected


@every
def test_a_refusal_in_a_resolver_has_its_code_and_path_beside_the_data(run: Run, url: str) -> None:
    (result,) = run(url, {"query": '{ hello fails(kind: "missing") }'})
    assert result["data"] == {"hello": "hello world", "fails": None}
    (error,) = result["errors"]
    assert (error["message"], error["extensions"], error["path"]) == ("no such thing", {"code": "NOT_FOUND"}, ["fails"])


@every
def test_a_bug_is_logged_once_and_the_client_gets_only_its_reference(
    run: Run, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    (result,) = run(url, {"query": '{ fails(kind: "bug") }'})
    error = result["errors"][0]
    reference = error["extensions"]["reference"]
    assert error["extensions"] == {"code": "INTERNAL", "reference": reference}
    assert error["message"] == f"internal error, reference {reference}"
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert reference in record.getMessage()
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ZeroDivisionError)


@every
def test_an_answer_that_does_not_fit_its_type_is_a_bug_and_is_not_shown(run: Run, url: str) -> None:
    (result,) = run(url, {"query": "{ wrong }"})
    assert result["data"] is None
    assert result["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert "secret" not in str(result)


@every
def test_null_for_an_argument_that_takes_none_is_the_callers_mistake(run: Run, url: str) -> None:
    query = "query ($first: Int = 5) { people(first: $first) { nodes { name } } }"
    (result,) = run(url, {"query": query, "variables": {"first": None}})
    assert result["errors"][0]["extensions"]["code"] == "BAD_INPUT"


@streaming
def test_a_subscription_that_is_refused_at_its_first_step_is_an_error(run: Run, url: str) -> None:
    assert code(run(url, {"query": "subscription { refused }"})) == "NOT_FOUND"


@streaming
@pytest.mark.parametrize(("kind", "expected"), [("lag", "LAGGED"), ("bug", "INTERNAL")])
def test_a_source_that_breaks_ends_the_subscription_with_an_error(run: Run, kind: str, expected: str, url: str) -> None:
    first, last = run(url, {"query": f'subscription {{ breaks(kind: "{kind}") }}'})
    assert first == {"data": {"breaks": 1}}
    assert code([last]) == expected
    assert not re.search("secret|Zero|Traceback", str(last))


@every
def test_the_introspection_query_of_tools_passes(run: Run, url: str) -> None:
    query = get_introspection_query(specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True)
    (result,) = run(url, {"query": query})
    assert "errors" not in result
    assert result["data"]["__schema"]["queryType"]["name"] == "Query"


def test_gql_speaks_to_both(url: str) -> None:
    http = Client(transport=HTTPXTransport(f"{url}/graphql", headers=AUTHORIZATION), fetch_schema_from_transport=True)
    assert http.execute(gql("{ hello }")) == {"hello": "hello world"}
    address = url.replace("http", "ws", 1) + "/graphql"

    async def follow() -> list[int]:  # the transport makes a loop of its own, and leaves it, where none runs
        transport = WebsocketsTransport(address, init_payload=AUTHORIZATION, subprotocols=["graphql-transport-ws"])
        async with Client(transport=transport) as sockets:
            return [
                item["ticks"]["value"]
                async for item in sockets.subscribe(gql("subscription { ticks(to: 3) { value } }"))
            ]

    values = asyncio.run(follow())
    assert values == [1, 2, 3]
