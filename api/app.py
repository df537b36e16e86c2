"""The composition root: the only place that builds the parts and puts them together."""

from __future__ import annotations

import time

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from api.door import Door
from api.graphql import Limits, graphql_routes
from api.graphql.documents import Documents
from api.graphql.engine import Engine
from api.graphql.trusted import load_trusted
from api.logs import take_over
from api.observing import Observer
from api.replies import Replies
from api.service import Service
from api.settings import Misconfigured, Settings, load_settings
from api.webhook import Webhook
from schema.graphql.build import build_schema

NOTHING_HERE = {404: ("NOT_FOUND", "there is nothing at this address"), 405: ("BAD_INPUT", "not by this method")}


async def alive(_request: Request) -> Response:
    """200 for as long as the process answers at all."""
    return JSONResponse({"alive": True})


def create_app(settings: Settings) -> Starlette:
    """The application: webhook, GraphQL and health, on one database. Raises Misconfigured if secrets are missing."""
    settings.must_be_complete()
    service = Service(settings)
    application = Starlette(
        routes=[
            Route("/webhook", _webhook(service).handle, methods=["POST"]),
            *_graphql(service),
            Route("/healthz", alive),
            Route("/readyz", service.ready),
            Route("/metrics", service.measured),
        ],
        lifespan=service.running,
        middleware=[
            *_cors(settings),
            Middleware(Door, is_open=lambda: service.is_open, refused=service.metrics.answered),
        ],
        exception_handlers={HTTPException: not_here},
    )
    application.router.redirect_slashes = False  # a 307 would have a sender post to an address nobody gave it
    return application


def _webhook(service: Service) -> Webhook:
    return Webhook(
        service.ingest,
        service.settings.signing_secrets(),
        answered=service.metrics.answered,
        tracing=service.tracing,
    )


def _graphql(service: Service) -> list[BaseRoute]:
    settings, schema = service.settings, build_schema()
    trusted = load_trusted(settings.trusted_documents) if settings.trusted_documents is not None else None
    documents = Documents(schema, limits_of(settings), introspection=settings.introspection, trusted=trusted)
    return graphql_routes(
        Engine(schema, documents, service.context, Observer(service.metrics, service.tracing)),
        authenticate=service.gate.authenticate,
        allowed_origins=settings.allowed_origins,
        replies=Replies(service.database, time.time_ns),
        graphiql=settings.graphiql,
        stopping=service.stopping,
    )


def _cors(settings: Settings) -> list[Middleware]:
    """Before the door, so that a page can read its refusal; none where no other origin's page may call."""
    if not settings.allowed_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "Rolecast-At-Least"],
            expose_headers=["Idempotency-Replayed", "Retry-After"],
            max_age=600,
        )
    ]


async def not_here(_request: Request, error: Exception) -> Response:
    """What no route answers, 404 or 405, in the words of every other refusal."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    code, message = NOTHING_HERE.get(status, ("BAD_INPUT", "the request cannot be understood"))
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)


def limits_of(settings: Settings) -> Limits:
    """The bounds of GraphQL that the environment decides; the others follow from the implementation."""
    return Limits(
        depth=settings.max_depth,
        aliases=settings.max_aliases,
        root_fields=settings.max_root_fields,
        tokens=settings.max_tokens,
        nodes=settings.max_nodes,
        body_bytes=settings.max_body_bytes,
        operations=settings.max_subscriptions,
        sockets=settings.max_sockets,
    )


def app() -> Starlette:
    """The application of this process's environment: what uvicorn's `--factory` calls."""
    try:
        settings = load_settings()
        settings.must_be_complete()
        # Where uvicorn is run by itself, its own log would print exceptions with all they say.
        take_over(settings.log_format, settings.log_level)
        return create_app(settings)
    except Misconfigured as problem:  # a sentence, where uvicorn would print a traceback
        raise SystemExit(f"rolecast: {problem}") from None
