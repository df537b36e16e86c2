"""Subscribers over each transport, that read one change after the other and may stop at any moment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from tests.api.graphql.clients import Socket, socket, stream
from tests.processes import KEY
from tests.system.directory import AUTHORIZATION, Json

CHANGES = """subscription ($organization: ID, $user: ID, $roles: [String!], $after: Cursor) {
    roleChanges(organizationId: $organization, userId: $user, roles: $roles, after: $after) {
        cursor kind userId roleName } }"""


def results(client: Socket, id: str = "1") -> Iterator[Json]:
    """The payloads of one operation as they come; an error is a payload with `errors`, and the last."""
    while (message := client.receive())["type"] == "next":
        assert message["id"] == id, message
        yield message["payload"]
    if message["type"] == "error":
        yield {"errors": message["payload"]}


@contextmanager
def over_websocket(url: str, query: str, **variables: object) -> Iterator[Iterator[Json]]:
    """Subscribe by graphql-transport-ws, written by hand."""
    with socket(url, token=KEY) as client:
        client.subscribe(query, variables=variables)
        yield results(client)


@contextmanager
def over_sse(url: str, query: str, **variables: object) -> Iterator[Iterator[Json]]:
    """Subscribe by server-sent events."""
    with stream(url, {"query": query, "variables": variables}, **AUTHORIZATION) as events:
        yield (json.loads(event["data"]) for event in events if event.get("event") == "next")


Follow = Callable[..., AbstractContextManager[Iterator[Json]]]
TRANSPORTS: dict[str, Follow] = {"WebSocket": over_websocket, "SSE": over_sse}


def changes(payloads: Iterator[Json]) -> Iterator[Json]:
    """The changes in the payloads of CHANGES."""
    for payload in payloads:
        assert "errors" not in payload, payload
        yield payload["data"]["roleChanges"]


def code(payload: Json) -> str:
    """The code of a refusal."""
    found: str = payload["errors"][0]["extensions"]["code"]
    return found
