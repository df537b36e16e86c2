"""GraphQL over a WebSocket: the graphql-transport-ws sub-protocol, by its PROTOCOL.md, and no other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack, aclosing, suppress
from typing import Any

import msgspec
from graphql import OperationType
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.graphql.engine import Engine
from api.graphql.errors import Formatted, RequestError, internal, refusal
from api.graphql.frames import Close, end, leave, message_of, payload_of
from api.graphql.lease import Authenticate, credential_of, first_to_end, until_it_ends
from api.graphql.limits import Limits
from api.graphql.origins import welcomes
from api.graphql.sockets import Place, Sockets
from api.graphql.wire import GraphQLRequest, encode
from api.stopping import Answers, Stopping
from schema.graphql.context import Credential, Viewer
from schema.problems import BadInput, Problem, TooComplex, Unauthenticated, Unavailable

SUBPROTOCOL = "graphql-transport-ws"


class Endpoint:
    """`/graphql` for WebSockets. Pages of other origins need to be in `allowed_origins`, as CORS has it for HTTP."""

    def __init__(
        self,
        engine: Engine,
        authenticate: Authenticate,
        limits: Limits,
        sockets: Sockets,
        allowed_origins: Sequence[str],
        stopping: Stopping,
    ) -> None:
        self._engine = engine
        self._authenticate = authenticate
        self._limits = limits
        self._sockets = sockets
        self._stopping = stopping
        self._allowed_origins = frozenset(allowed_origins)

    async def handle(self, websocket: WebSocket) -> None:
        """Serve one socket to its end. HTTP 403 for a foreign origin, 4406 without the sub-protocol."""
        if not welcomes(websocket, self._allowed_origins):
            await websocket.close()  # before accepting: the handshake is answered 403
            return
        if SUBPROTOCOL not in websocket.scope["subprotocols"]:
            await websocket.accept()
            await end(websocket, Close(4406, "Subprotocol not acceptable"))
            return
        await websocket.accept(SUBPROTOCOL)
        parts = self._engine, self._authenticate, self._limits, self._sockets, self._stopping
        await Connection(websocket, *parts).serve()


class Connection:
    """One accepted socket: its viewer once it is known, and its live operations by their ids."""

    def __init__(
        self,
        websocket: WebSocket,
        engine: Engine,
        authenticate: Authenticate,
        limits: Limits,
        sockets: Sockets,
        stopping: Stopping,
    ) -> None:
        self._websocket = websocket
        self._engine = engine
        self._authenticate = authenticate
        self._limits = limits
        self._sockets = sockets
        self._stopping = stopping
        self._answers = Answers()
        self._place: Place | None = None
        self._initialised = asyncio.Event()
        self._acknowledged = asyncio.Event()
        self._authorization: str | None = None
        self._viewer: Viewer | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._finishing: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Read and answer until either side closes; every operation's source is closed before this returns."""
        close: Close | None = None
        try:
            leave_taken = leave(self._stopping, self._answers)
            await first_to_end(self._read(), self._expect_init(), self._expire(), leave_taken)
        except Close as reason:
            close = reason
        except WebSocketDisconnect:
            close = None  # nobody is left to answer
        except Exception as error:
            close = Close(1011, internal(error)["message"])
        finally:
            if self._place is not None:
                self._place.leave()
            await self._cancel(*self._operations.values(), *self._finishing)
        if close is not None:
            await end(self._websocket, close)

    async def _read(self) -> None:
        while True:
            await self._handle(message_of(await self._receive()))

    async def _receive(self) -> str:
        event = await self._websocket.receive()
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(event.get("code", 1006), event.get("reason"))
        text: str | None = event.get("text")
        if text is None:
            raise Close(4400, "Messages must be text")
        if len(text) > self._limits.body_bytes:
            raise Close(1009, f"Message longer than {self._limits.body_bytes} bytes")
        return text

    async def _expect_init(self) -> None:
        try:
            async with asyncio.timeout(self._limits.init_seconds):
                await self._initialised.wait()
        except TimeoutError:
            raise Close(4408, "Connection initialisation timeout") from None
        await asyncio.Event().wait()  # for ever: the race is over when another ends it

    async def _expire(self) -> None:
        await self._acknowledged.wait()
        viewer, recheck = self._known_viewer(), self._limits.recheck_seconds
        why = await until_it_ends(self._authenticate, self._authorization, viewer, recheck=recheck)
        raise Close(4403, f"Forbidden: {why}")

    async def _handle(self, message: dict[str, Any]) -> None:
        match message:
            case {"type": "connection_init"}:
                await self._init(message.get("payload"))
            case {"type": "ping"}:
                await self._send({"type": "pong", **payload_of(message)})
            case {"type": "pong"}:
                pass  # unsolicited pongs may serve as a heartbeat and need no answer
            case {"type": "subscribe", "id": str(operation), "payload": dict(payload)} if operation:
                await self._subscribe(operation, payload)
            case {"type": "complete", "id": str(operation)}:
                self._complete(operation)
            case {"type": str(kind)}:
                raise Close(4400, f"Invalid message of type {kind!r}")
            case _:
                raise Close(4400, "Invalid message: no type")

    async def _init(self, payload: Any) -> None:
        if self._initialised.is_set():
            raise Close(4429, "Too many initialisation requests")
        self._initialised.set()
        if payload is not None and not isinstance(payload, dict):
            raise Close(4400, "Invalid connection_init payload")
        credential = self._credential(payload or {})
        self._authorization = credential.authorization
        try:
            self._viewer = await self._authenticate(credential)
            self._place = self._sockets.take(self._viewer)
        except Unauthenticated as problem:
            raise Close(4403, f"Forbidden: {problem}") from None
        except Problem as problem:
            raise Close(1013, str(problem)) from None  # "try again later"
        await self._send({"type": "connection_ack"})
        self._acknowledged.set()

    def _credential(self, payload: dict[str, Any]) -> Credential:
        """From the payload, whatever the key's case, else from the handshake, where browsers cannot put one."""
        given = next((value for key, value in payload.items() if key.lower() == "authorization"), None)
        credential = credential_of(self._websocket)
        return credential._replace(authorization=given) if isinstance(given, str) else credential

    async def _subscribe(self, operation: str, payload: dict[str, Any]) -> None:
        viewer = self._known_viewer()
        if operation in self._operations:
            raise Close(4409, f"Subscriber for {operation} already exists")
        if max(len(self._operations), len(self._finishing)) >= self._limits.operations:
            too_many = TooComplex(f"operations: at most {self._limits.operations} at once on one socket")
            await self._refuse(operation, too_many)
            return
        if self._stopping.asked:
            await self._refuse(operation, Unavailable("the server is stopping; connect again, and send it there"))
            return
        self._operations[operation] = asyncio.create_task(self._run(operation, payload, viewer))

    async def _refuse(self, operation: str, problem: Problem) -> None:
        await self._send({"id": operation, "type": "error", "payload": [refusal(problem)]})

    def _known_viewer(self) -> Viewer:
        if self._viewer is None:
            raise Close(4401, "Unauthorized")
        return self._viewer

    async def _run(self, operation: str, payload: dict[str, Any], viewer: Viewer) -> None:
        """One operation, to its `complete` or `error`. A server that stops waits for all but subscriptions."""
        with ExitStack() as owed:
            errors = await self._results(operation, payload, viewer, owed)
            if self._operations.get(operation) is not asyncio.current_task():
                return  # the client completed it, and may have used the id again
            del self._operations[operation]  # its id is free before the client hears the last of it
            last = {"type": "error", "payload": errors} if errors else {"type": "complete"}
            await self._send({"id": operation, **last})

    async def _results(
        self, operation: str, payload: dict[str, Any], viewer: Viewer, owed: ExitStack
    ) -> list[Formatted]:
        try:
            prepared = self._engine.prepare(GraphQLRequest.of(payload, "the payload"))
            if prepared.kind is not OperationType.SUBSCRIPTION:
                owed.enter_context(self._answers.owing())
                owed.enter_context(self._stopping.answers.owing())
            async with aclosing(self._engine.stream(prepared, viewer)) as responses:
                async for response in responses:
                    await self._send({"id": operation, "type": "next", "payload": msgspec.Raw(encode(response))})
        except RequestError as error:
            return error.errors
        except BadInput as problem:
            return [refusal(problem)]
        except Exception as error:
            return [internal(error)]
        return []

    def _complete(self, operation: str) -> None:
        """Stop an operation. An id that is unknown or has finished is ignored: the messages may have crossed."""
        task = self._operations.pop(operation, None)
        if task is not None:
            task.cancel()
            self._finishing.add(task)
            task.add_done_callback(self._finishing.discard)

    async def _cancel(self, *tasks: asyncio.Task[None]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, message: dict[str, Any]) -> None:
        text = msgspec.json.encode(message).decode()  # str: bytes would make it a binary frame
        with suppress(RuntimeError, WebSocketDisconnect):  # closed meanwhile: the reader learns it and ends everything
            await self._websocket.send_text(text)
