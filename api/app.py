"""The composition root: the only place that builds the parts and puts them together."""

from __future__ import annotations

import logging

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.door import Door
from api.graphql import Limits, graphql_routes
from api.service import Service
from api.settings import Misconfigured, Settings, load_settings
from api.webhook import Webhook
from schema.graphql.build import build_schema


async def alive(_request: Request) -> Response:
    """200 for as long as the process answers at all."""
    return JSONResponse({"alive": True})


def create_app(settings: Settings) -> Starlette:
    """The application: webhook, GraphQL and health, on one database. Raises Misconfigured if secrets are missing."""
    settings.must_be_complete()
    service = Service(settings)
    schema = build_schema()
    routes = [
        Route("/webhook", Webhook(service.ingest, settings.signing_secrets()).handle, methods=["POST"]),
        *graphql_routes(
            schema,
            authenticate=service.keys.authenticate,
            context=service.context,
            limits=Limits(),
            allowed_origins=settings.allowed_origins,
            stopping=service.stopping.wait,
        ),
        Route("/healthz", alive),
        Route("/readyz", service.ready),
    ]
    cors = Middleware(
        CORSMiddleware,
        allow_origins=settings.allowed_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
        expose_headers=["Retry-After"],
        max_age=600,
    )
    door = Middleware(Door, is_open=lambda: service.is_open)
    middleware = [cors, door] if settings.allowed_origins else [door]
    return Starlette(routes=routes, lifespan=service.running, middleware=middleware)


def app() -> Starlette:
    """The application of this process's environment: what uvicorn's `--factory` calls."""
    try:
        settings = load_settings()
        settings.must_be_complete()
    except Misconfigured as problem:  # a sentence, where uvicorn would print a traceback
        raise SystemExit(f"rolecast: {problem}") from None
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    return create_app(settings)
