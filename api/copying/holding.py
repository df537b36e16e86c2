"""Holding a database still: nobody else writes, for as long as a piece of work takes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from sqlmodel import Session

from api.database import Database
from schema.problems import Unavailable

T = TypeVar("T")

LOST = "the database to copy from could not be held still, and others may have written to it"
PULSE_SECONDS = 5.0  # PostgreSQL takes the lock from a writer that says nothing for api.engines.FROZEN_SECONDS


class Hold:
    """The writer's lock of `source`, which readers read on under. A server's webhooks are answered 503 meanwhile."""

    def __init__(self, source: Database) -> None:
        self.source = source
        self.lost: str | None = None
        self._driver: Any = None

    def begin(self, session: Session) -> None:
        """`session` has the lock for as long as its transaction lasts; SQLite takes it from nobody."""
        connection = session.connection()
        self._driver = connection.connection.driver_connection if connection.dialect.name == "postgresql" else None

    def must_last(self) -> None:
        """Show that the lock is held still. Raises Unavailable when it was lost, and others may have written."""
        if self._driver is None:
            return
        try:
            self._driver.execute("SELECT 1")
        except psycopg.Error as error:
            self.lost = str(error)
            raise Unavailable(LOST, detail=self.lost) from error


def hold_still(source: Database, work: Callable[[Hold], T]) -> T:
    """Run `work` while nobody else can write to `source`; nothing is written there.

    Raises Unavailable when the lock cannot be had, because the database is out of reach or a write takes too long, and
    when `work` raised because it was lost.
    """
    hold = Hold(source)
    try:
        return source.rehearse_now(lambda session: _holding(hold, session, work))
    except Unavailable as problem:
        if hold.lost is None:
            raise
        raise Unavailable(LOST, detail=hold.lost) from problem  # the lost connection's own end speaks over it


def _holding(hold: Hold, session: Session, work: Callable[[Hold], T]) -> T:
    hold.begin(session)
    with _pulse(hold):
        return work(hold)


@contextmanager
def _pulse(hold: Hold) -> Iterator[None]:
    """Say something now and then, from a thread: a long statement elsewhere is no silence here."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(PULSE_SECONDS):
            try:
                hold.must_last()
            except Unavailable:
                return  # found again by whoever asks next

    thread = threading.Thread(target=beat, name="rolecast-hold", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
