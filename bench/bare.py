"""The baseline: bare Starlette routes, served as Rolecast is. They keep nothing.

`POST /webhook` reads, verifies and parses like the real one. `POST /answer` answers whatever JSON was last PUT there.
"""

from __future__ import annotations

import gc
import json
import os
import time
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.signing import Secret, verify
from bench.company import SECRET
from schema.events import from_webhook

SECRETS = (Secret(SECRET),)


async def webhook(request: Request) -> Response:
    """What no webhook can do without."""
    delivery = verify(SECRETS, request.headers, await request.body(), now=time.time())
    event = from_webhook(delivery.id, delivery.body)
    return JSONResponse({"message": "Role processed", "event": event.id, "outcome": "APPLIED", "position": 0}, 201)


class Answers:
    """What no query can do without: the request is decoded, and an answer of the same size is encoded."""

    def __init__(self) -> None:
        self.answer: Any = None

    async def put(self, request: Request) -> Response:
        self.answer = json.loads(await request.body())
        return JSONResponse({})

    async def post(self, request: Request) -> Response:
        json.loads(await request.body())
        return JSONResponse(self.answer)


async def ready(_request: Request) -> Response:
    return JSONResponse({"ready": True})


def app() -> Starlette:
    """The application; like Rolecast's it keeps the collector calm."""
    answers = Answers()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    return Starlette(
        routes=[
            Route("/webhook", webhook, methods=["POST"]),
            Route("/answer", answers.put, methods=["PUT"]),
            Route("/answer", answers.post, methods=["POST"]),
            Route("/readyz", ready),
        ]
    )


if __name__ == "__main__":
    uvicorn.run(
        "bench.bare:app",
        factory=True,
        port=int(os.environ["PORT"]),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
