"""The GraphQL transport: HTTP, graphql-transport-ws and graphql-sse on one path."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import strawberry
from starlette.routing import BaseRoute, Route, WebSocketRoute

from api.graphql import http, websocket
from api.graphql.documents import Documents
from api.graphql.engine import Engine, Observe, unobserved
from api.graphql.graphiql import Graphiql
from api.graphql.idempotency import Idempotency, Replies
from api.graphql.lease import Authenticate
from api.graphql.limits import Limits
from api.graphql.sockets import Sockets
from api.graphql.trusted import Trusted
from api.stopping import Stopping
from schema.graphql.context import Context, Viewer

__all__ = ["Limits", "graphql_routes"]

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]  # the endpoint itself refuses what GraphQL does not use


def graphql_routes(
    schema: strawberry.Schema,
    *,
    authenticate: Authenticate,
    context: Callable[[Viewer], Context],
    limits: Limits,
    allowed_origins: Sequence[str] = (),
    introspection: bool = True,
    trusted: Trusted | None = None,
    replies: Replies | None = None,
    graphiql: bool = False,
    stopping: Stopping | None = None,
    observe: Observe = unobserved,
) -> list[BaseRoute]:
    """Routes for `/graphql`: GET and POST by GraphQL over HTTP and graphql-sse, and WebSockets by graphql-transport-ws.

    `authenticate` takes a Credential, and raises Unauthenticated (401 or 429, or close code 4403), or Unavailable
    (503, or 1013). It is asked again every few seconds while a socket or stream lives, and those end when
    it refuses; so it should be quick. `context` makes what resolvers find in `info.context`: once for every operation,
    and once more for every event of a subscription. `allowed_origins` are whose pages may open sockets; "*" for all.
    Without `introspection`, nothing tells what the schema has. With `trusted`, only its documents run; Misconfigured is
    raised when one of them would not. `replies` is the memory of mutations that come with an Idempotency-Key.
    With `graphiql`, browsers that come for a page get GraphiQL, and its files are beside it.
    `stopping` tells when the server is asked to stop: sockets and event streams end then, told to come back, once what
    they are owed of queries and mutations was answered.
    `observe` watches queries and mutations. Raises ValueError for a schema with extensions, which would not run.
    """
    engine = Engine(schema, Documents(schema, limits, introspection=introspection, trusted=trusted), context, observe)
    idempotency = Idempotency(engine, replies) if replies is not None else None
    sockets = Sockets(limits.sockets)
    stopping = stopping or Stopping()
    over_http = http.Endpoint(engine, authenticate, limits, sockets, stopping, idempotency)
    over_websocket = websocket.Endpoint(engine, authenticate, limits, sockets, allowed_origins, stopping)
    page = Graphiql() if graphiql else None
    return [
        Route("/graphql", page.before(over_http.handle) if page else over_http.handle, methods=METHODS),
        WebSocketRoute("/graphql", over_websocket.handle),
        *(page.routes() if page else ()),
    ]
