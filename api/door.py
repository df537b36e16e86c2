"""The door: refuses whatever needs the database, for as long as that is not there or not at this version's tables."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.graphql import http
from api.webhook import refuse
from schema.problems import Unavailable

ALWAYS_OPEN = ("/healthz", "/readyz", "/metrics")


class Door:
    """An ASGI middleware."""

    def __init__(
        self, app: ASGIApp, is_open: Callable[[], bool], refused: Callable[[int], None] = lambda status: None
    ) -> None:
        """`refused` hears the status of each webhook that is answered here."""
        self._app = app
        self._is_open = is_open
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 503 to HTTP and 403 to a WebSocket's handshake."""
        if self._is_open() or scope["type"] == "lifespan" or scope["path"] in ALWAYS_OPEN:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            response = _refusal(Request(scope))
            if (scope["method"], scope["path"]) == ("POST", "/webhook"):
                self._refused(response.status_code)
            await response(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1013})  # "try again later"; before accepting it is a 403


def _refusal(request: Request) -> Response:
    """503, in the shape that the route has for its refusals."""
    problem = Unavailable("the database is not ready; try again", retry_after=5)
    return http.refuse(problem, request) if request.url.path == "/graphql" else refuse(problem)
