"""Responses as server-sent events: graphql-sse's distinct connections mode."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import aclosing, suppress
from typing import Any

from starlette.types import Receive, Scope, Send

from api.graphql.engine import Response, Responses
from api.graphql.errors import RequestError, internal
from api.graphql.lease import first_to_end
from api.graphql.sockets import Place
from api.graphql.wire import encode
from api.peers import cut
from schema.problems import Unauthenticated

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),  # nginx would hold events back
]
COMPLETE = b"event: complete\ndata:\n\n"
RETRY = 500, 3000  # milliseconds after a stop, between which streams are told to come back, and not all at once
LAST_SECONDS = 1.0  # for the last words to go: a server that stops has others to tell, and a lease that ended is over
HEARTBEAT = b":\n\n"  # a comment, by the event stream's grammar; it also finds clients that vanished


class _Stopped(Exception):
    """The server is asked to stop."""


class EventStream:
    """An ASGI response: a `next` event a response, then `complete`; a comment every `heartbeat` seconds.

    A RequestError of the stream is a `next` event with its errors (PROTOCOL.md, distinct connections mode, 2). When the
    client goes away, or `lease` or `stopping` returns, the stream is closed before this returns. The end of the lease
    is told as an error, saying why; a server that stops tells when to reconnect, and does not complete: that is for
    subscriptions, and for others `stopping` never returns. A client that does not take these last words has its
    connection cut.
    """

    def __init__(
        self,
        responses: Responses,
        *,
        heartbeat: float,
        lease: Callable[[], Coroutine[Any, Any, str]],
        stopping: Callable[[], Coroutine[Any, Any, None]],
        headers: dict[str, str] | None = None,
        place: Place | None = None,
    ) -> None:
        self._responses = responses
        self._heartbeat = heartbeat
        self._lease = lease
        self._stopping = stopping
        self._place = place
        self._complete = False
        self._headers = [*HEADERS, *((name.encode(), value.encode()) for name, value in (headers or {}).items())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream, and give its place back, whatever happens."""
        try:
            await self._serve(scope, receive, send)
        finally:
            if self._place is not None:
                self._place.leave()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        try:
            await first_to_end(self._write(send), self._beat(send), *self._ends(receive))
            # However long the client takes for what is on its way
            await first_to_end(self._end(send, COMPLETE), *self._ends(receive))
            return
        except _Stopped:  # not complete: the client is to come back, and resumes from its last event's id
            last = b"retry: %d\n\n" % random.randint(*RETRY)  # noqa: S311  # no secret
        except RequestError as error:
            last = _event({"errors": error.errors}) + COMPLETE
        except Exception as error:  # the status is sent; only the stream can still tell the client
            last = _event({"errors": [internal(error)]}) + COMPLETE
        if not self._complete:
            await self._end_in_time(scope, receive, send, last)

    def _ends(self, receive: Receive) -> tuple[Coroutine[Any, Any, None], ...]:
        return _disconnected(receive), self._expire(), self._stop()

    async def _end(self, send: Send, chunk: bytes) -> None:
        await send({"type": "http.response.body", "body": chunk, "more_body": False})
        self._complete = True

    async def _end_in_time(self, scope: Scope, receive: Receive, send: Send, chunk: bytes) -> None:
        """The last words. A client that does not take them is not waited for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                await self._end(send, chunk)
                return
        cut(scope)
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                await _disconnected(receive)  # the server knows then that nothing is missing

    async def _write(self, send: Send) -> None:
        async with aclosing(self._responses) as responses:
            async for response in responses:
                await _body(send, _event(response))

    async def _expire(self) -> None:
        raise RequestError.of(Unauthenticated(await self._lease()))

    async def _stop(self) -> None:
        await self._stopping()
        raise _Stopped

    async def _beat(self, send: Send) -> None:
        while True:
            await asyncio.sleep(self._heartbeat)
            await _body(send, HEARTBEAT)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def _body(send: Send, chunk: bytes) -> None:
    await send({"type": "http.response.body", "body": chunk, "more_body": True})


def _event(response: Response) -> bytes:
    cursor = _cursor(response.get("data"))
    return (b"id: %s\n" % cursor if cursor else b"") + b"event: next\ndata: %s\n\n" % encode(response)


def _cursor(data: Any) -> bytes | None:
    """The `cursor` selected right beneath a root field: what a client that reconnects sends as Last-Event-ID."""
    if not isinstance(data, dict):
        return None
    for member in data.values():
        cursor = member.get("cursor") if isinstance(member, dict) else None
        if isinstance(cursor, str) and cursor.isprintable():
            return cursor.encode()
    return None
