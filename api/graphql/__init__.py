"""The GraphQL transport: HTTP, graphql-transport-ws and graphql-sse on one path."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import strawberry
from starlette.routing import BaseRoute, Route, WebSocketRoute

from api.graphql import http, websocket
from api.graphql.documents import Documents
from api.graphql.engine import Engine
from api.graphql.lease import Authenticate, never
from api.graphql.limits import Limits
from schema.graphql.context import Context, Viewer

__all__ = ["Limits", "graphql_routes"]


def graphql_routes(
    schema: strawberry.Schema,
    *,
    authenticate: Authenticate,
    context: Callable[[Viewer], Context],
    limits: Limits,
    allowed_origins: Sequence[str] = (),
    introspection: bool = True,
    stopping: Callable[[], Coroutine[Any, Any, None]] = never,
) -> list[BaseRoute]:
    """Routes for `/graphql`: GET and POST by GraphQL over HTTP and graphql-sse, and WebSockets by graphql-transport-ws.

    `authenticate` takes the raw Authorization value, or None, and raises Unauthenticated (401, or close code 4403), or
    Unavailable (503, or 1013). It is asked again every few seconds while a socket or stream lives, and those end when
    it refuses; so it should be quick. `context` makes what resolvers find in `info.context`: once for every operation,
    and once more for every event of a subscription. `allowed_origins` are whose pages may open sockets; "*" for all.
    `stopping` returns when the server is asked to stop: event streams end then, as sockets do. Raises ValueError for a
    schema with extensions, which would not run.
    """
    engine = Engine(schema, Documents(schema, limits, introspection=introspection), context)
    over_http = http.Endpoint(engine, authenticate, limits, stopping)
    over_websocket = websocket.Endpoint(engine, authenticate, limits, allowed_origins)
    return [
        Route("/graphql", over_http.handle, methods=["GET", "POST"]),
        WebSocketRoute("/graphql", over_websocket.handle),
    ]
