"""The sweep: ends grants by hand whose time is over, as an event of the system's own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from api.batch import DUE
from api.commands import new_id
from api.database import Database
from api.ingest import Ingest
from schema.commands import ExpireGrants
from schema.events import from_command
from schema.kinds import Source
from schema.problems import NotFound, Problem

log = logging.getLogger("rolecast.sweep")

LOOK_SECONDS = 1.0  # how late an expired grant may end; reads leave it out from its very moment


class Sweep:
    """Looks once a second for what has expired."""

    def __init__(self, database: Database, ingest: Ingest, clock: Callable[[], int]) -> None:
        """`clock` gives nanoseconds since the epoch."""
        self._database = database
        self._ingest = ingest
        self._clock = clock

    async def once(self) -> bool:
        """End what is due; tell whether anything was. Raises Unavailable when the database is out of reach."""
        now = self._clock()
        if not await self._database.read(lambda session: DUE.scalars(session, now=now)):
            return False
        command = ExpireGrants(until=now)
        await self._ingest.submit(from_command(new_id("sys"), "clock", command, None, None, Source.SYSTEM))
        return True

    async def run(self) -> None:
        """Sweep for as long as the server runs; a database out of reach is waited for."""
        while True:
            try:
                await self.once()
            except NotFound:  # another process was quicker
                log.debug("nothing left to end")
            except Problem as problem:
                log.warning("expired grants could not be ended and wait: %s", problem.detail or problem)
            await asyncio.sleep(LOOK_SECONDS)
