"""What goes over a WebSocket besides results: a message's shape, and the codes that end it."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from api.graphql.wire import decode
from api.peers import cut
from api.stopping import Answers, Stopping
from schema.problems import BadInput

AGAIN = 0.5, 3.0  # seconds after a stop, between which sockets are told to come back
CLOSE_SECONDS = 3.0  # for the client to take the close frame and answer it


class Close(Exception):
    """End the socket with one of the protocol's close codes."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:120].decode(errors="ignore")  # RFC 6455, 5.5: a control frame has 125 bytes


async def end(websocket: WebSocket, close: Close) -> None:
    """Close, and say why. A client that does not take it, or does not close its own side, is not waited for."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            with suppress(RuntimeError, WebSocketDisconnect):  # closed meanwhile
                await websocket.close(close.code, close.reason)
    except TimeoutError:
        cut(websocket.scope)


async def leave(stopping: Stopping, answers: Answers) -> None:
    """When the server stops: raise Close 1001 once the `answers` that this socket is owed were given.

    Each socket hears of a moment of its own to come back, and not all come at once.
    """
    await stopping.wait()
    await answers.given()
    raise Close(1001, f"Going away: connect again in {random.uniform(*AGAIN):.1f} s")  # noqa: S311  # no secret


def message_of(text: str) -> dict[str, Any]:
    """A message, which is a JSON object. Raises Close 4400 for anything else."""
    try:
        message = decode(text, "a message")
    except BadInput as problem:
        raise Close(4400, f"Invalid message: {problem}") from None
    if not isinstance(message, dict):
        raise Close(4400, "Invalid message: not a JSON object")
    return message


def payload_of(message: dict[str, Any]) -> dict[str, Any]:
    """The payload to send back with an answer, where there is one."""
    return {"payload": message["payload"]} if isinstance(message.get("payload"), dict) else {}
