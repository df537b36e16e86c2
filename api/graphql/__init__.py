"""The GraphQL transport: HTTP, graphql-transport-ws and graphql-sse on one path."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route, WebSocketRoute

from api.graphql import http, websocket
from api.graphql.engine import Engine
from api.graphql.graphiql import Graphiql
from api.graphql.idempotency import Idempotency, Replies
from api.graphql.lease import Authenticate
from api.graphql.limits import Limits
from api.graphql.sockets import Sockets
from api.stopping import Stopping

__all__ = ["Limits", "graphql_routes"]

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]  # the endpoint itself refuses what GraphQL does not use


def graphql_routes(
    engine: Engine,
    *,
    authenticate: Authenticate,
    allowed_origins: Sequence[str] = (),
    replies: Replies | None = None,
    graphiql: bool = False,
    stopping: Stopping | None = None,
) -> list[BaseRoute]:
    """Routes for `/graphql`: GET and POST by GraphQL over HTTP and graphql-sse, and WebSockets by graphql-transport-ws.

    `authenticate` is asked again every few seconds while a socket or stream lives, and those end when it refuses; so it
    should be quick. `allowed_origins` are whose pages may open sockets; "*" for all. `replies` is the memory of
    mutations that come with an Idempotency-Key. With `graphiql`, browsers that come for a page get GraphiQL, and its
    files are beside it. Once `stopping` says that the server is to stop, sockets and event streams are told to come
    back, and end when they got the answers that they are owed.
    """
    limits, stopping = engine.limits, stopping or Stopping()
    idempotency = Idempotency(engine, replies) if replies is not None else None
    sockets = Sockets(limits.sockets)
    over_http = http.Endpoint(engine, authenticate, limits, sockets, stopping, idempotency)
    over_websocket = websocket.Endpoint(engine, authenticate, limits, sockets, allowed_origins, stopping)
    page = Graphiql() if graphiql else None
    return [
        Route("/graphql", page.before(over_http.handle) if page else over_http.handle, methods=METHODS),
        WebSocketRoute("/graphql", over_websocket.handle),
        *(page.routes() if page else ()),
    ]
