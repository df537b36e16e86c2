"""GraphQL over HTTP: one request in, one JSON response or one event stream out."""

from __future__ import annotations

from functools import partial
from typing import Any

from graphql import OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from api.bodies import read_body
from api.graphql.engine import Asked, Engine, Operation, Responses
from api.graphql.engine import Response as GraphQLResponse
from api.graphql.errors import RequestError, internal, refusal
from api.graphql.idempotency import Caller, Idempotency, key_of
from api.graphql.lease import Authenticate, credential_of, never, until_it_ends
from api.graphql.limits import Limits
from api.graphql.negotiation import EVENT_STREAM, JSON, RESPONSE_JSON, Accepted, negotiate
from api.graphql.sockets import Place, Sockets
from api.graphql.sse import EventStream
from api.graphql.wire import GraphQLRequest, decode, encode
from api.stopping import Stopping
from schema.cursors import reached_by
from schema.graphql.context import Viewer
from schema.problems import BadInput, Problem, TooManyAttempts, Unauthenticated, Unavailable

AT_LEAST = "rolecast-at-least"  # the cursor of what the client has seen: a replica that is behind it is not read


class NotAcceptable(BadInput):
    """The Accept header leaves nothing that can be answered (RFC 9110, 15.5.7)."""

    status = 406


class MethodNotAllowed(BadInput):
    """A mutation by GET (GraphQL over HTTP 5.3), or a method that GraphQL has no use for."""

    status = 405

    def __init__(self, message: str, *, allow: str = "POST") -> None:
        super().__init__(message)
        self.allow = allow


class UnsupportedMediaType(BadInput):
    """A body in anything but plain JSON."""

    status = 415


class Endpoint:
    """`/graphql` for GET, HEAD and POST.

    Cross-site requests cannot act: the credential is a header that browsers never add by themselves, POST takes only
    application/json (which a page on another origin cannot send without a CORS preflight), and GET never mutates.
    """

    def __init__(
        self,
        engine: Engine,
        authenticate: Authenticate,
        limits: Limits,
        sockets: Sockets,
        stopping: Stopping,
        idempotency: Idempotency | None = None,
    ) -> None:
        self._engine = engine
        self._authenticate = authenticate
        self._limits = limits
        self._sockets = sockets
        self._stopping = stopping
        self._idempotency = idempotency

    async def handle(self, request: Request) -> Response | EventStream:
        """Answer. A refusal of the request itself has its status; GraphQL's request errors have it by media type."""
        negotiated = _negotiated(request)
        accepted = negotiated or Accepted(RESPONSE_JSON)
        try:
            # Before all else: who does not belong here learns nothing of how requests are read
            viewer = await self._authenticate(credential_of(request))
            if negotiated is None:
                raise NotAcceptable(f"this answers with {RESPONSE_JSON}, {JSON} or {EVENT_STREAM}")
            if request.method not in ("GET", "HEAD", "POST"):
                raise MethodNotAllowed("GraphQL is asked by GET or POST", allow="GET, HEAD, POST")
            graphql = _from_url(request) if request.method != "POST" else await self._from_body(request)
            return await self._answer(request, graphql, viewer, accepted)
        except RequestError as error:
            # GraphQL over HTTP 6.4: application/json says 200 to every well-formed request
            return _json({"errors": error.errors}, accepted, 200 if accepted.json == JSON else error.status)
        except Problem as problem:
            return refused(problem, accepted)
        except ClientDisconnect:
            return Response(status_code=400)  # to nobody
        except Exception as error:
            return _json({"errors": [internal(error)]}, accepted, 500)

    async def _answer(
        self, request: Request, graphql: GraphQLRequest, viewer: Viewer, accepted: Accepted
    ) -> Response | EventStream:
        try:
            operation = self._engine.prepare(graphql, request.headers)
            if operation.kind is OperationType.MUTATION and request.method != "POST":
                raise MethodNotAllowed("mutations need POST")
            if operation.kind is OperationType.MUTATION and (key := key_of(request.headers.getlist("idempotency-key"))):
                return await self._answer_once(request, operation, viewer, accepted, key)
        except RequestError as error:
            if accepted.prefers_stream:
                return self._stream(request, _one({"errors": error.errors}), viewer)
            raise
        asked = _asked(request)
        if accepted.prefers_stream or (accepted.streams and operation.kind is OperationType.SUBSCRIPTION):
            place = self._sockets.take(viewer)
            responses = self._engine.stream(operation, viewer, asked)
            live = operation.kind is OperationType.SUBSCRIPTION
            return self._stream(request, responses, viewer, place=place, live=live)
        if operation.kind is OperationType.SUBSCRIPTION:
            raise BadInput("subscriptions need a WebSocket (graphql-transport-ws) or Accept: text/event-stream")
        return _json(await self._engine.answer(operation, viewer, asked), accepted)

    async def _answer_once(
        self, request: Request, operation: Operation, viewer: Viewer, accepted: Accepted, key: str
    ) -> Response | EventStream:
        """Run a mutation under its Idempotency-Key. One that may write nothing is refused alike each time, without."""
        if self._idempotency is None or not viewer.may_write:
            response, replayed = await self._engine.answer(operation, viewer, _asked(request)), False
        else:
            caller = Caller.of(viewer, request.headers.get("authorization"))
            response, replayed = await self._idempotency.answer(operation, viewer, caller, key, _asked(request))
        headers = {"idempotency-replayed": "true"} if replayed else {}
        if accepted.prefers_stream:
            return self._stream(request, _one(response), viewer, headers)
        return _json(response, accepted, headers=headers)

    def _stream(
        self,
        request: Request,
        responses: Responses,
        viewer: Viewer,
        headers: dict[str, str] | None = None,
        place: Place | None = None,
        live: bool = False,
    ) -> EventStream:
        authorization = request.headers.get("authorization")
        lease = partial(until_it_ends, self._authenticate, authorization, viewer, recheck=self._limits.recheck_seconds)
        return EventStream(
            responses,
            heartbeat=self._limits.heartbeat_seconds,
            lease=lease,
            stopping=self._stopping.wait if live else never,  # an answer that is owed is given
            headers=headers,
            place=place,
        )

    async def _from_body(self, request: Request) -> GraphQLRequest:
        """Read a POST. Raises UnsupportedMediaType, TooLarge and BadInput (GraphQL over HTTP 5.4)."""
        _check_media_type(request)
        return GraphQLRequest.of(decode(await read_body(request, self._limits.body_bytes)))


