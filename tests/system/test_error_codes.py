"""Every error of every transport carries one of the contract's codes: bad requests of all kinds, on a real server."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from tests.api.graphql.clients import events, socket
from tests.processes import KEY
from tests.system.directory import AUTHORIZATION, Json
from tests.system.served import Served

# The contract's list, without INTERNAL: nothing a client sends may be a bug of ours.
CODES = set(
    "UNAUTHENTICATED FORBIDDEN NOT_FOUND BAD_INPUT CONFLICT CURSOR_EXPIRED LAGGED TOO_COMPLEX UNAVAILABLE".split()
)
MAP = 'mutation { mapGroup(groupId: "x", role: "y") { version } }'
USERS = (
    'query ($first: Int!, $after: String) { users(organizationId: "x", first: $first, after: $after) { totalCount } }'
)
BAD: dict[str, Json] = {
    "nothing": {},
    "a query that is none": {"query": 7},
    "an empty query": {"query": ""},
    "a syntax error": {"query": "{ viewer "},
    "an unknown field": {"query": "{ nothing }"},
    "no selection": {"query": "{ viewer }"},
    "a missing argument": {"query": "{ user { id } }"},
    "a fragment that is nowhere": {"query": "{ ...F }"},
    "a cycle of fragments": {"query": "{ ...F } fragment F on Query { ...F }"},
    "an operation that is not there": {"query": "query A { viewer { mayWrite } }", "operationName": "B"},
    "several operations": {"query": "query A { viewer { mayWrite } } query B { viewer { mayWrite } }"},
    "only a type": {"query": "type A { b: Int }"},
    "a missing variable": {"query": USERS},
    "a variable of another type": {"query": USERS, "variables": {"first": "ten"}},
    "a variable beyond an Int": {"query": USERS, "variables": {"first": 2**40}},
    "variables that are a list": {"query": USERS, "variables": [1]},
    "extensions that are text": {"query": USERS, "extensions": "x"},
    "an operation's name that is none": {"query": USERS, "operationName": 7},
    "a page of none": {"query": USERS, "variables": {"first": 0}},
    "a page of too many": {"query": USERS, "variables": {"first": 201}},
    "a page after nonsense": {"query": USERS, "variables": {"first": 1, "after": "nonsense"}},
    "a cursor that is none": {"query": '{ changes(organizationId: "x", after: "nonsense") { totalCount } }'},
    "a time that is none": {"query": '{ check(userId: "x", permission: "y", at: "then") { allowed } }'},
    "a user that is not there": {"query": '{ check(userId: "x", permission: "y") { allowed } }'},
    "an organization that is not there": {"query": '{ mappings(organizationId: "x") { id } }'},
    "a group that is not there": {"query": MAP},
    "an id with half a character": {"query": "query ($id: ID!) { user(id: $id) { id } }", "variables": {"id": [1]}},
    "a name that is none": {"query": 'mutation { createRole(input: {name: "not a name"}) { cursor } }'},
    "a default that is not there": {"query": 'mutation { setDefaultRoles(input: {member: "x"}) { name } }'},
    "too deep": {"query": "{ roles " + "{ extends " * 30 + "{ name }" + "}" * 30 + " }"},
    "too many": {"query": "{" + " viewer" * 6_000 + "}"},
    "too long": {"query": "#" * 200_000},
    "brackets": {"query": "{" * 1_000},
    "a hash alone": {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}},
    "a persisted query that is none": {"extensions": {"persistedQuery": 7}},
    "a subscription's cursor that is none": {"query": 'subscription { roleChanges(after: "x") { kind } }'},
    "a subscription for nobody there": {"query": 'subscription { userRoles(userId: "x") { cursor } }'},
    "an unknown subscription": {"query": "subscription { nothing }"},
    "two root fields of a subscription": {"query": "subscription { a: roleChanges { kind } b: roleChanges { kind } }"},
}


def over_http(served: Served, request: Json, accept: str) -> Json:
    answer = served.client.post("/graphql", json=request, headers=AUTHORIZATION | {"Accept": accept})
    assert answer.status_code < 500, answer.text
    result: Json = answer.json()
    return result


def over_get(served: Served, request: Json) -> Json:
    params = {name: value if isinstance(value, str) else json.dumps(value) for name, value in request.items()}
    try:
        answer = served.client.get("/graphql", params=params, headers=AUTHORIZATION)
    except (httpx.RemoteProtocolError, httpx.InvalidURL):  # longer than an address may be
        return over_http(served, request, "*/*")
    if answer.status_code in (400, 414) and "errors" not in answer.text:
        return over_http(served, request, "*/*")  # uvicorn's own refusal of an address that long
    assert answer.status_code < 500, answer.text
    result: Json = answer.json()
    return result


def over_sse(served: Served, request: Json) -> Json:
    given = AUTHORIZATION | {"Accept": "text/event-stream"}
    with served.client.stream("POST", "/graphql", json=request, headers=given) as answer:
        if answer.headers["content-type"].startswith("text/event-stream"):
            first = next(event for event in events(answer) if event.get("event") == "next")
            streamed: Json = json.loads(first["data"])
            return streamed
        assert 400 <= answer.status_code < 500
        refused: Json = json.loads(answer.read())
        return refused


def over_websocket(served: Served, request: Json) -> Json:
    with socket(served.url, token=KEY) as client:
        client.send({"id": "1", "type": "subscribe", "payload": request})
        message = client.receive()
        payload = message["payload"]
        return {"errors": payload} if message["type"] == "error" else payload


TRANSPORTS: dict[str, Callable[[Served, Json], Json]] = {
    "POST": lambda served, request: over_http(served, request, "application/graphql-response+json"),
    "POST of old": lambda served, request: over_http(served, request, "application/json"),
    "GET": over_get,
    "SSE": over_sse,
    "WebSocket": over_websocket,
}


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("what", BAD)
def test_every_error_has_a_code_of_the_contract(what: str, transport: str, junk_server: Served) -> None:
    result = TRANSPORTS[transport](junk_server, BAD[what])
    assert result["errors"], result
    for error in result["errors"]:
        assert error["message"]
        assert error["extensions"]["code"] in CODES, error


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "UNAUTHENTICATED"),
        ({"Authorization": "Bearer nobody"}, 401, "UNAUTHENTICATED"),
        (AUTHORIZATION | {"Accept": "image/png"}, 406, "BAD_INPUT"),
        (AUTHORIZATION | {"Content-Type": "text/plain"}, 415, "BAD_INPUT"),
        (AUTHORIZATION | {"Content-Encoding": "br"}, 415, "BAD_INPUT"),
        (AUTHORIZATION | {"Idempotency-Key": "two words"}, 400, "BAD_INPUT"),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_so_has_every_refusal_of_http(headers: dict[str, str], status: int, code: str, junk_server: Served) -> None:
    given = {"Content-Type": "application/json"} | headers
    answer = junk_server.client.post("/graphql", content=json.dumps({"query": MAP}), headers=given)
    assert answer.status_code == status
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == [code]
