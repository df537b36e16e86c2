"""A tiny HTTP/1.1 client on bare connections, so that what is measured is the server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import NamedTuple, cast

END = b"\r\n\r\n"
LENGTH = b"content-length: "
PATIENCE = 20.0  # seconds for one answer; longer is a failed measurement


class Answer(NamedTuple):
    """What came back; `at` is time.perf_counter() when its last byte was read."""

    status: int
    body: bytes
    at: float


def post(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """The bytes of a POST of JSON."""
    fixed = {"host": "127.0.0.1", "content-type": "application/json", "content-length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in (fixed | dict(headers)).items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


class Connection(asyncio.Protocol):
    """One kept-alive connection with one request at a time, to a server that always sends content-length."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._received = b""

    @classmethod
    async def open(cls, port: int) -> Connection:
        """Connect to this port of the loopback."""
        loop = asyncio.get_running_loop()
        _, connection = await asyncio.wait_for(loop.create_connection(cls, "127.0.0.1", port), PATIENCE)
        return connection

    async def ask(self, request: bytes) -> Answer:
        """Send a request, and wait for its answer as long as the caller's time limit allows."""
        if self._transport is None:
            raise ConnectionError("the connection is closed")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = self._received.find(END)
        if head < 0:
            return
        start = self._received.find(LENGTH, 0, head + 2) + len(LENGTH)
        end = head + len(END) + int(self._received[start : self._received.find(b"\r\n", start)])
        if len(self._received) < end:
            return
        answer = Answer(int(self._received[9:12]), self._received[head + len(END) : end], time.perf_counter())
        self._received = self._received[end:]
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionError("the server hung up"))
