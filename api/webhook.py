"""`POST /webhook`: a signed delivery from the directory becomes an event, and is answered once that is durable."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from api.bodies import read_body
from api.ingest import Ingest
from api.signing import Secret, verify
from api.tracing import Tracing, answered
from schema.events import Receipt, from_webhook
from schema.kinds import Outcome
from schema.problems import Problem, Unavailable

log = logging.getLogger("rolecast.webhook")

LARGEST_BODY = 1 << 20  # bytes; a snapshot of a user in thousands of groups is a tenth of it
SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")


class Webhook:
    """The route's endpoint."""

    def __init__(
        self,
        ingest: Ingest,
        secrets: Sequence[Secret],
        now: Callable[[], float] = time.time,
        answered: Callable[[int], None] = lambda status: None,
        tracing: Tracing | None = None,
    ) -> None:
        """`secrets` are all valid at once; `now` is in seconds since the epoch; `answered` hears of each status."""
        self._answered = answered
        self._tracing = tracing or Tracing()
        self._ingest = ingest
        self._secrets = secrets
        self._now = now

    async def handle(self, request: Request) -> Response:
        """Answer 201 or 202 once the event is on disk and has had its effect; otherwise nothing was done."""
        with self._tracing.span("POST /webhook", request.headers, webhook=request.headers.get("webhook-id")) as span:
            response = await self._response(request)
            answered(span, response.status_code)
        self._answered(response.status_code)
        return response

    async def _response(self, request: Request) -> Response:
        try:
            body = await read_body(request, LARGEST_BODY)
            delivery = verify(self._secrets, signed_headers(request), body, now=self._now())
            return _answer(await self._ingest.submit(from_webhook(delivery.id, delivery.body)))
        except Problem as problem:
            log.info("webhook refused with %d: %s", problem.status, problem)
            return refuse(problem)
        except ClientDisconnect:
            return Response(status_code=400)


def signed_headers(request: Request) -> dict[str, str]:
    """What `verify` looks at. A header that comes twice is one value (RFC 9110, 5.3), and then no signature fits it."""
    return {name: ",".join(request.headers.getlist(name)) for name in SIGNED}


def refuse(problem: Problem) -> JSONResponse:
    """A Problem as an HTTP answer."""
    headers = {"Retry-After": str(problem.retry_after)} if isinstance(problem, Unavailable) else {}
    if problem.status == 413:
        headers["Connection"] = "close"  # the rest of the body is not going to be read
    content = {"error": {"code": problem.code, "message": str(problem)}}
    return JSONResponse(content, problem.status, headers)


def _answer(receipt: Receipt) -> Response:
    content: dict[str, object] = {
        "message": "Role processed",
        "event": receipt.event,
        "outcome": receipt.outcome.name,
        "position": receipt.position,
    }
    if receipt.outcome is Outcome.REJECTED:
        content |= {"message": "Recorded, but not understood", "problem": receipt.problem}
        return Response(msgspec.json.encode(content), 202, media_type="application/json")
    return Response(msgspec.json.encode(content), 201, media_type="application/json")
