"""Clients of the three transports that give a test the same thing: the responses of one operation, in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

Json = dict[str, Any]
AUTHORIZATION = {"Authorization": "Bearer good"}
WITHIN = 5.0


def post(url: str, request: Any, **headers: str) -> httpx.Response:
    """POST a JSON body with a good credential, unless `headers` (underscores for hyphens) say otherwise."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(f"{url}/graphql", json=request, headers=AUTHORIZATION | given, timeout=WITHIN)


def events(response: httpx.Response) -> Iterator[Json]:
    """Parse an event stream by the HTML standard's grammar, as far as it is used; comments are `{"comment": …}`."""
    event: Json = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(":")
            event[name or "comment"] = value.removeprefix(" ")
        else:
            yield event
            event = {}


@contextmanager
def stream(url: str, request: Json, **headers: str) -> Iterator[Iterator[Json]]:
    given = AUTHORIZATION | {"Accept": "text/event-stream"} | {k.replace("_", "-"): v for k, v in headers.items()}
    with httpx.stream("POST", f"{url}/graphql", json=request, headers=given, timeout=WITHIN) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        yield events(response)


class Socket:
    """A raw graphql-transport-ws client: sends and receives frames, and knows how the server closed."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    def send(self, message: Any) -> None:
        self._connection.send(message if isinstance(message, (str, bytes)) else json.dumps(message))

    def receive(self) -> Json:
        frame = self._connection.recv(timeout=WITHIN)
        assert isinstance(frame, str), "frames must be text"
        message: Json = json.loads(frame)
        return message

    def closed(self) -> int:
        """The close code, once it arrives; anything before it is skipped."""
        try:
            while True:
                self._connection.recv(timeout=WITHIN)
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd else 1006

    def subscribe(self, query: str, id: str = "1", **payload: Any) -> None:
        self.send({"id": id, "type": "subscribe", "payload": {"query": query, **payload}})


@contextmanager
def socket(
    url: str, token: str | None = "good", subprotocol: str = "graphql-transport-ws", **options: Any
) -> Iterator[Socket]:
    """A socket that was acknowledged; with `token=None`, one that has sent nothing yet."""
    address = url.replace("http", "ws", 1) + "/graphql"
    options = {"close_timeout": WITHIN} | options
    with connect(address, subprotocols=[Subprotocol(subprotocol)], **options) as connection:
        client = Socket(connection)
        if token is not None:
            client.send({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
            assert client.receive() == {"type": "connection_ack"}
        yield client


def over_post(url: str, request: Json) -> list[Json]:
    response = post(url, request, Accept="application/graphql-response+json")
    return [response.json()]


def over_get(url: str, request: Json) -> list[Json]:
    params = {name: value if isinstance(value, str) else json.dumps(value) for name, value in request.items()}
    return [httpx.get(f"{url}/graphql", params=params, headers=AUTHORIZATION).json()]


def over_sse(url: str, request: Json) -> list[Json]:
    with stream(url, request) as received:
        *results, last = received
    assert last == {"event": "complete", "data": ""}
    assert {event["event"] for event in results} <= {"next"}
    return [json.loads(event["data"]) for event in results]


def over_websocket(url: str, request: Json) -> list[Json]:
    results: list[Json] = []
    with socket(url) as client:
        client.send({"id": "1", "type": "subscribe", "payload": request})
        while (message := client.receive())["type"] == "next":
            results.append(message["payload"])
        if message["type"] == "error":
            results.append({"errors": message["payload"]})
        return results


TRANSPORTS = {"POST": over_post, "GET": over_get, "SSE": over_sse, "WebSocket": over_websocket}
