"""Subscribers that never read: the window of their connection is soon full, and it stays so."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from urllib.parse import urlsplit

from tests.system.directory import AUTHORIZATION, ORGANIZATION, Json
from tests.system.wire import frame, request, upgrade

WIDE = """subscription ($organization: ID) { roleChanges(organizationId: $organization) {
    cursor kind userId roleName role { description } } }"""
FOLLOW = {"query": WIDE, "variables": {"organization": ORGANIZATION}}
SMALL = 4096  # bytes: what the kernel of the subscriber may hold
WITHIN = 10.0


def connected(url: str) -> socket.socket:
    """A connection whose window is soon full."""
    where = urlsplit(url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    connection.settimeout(WITHIN)
    connection.connect((where.hostname, where.port))
    return connection


def socket_that_asks(url: str, payload: Json, credential: dict[str, str]) -> socket.socket:
    """A WebSocket that asks, and does not read on."""
    connection = connected(url)
    connection.sendall(upgrade())
    assert b"101" in connection.recv(1000)
    connection.sendall(frame(json.dumps({"type": "connection_init", "payload": credential})))
    assert b"connection_ack" in connection.recv(1000)
    connection.sendall(frame(json.dumps({"type": "subscribe", "id": "1", "payload": payload})))
    return connection


def stream_that_asks(url: str, payload: Json, credential: dict[str, str]) -> socket.socket:
    """An event stream that asks, and does not read on."""
    connection = connected(url)
    fields = {"accept": "text/event-stream", "content-type": "application/json"} | credential
    connection.sendall(request("POST", list(fields.items()), json.dumps(payload).encode(), "/graphql"))
    assert b"200 OK" in connection.recv(1000)
    return connection


@contextmanager
def sleepers(url: str, each: int) -> Iterator[int]:
    """So many over each transport; gives how many there are. They close with the block."""
    with ExitStack() as stack:
        for _ in range(each):
            stack.enter_context(closing(socket_that_asks(url, FOLLOW, AUTHORIZATION)))
            stack.enter_context(closing(stream_that_asks(url, FOLLOW, AUTHORIZATION)))
        yield 2 * each
