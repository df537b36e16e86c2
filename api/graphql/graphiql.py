"""GraphiQL for browsers at `/graphql`: one page, and the files that it loads, all from this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from importlib.metadata import distribution
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.graphql.negotiation import wants_page
from api.graphql.sse import EventStream

OWN = ("icon.svg", "page.css", "page.js")
BUILT = (
    "graphiql.min.css",
    "graphiql.min.js",
    "graphql-ws.min.js",
    "react-dom.production.min.js",
    "react.production.min.js",
)
KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

# The one style that GraphiQL adds by script, for as long as a dialog is open, on a page without scroll bars.
DIALOG_STYLE = "sha256-Y/huXlwoYkVyQlxwSVcCi1RCDGDCSVBzDt0hYP9qlTc="
# Nothing from elsewhere, nothing else inline. `'self'` matches this host's ws: and wss: too, as CSP 3 has it.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' '{DIALOG_STYLE}'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "font-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
PAGE_HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "vary": "accept",
}
ASSET_HEADERS = {
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cache-control": "public, max-age=31536000, immutable",  # the address changes with the content
}

Handle = Callable[[Request], Awaitable[Response | EventStream]]


class Graphiql:
    """The page and its files, read once. Their addresses carry a digest of all of them, so that they may be kept."""

    def __init__(self) -> None:
        self._files = {name: (_own() / name).read_bytes() for name in OWN}
        self._files |= {name: (_built() / name).read_bytes() for name in BUILT}
        digest = hashlib.sha256(b"".join(self._files[name] for name in sorted(self._files)))
        self._version = digest.hexdigest()[:16]
        page = (_own() / "page.html").read_text(encoding="utf-8")
        self._page = page.replace("{assets}", f"/graphql/graphiql/{self._version}").encode()

    def routes(self) -> list[Route]:
        """The files: these and no others, by their names."""
        return [Route("/graphql/graphiql/{version}/{name}", self._asset, methods=["GET"])]

    def before(self, handle: Handle) -> Handle:
        """Answer a browser that comes for a page with GraphiQL, and hand everyone else on."""

        async def choose(request: Request) -> Response | EventStream:
            if request.method != "POST" and wants_page(", ".join(request.headers.getlist("accept"))):
                return Response(self._page, headers=PAGE_HEADERS, media_type="text/html")
            return await handle(request)

        return choose

    async def _asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if request.path_params["version"] != self._version or name not in self._files:
            raise HTTPException(404)
        return Response(self._files[name], headers=ASSET_HEADERS | {"content-type": KINDS[Path(name).suffix]})


def _own() -> Path:
    return Path(__file__).parent / "page"


def _built() -> Path:
    """GraphiQL, React and graphql-ws as their makers build them. The package around them needs Django: not imported."""
    package = "graphene_django_graphiql_static"
    return Path(str(distribution(package).locate_file(f"{package}/static/{package}")))
