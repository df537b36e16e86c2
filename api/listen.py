"""Listening: what another process committed is heard of at once, where the database can tell (PostgreSQL's NOTIFY)."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable

import psycopg
from sqlmodel import Session

from api.database_url import arguments
from api.discretion import safely
from api.engines import over_the_network
from api.failures import let_go
from schema.sql import Statement

log = logging.getLogger("rolecast.feed")

CHANNEL = "rolecast"
AGAIN_SECONDS = 1.0  # before the next attempt to connect; the feed's own look is as late at most
# The log's id comes last: a process of before it was told takes the whole for no news, and finds it with its own look.
TELL = Statement(f"SELECT pg_notify('{CHANNEL}', CAST(:heads AS text) || ' ' || id) FROM log")
# Both positions, of PostgreSQL's bigint at most, and the log's id, which a process of before it was told leaves out.
TOLD = re.compile(r"([0-9]{1,19}) ([0-9]{1,19})(?: (\w{1,64}))?", re.ASCII)


def tell(session: Session, change: int, event: int) -> None:
    """Let every listening process know where the logs will end once the session's transaction is committed."""
    if session.connection().dialect.name == "postgresql":
        TELL.run(session, heads=f"{change} {event}")


class Listener:
    """One connection of its own, which must reach PostgreSQL itself: a transaction pooler hands no notification on."""

    def __init__(self, url: str, heard: Callable[[int, int, str], None]) -> None:
        """`url` is SQLAlchemy's.

        `heard` gets the positions (change log, journal) that another process says it reached, and the id of its log,
        empty where it does not say. Anybody who may connect can say anything.
        """
        self._url = url
        self._heard = heard
        self.connected = False
        self._told = False  # of this outage
        self._wondered = False

    async def run(self) -> None:
        """Listen for ever; connect again after a while when the connection is lost. The feed looks meanwhile."""
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError, UnicodeError) as error:  # the last: of a payload in no encoding
                if not self._told:
                    log.warning(
                        "commits of other processes are not heard at once until LISTEN is back: %s", safely(error)
                    )
                let_go(error)
                self.connected, self._told = False, True
            await asyncio.sleep(AGAIN_SECONDS)

    async def _listen(self) -> None:
        told = arguments(self._url) | over_the_network(self._url) | {"autocommit": True}
        async with await psycopg.AsyncConnection.connect(**told) as connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self.connected, self._told = True, False
            async for notification in connection.notifies():
                self._hear(notification.payload)

    def _hear(self, payload: str) -> None:
        found = TOLD.fullmatch(payload)
        if found is not None:
            self._heard(int(found[1]), int(found[2]), found[3] or "")
        elif not self._wondered:
            self._wondered = True
            log.debug("somebody who is not Rolecast notifies its channel, and is not heard")
