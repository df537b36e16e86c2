"""Requests as bytes on a socket, for what no well-meant client would send."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit

WITHIN = 15.0  # seconds


class Answer(NamedTuple):
    """What a server wrote back; status 0 when it closed without a word."""

    status: int
    body: bytes


def request(method: str, fields: list[tuple[str, str]], body: bytes, path: str = "/webhook") -> bytes:
    """A request, with a Content-Length unless the fields have one. Values go out as Latin-1."""
    given = {name.lower() for name, _ in fields}
    if "content-length" not in given:
        fields = [*fields, ("content-length", str(len(body)))]
    return _head(method, path, fields) + body


def chunked(fields: list[tuple[str, str]], body: bytes, path: str = "/webhook", size: int = 60_000) -> bytes:
    """A POST in chunks."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return _head("POST", path, [*fields, ("transfer-encoding", "chunked")]) + chunks + b"0\r\n\r\n"


def _head(method: str, path: str, fields: list[tuple[str, str]]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: rolecast.example", "connection: close"]
    lines += [f"{name}: {value}" for name, value in fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def exchange(url: str, sent: bytes) -> Answer:
    """Send bytes on a new connection, and read what comes until the server closes it."""
    where = urlsplit(url)
    received = bytearray()
    with socket.create_connection((where.hostname, where.port), timeout=WITHIN) as connection:
        # Refused before all of it was sent, the answer may be there all the same; bytes of ours that nobody read make
        # the kernel reset the connection, and what came before is kept.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(sent)
        with suppress(ConnectionResetError):
            while chunk := connection.recv(65536):
                received += chunk
    return _parse(bytes(received))


def _parse(received: bytes) -> Answer:
    head, _, body = received.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    return Answer(int(words[1]) if len(words) > 1 and words[1].isdigit() else 0, body)


class Vanishing:
    """A subscriber on a bare socket, that goes without a word: the kernel resets its connection, as of a killed one."""

    def __init__(self, url: str, sent: dict[bytes, bytes]) -> None:
        """Each request is sent once its forerunner's answer has the bytes that belong to it."""
        where = urlsplit(url)
        self._connection = socket.create_connection((where.hostname, where.port), timeout=WITHIN)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for each, answer in sent.items():
            self._connection.sendall(each)
            assert not answer or answer in self._connection.recv(65536)

    def vanish(self) -> None:
        self._connection.close()


def upgrade(path: str = "/graphql") -> bytes:
    """A WebSocket handshake for graphql-transport-ws."""
    fields = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "c2l4dGVlbiBieXRlcyEhIQ==",
        "sec-websocket-protocol": "graphql-transport-ws",
    }
    lines = [f"GET {path} HTTP/1.1", "host: rolecast.example", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def frame(text: str) -> bytes:
    """A WebSocket text frame, masked with zeros (RFC 6455, 5.2)."""
    payload = text.encode()
    length = struct.pack(">BH", 0x80 | 126, len(payload)) if len(payload) > 125 else bytes((0x80 | len(payload),))
    return b"\x81" + length + b"\0\0\0\0" + payload
