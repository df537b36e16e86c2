"""The service: everything that lives as long as the process does, and in what order it starts and stops."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.access.gate import Gate
from api.access.jwks import KeySet
from api.access.keys import Keys, is_kept, keep_environment_key
from api.access.signatures import SharedSecrets, SigningKeys
from api.access.tokens import Tokens
from api.commands import Submit
from api.database import Database
from api.feed import Feed
from api.ingest import Ingest
from api.listen import Listener
from api.metrics import Metrics
from api.migrate import has_our_tables, migrate
from api.replica import Replica
from api.settings import Settings
from api.stopping import ANSWERS_WITHIN, Stopping
from api.sweep import Sweep
from api.tracing import tracing
from schema.graphql.context import Context, Viewer
from schema.problems import Problem
from schema.queries.catalogue import CatalogueCache

log = logging.getLogger("rolecast")

CHECKPOINT_SECONDS = 3.0
MEASURE_SECONDS = 1.0
OPENS_WITHIN = 3.0  # that requests wait for at a start; /healthz answers then, whatever the database does
OPEN_SECONDS = 1.0  # between two looks at a database that is not there or not migrated yet
READY_SECONDS = 5.0  # for the database to answer; whoever asks seldom waits longer
NOT_MIGRATED = "the database is not at this version's tables: run `python -m api migrate`"


class Service:
    """Everything that lives as long as the process does."""

    def __init__(self, settings: Settings) -> None:
        """Build the parts; nothing runs and nothing is opened before `running`."""
        self.settings = settings
        self.metrics = Metrics()
        self.tracing = tracing(settings.tracing)
        self.database = Database(settings.url, lambda door: self.metrics.failures.labels(door).inc())
        self.feed = Feed(self.database.read, self.metrics)
        self.listener = Listener(settings.listening_url, self.feed.committed)
        self.ingest = Ingest(
            self.database,
            clock=time.time_ns,
            size=settings.queue_size,
            committed=self.feed.committed,
            metrics=self.metrics,
            tracing=self.tracing,
        )
        self.metrics.watch(self.feed.measure)
        self.metrics.watch(lambda: self.metrics.queue.set(self.ingest.depth()))
        self.replica = None if settings.replica_url is None else Replica(self.database, settings.replica_url)
        self.commands = Submit(self.database, self.ingest)
        self.keys = Keys(self.database, time.time_ns, self._journal_head)
        self.gate = Gate(self.keys, self._tokens(), guesses=settings.failed_credentials)
        self.catalogue = CatalogueCache()
        self.stopping = Stopping()
        self.is_open = False
        self._reason = "starting"  # why it is not open
        self._told: str | None = None
        self._writer: asyncio.Task[None] | None = None

    def _tokens(self) -> Tokens | None:
        """The keeper of user tokens, where the environment says how they are signed."""
        settings, keys = self.settings, signing_keys(self.settings)
        if keys is None:
            return None
        expected = {"issuer": settings.jwt_issuer, "audience": settings.jwt_audience}
        return Tokens(keys, self.database, time.time_ns, self._journal_head, **expected)

    def _journal_head(self) -> int:
        """Where the journal ends, as far as this process knows: what was read before that of credentials is old."""
        return self.feed.now().event

    def context(self, viewer: Viewer) -> Context:
        """What resolvers find in `info.context`."""
        return Context(
            viewer=viewer,
            read=self.database.read,
            command=self.commands,
            feed=self.feed,
            behind=None if self.replica is None else self.replica.reaching,
            catalogue=self.catalogue,
        )

    @asynccontextmanager
    async def running(self, _app: Starlette) -> AsyncIterator[None]:
        """Start the writer and the feed; on the way out, write and answer what was accepted, then let go."""
        if self.database.dialect == "sqlite":
            await asyncio.to_thread(migrate, self.database)
        opening = asyncio.create_task(self._open())
        await asyncio.wait({opening}, timeout=OPENS_WITHIN)
        writer = self._writer = asyncio.create_task(self.ingest.run(), name="ingest")
        tasks = (self._follow(opening), self._tidy(), self._measure(), self._hurry(), self.keys.uses.run())
        helpers = [asyncio.create_task(each) for each in tasks]
        _calm_collector()
        try:
            with self.stopping.listening(), self.stopping.with_parent():
                yield
        finally:
            await self.ingest.stop()
            await writer
            for task in helpers:
                task.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            await self.keys.uses.try_to_flush(everything=True)
            await asyncio.to_thread(self.database.close)
            if self.replica is not None:
                await asyncio.to_thread(self.replica.close)
            await asyncio.to_thread(self.tracing.close)

    async def _open(self) -> None:
        """Open for requests, if the database is there and has this version's tables."""
        try:
            if await self.database.read(has_our_tables):
                await self._keep_key()
                await self.feed.look()
                self.is_open = True
                return
            self._closed_because(NOT_MIGRATED, NOT_MIGRATED)
        except Problem as problem:
            self._closed_because(str(problem), (problem.detail or str(problem)).partition("\n")[0])
        except Exception:
            self._reason = "the database cannot be opened; the server's log says why"
            log.exception("the database cannot be opened; everything but /healthz is answered 503 until it can")

    def _closed_because(self, reason: str, detail: str) -> None:
        """Keep the reason for who asks, and tell the operator more of it; each only once."""
        self._reason = reason
        if detail != self._told:
            self._told = detail
            log.warning("%s; until then everything but /healthz is answered 503", detail)

    async def _follow(self, opening: asyncio.Task[None]) -> None:
        await opening
        while not self.is_open:
            await asyncio.sleep(OPEN_SECONDS)
            await self._open()
        sweep = Sweep(self.database, self.ingest, time.time_ns)
        listening = [self.listener.run()] if self.database.dialect == "postgresql" else []
        await asyncio.gather(self.feed.run(), sweep.run(), *listening)

    async def _keep_key(self) -> None:
        """Written only if it is another: a process starts while the writer's lock is held, or PostgreSQL a copy."""
        if self.settings.api_key is None:
            return
        secret = self.settings.api_key.get_secret_value()
        if not await self.database.read(lambda session: is_kept(session, secret)):
            await self.database.write(lambda session: keep_environment_key(session, secret, time.time_ns()))

    async def _tidy(self) -> None:
        """Keep SQLite's log short, away from any webhook."""
        while True:
            await asyncio.sleep(CHECKPOINT_SECONDS)
            try:
                await self.database.checkpoint()
            except Problem as problem:
                log.warning("SQLite's log could not be moved into its file: %s", problem.detail)
            except Exception:
                log.exception("SQLite's log could not be moved into its file")

    async def _measure(self) -> None:
        """Keep the gauges so fresh that another process, asked for all, tells what is so."""
        while True:
            self.metrics.refresh()
            await asyncio.sleep(MEASURE_SECONDS)

    async def _hurry(self) -> None:
        """Once asked to stop, wait for the database only as long as there is time left to answer without it."""
        await self.stopping.wait()
        await asyncio.sleep(ANSWERS_WITHIN)
        self.ingest.give_up()
        self.database.give_up()
        if self.replica is not None:
            self.replica.give_up()

    async def measured(self, request: Request) -> Response:
        """Everything that is measured, of all processes of this server, in Prometheus' format."""
        content, media_type = self.metrics.tell(request.headers.get("accept", ""))
        return Response(content, headers={"content-type": media_type})

    async def ready(self, _request: Request) -> Response:
        """200 once the database answers and has this version's tables, and until a stop; else 503 with the reason."""
        if self.stopping.asked:
            return JSONResponse({"ready": False, "reason": "stopping"}, 503)
        try:
            migrated = await self.database.read(has_our_tables, within=READY_SECONDS)
        except Problem as problem:
            return JSONResponse({"ready": False, "reason": str(problem)}, 503)
        if not migrated:
            return JSONResponse({"ready": False, "reason": NOT_MIGRATED}, 503)
        if not self.is_open:
            return JSONResponse({"ready": False, "reason": self._reason}, 503)
        if self._writer is None or self._writer.done():
            return JSONResponse({"ready": False, "reason": "the writer has ended; restart the process"}, 503)
        return JSONResponse({"ready": True})


def signing_keys(settings: Settings) -> SigningKeys | None:
    """The keys of user tokens: a shared secret, or a key set at a URL; None where there are no user tokens."""
    if settings.jwt_secrets:
        return SharedSecrets([secret.get_secret_value() for secret in settings.jwt_secrets])
    return None if settings.jwks_url is None else KeySet(settings.jwks_url)


def _calm_collector() -> None:
    """Keep what start-up made out of the cyclic collector's way: measured 1.4 to 2 times faster at many sockets.

    A socket that ended leaves 220 objects to it, 35 KB: with higher second and third thresholds, sockets
    that come and go fill gigabytes before all is looked through.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 2, 2)
