"""The sweep: ends what is over: grants by hand, as an event of the system's own, and answers kept for a retry."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from itertools import count

from api.batch import DUE
from api.commands import new_id
from api.database import Database
from api.ingest import Ingest
from api.replies import SWEPT_AT_ONCE, forget
from schema.commands import ExpireGrants
from schema.events import from_command
from schema.kinds import Source
from schema.problems import NotFound, Problem

log = logging.getLogger("rolecast.sweep")

FORGET_EVERY = 60  # looks; an answer is kept for a day, and a minute more does no harm. Where more wait, every look
QUIET_SECONDS = 60.0  # between two warnings that the database is out of reach
LOOK_SECONDS = 1.0  # how late an expired grant may end; reads leave it out from its very moment


class Sweep:
    """Looks once a second for what has expired, and once a minute for answers that nobody will ask for again.

    Of those there may be more than one look forgets: then the next goes on.
    """

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

    async def forget(self) -> bool:
        """Forget answers to idempotent requests that are older than a day; tell whether there may be more of them."""
        return await self._database.write(lambda session: forget(session, self._clock())) == SWEPT_AT_ONCE

    async def run(self) -> None:
        """Sweep for as long as the server runs; a database out of reach is waited for."""
        forgets_at = 0
        said = -QUIET_SECONDS
        for look in count():
            try:
                await self.once()
                if look >= forgets_at:
                    forgets_at = look + (1 if await self.forget() else FORGET_EVERY)
            except NotFound:  # another process was quicker
                log.debug("nothing left to end")
            except Problem as problem:
                if time.monotonic() - said >= QUIET_SECONDS:
                    said = time.monotonic()
                    log.warning("what has expired could not be ended and waits: %s", problem.detail or problem)
            except Exception:  # whatever it was, the next that expires is to end
                log.exception("what has expired could not be ended and waits")
            await asyncio.sleep(LOOK_SECONDS)
