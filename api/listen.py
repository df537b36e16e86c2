"""Listening: what another process committed is heard of at once, where the database can tell (PostgreSQL's NOTIFY)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import psycopg
from sqlmodel import Session

from api.engines import OVER_THE_NETWORK
from schema.sql import Statement

log = logging.getLogger("rolecast.feed")

CHANNEL = "rolecast"
AGAIN_SECONDS = 1.0  # before the next attempt to connect; the feed's own look is as late at most
TELL = Statement(f"SELECT pg_notify('{CHANNEL}', :heads)")


def tell(session: Session, change: int, event: int) -> None:
    """Let every listening process know where the logs will end once the session's transaction is committed."""
    if session.connection().dialect.name == "postgresql":
        TELL.run(session, heads=f"{change} {event}")


class Listener:
    """One connection of its own, which must reach PostgreSQL itself: a transaction pooler hands no notification on."""

    def __init__(self, url: str, heard: Callable[[int, int], None]) -> None:
        """`url` is SQLAlchemy's; `heard` gets the positions (change log, journal) that another process reached."""
        self._conninfo = url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._heard = heard
        self.connected = False
        self._told = False  # of this outage

    async def run(self) -> None:
        """Listen for ever; connect again after a while when the connection is lost. The feed looks meanwhile."""
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError) as error:
                if not self._told:
                    log.warning("commits of other processes are not heard at once until LISTEN is back: %s", error)
                self.connected, self._told = False, True
            await asyncio.sleep(AGAIN_SECONDS)

    async def _listen(self) -> None:
        async with await psycopg.AsyncConnection.connect(
            self._conninfo, autocommit=True, **OVER_THE_NETWORK
        ) as connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self.connected, self._told = True, False
            async for notification in connection.notifies():
                change, _, event = notification.payload.partition(" ")
                if change.isdecimal() and event.isdecimal():
                    self._heard(int(change), int(event))