def refused(problem: Problem, accepted: Accepted) -> Response:
    """A refusal of the request itself."""
    return _json({"errors": [refusal(problem)]}, accepted, problem.status, _headers(problem))


def refuse(problem: Problem, request: Request) -> Response:
    """A refusal for whoever stands before this route, in the words and by the media type that its clients know."""
    return refused(problem, _negotiated(request) or Accepted(RESPONSE_JSON))


def _negotiated(request: Request) -> Accepted | None:
    return negotiate(", ".join(request.headers.getlist("accept")))


def _asked(request: Request) -> Asked:
    """What the headers say. Raises BadInput for a Rolecast-At-Least that is no cursor."""
    at_least = request.headers.get(AT_LEAST)
    return Asked(
        headers=request.headers,
        at_least=None if at_least is None else reached_by(at_least),
        last_event_id=request.headers.get("last-event-id") or None,  # empty says "none" (HTML, 9.2.2)
    )


def _from_url(request: Request) -> GraphQLRequest:
    """Read a GET: `variables` and `extensions` are JSON in the query string (GraphQL over HTTP 5.3)."""
    values: dict[str, Any] = {}
    for name in ("query", "documentId", "operationName", "variables", "extensions"):
        given = request.query_params.getlist(name)
        if len(given) > 1:
            raise BadInput(f"{name} is there more than once")
        if given and given[0]:
            values[name] = decode(given[0], name) if name in ("variables", "extensions") else given[0]
    return GraphQLRequest.of(values, "the query string")


def _check_media_type(request: Request) -> None:
    kind, *parameters = (part.strip() for part in request.headers.get("content-type", "").lower().split(";"))
    charsets = [parameter[8:].strip('"') for parameter in parameters if parameter.startswith("charset=")]
    if kind != JSON or any(charset not in ("utf-8", "utf8") for charset in charsets):
        raise UnsupportedMediaType(f"the body must be {JSON} in UTF-8")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("compressed bodies are not read")


async def _one(response: GraphQLResponse) -> Responses:
    yield response


def _json(
    response: GraphQLResponse, accepted: Accepted, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """A JSON answer; nobody may keep it, for it is one viewer's."""
    fixed = {"content-type": f"{accepted.json}; charset=utf-8", "cache-control": "no-store", "vary": "accept"}
    return Response(encode(response), status, fixed | (headers or {}))


def _headers(problem: Problem) -> dict[str, str]:
    match problem:
        case Unavailable() | TooManyAttempts():
            return {"retry-after": str(problem.retry_after)}
        case Unauthenticated():
            return {"www-authenticate": "Bearer"}  # RFC 9110, 15.5.2: MUST
        case MethodNotAllowed():
            return {"allow": problem.allow}
        case _:
            return {}
