"""Which pages may open a WebSocket here: browsers do not ask before, as they do for other requests."""

from __future__ import annotations

from collections.abc import Set
from urllib.parse import urlsplit

from starlette.websockets import WebSocket


def welcomes(websocket: WebSocket, allowed: Set[str]) -> bool:
    """Whether the handshake comes from no page, from one of this origin, or of an `allowed` one; "*" allows all."""
    origin = websocket.headers.get("origin", "").lower()
    if not origin or {origin, "*"} & allowed:
        return True  # only browsers send an origin
    page, here = urlsplit(origin), websocket.headers.get("host", "").lower()
    # A proxy may end TLS and not say so: then a page by https is of this origin too. One by http never is where
    # this is known to be https: it may come from whoever is on the line.
    downgraded = page.scheme == "http" and websocket.scope.get("scheme") == "wss"
    return bool(here) and page.netloc == here and not downgraded
