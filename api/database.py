"""The database: many readers in threads, each on one snapshot, and one writer in a thread of its own."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session

from schema.problems import Unavailable

T = TypeVar("T")

READERS = (
    4  # threads; measured on 2 cores, 8 take a third more processor time for a read than 2, all waiting for one lock
)
BUSY_SECONDS = 10  # how long SQLite waits for another process's write before it gives up
WRITER_LOCK = 0x726F6C65  # "role": the key of PostgreSQL's advisory lock that makes writers take turns
# PostgreSQL's default price of a random page is a spinning disk's; with it, one user's rows are found by scanning all.
# A lock that nobody lets go of, or a network that says nothing, ends in a 503 and not in a webhook that waits for ever.
OVER_THE_NETWORK = {
    "connect_timeout": 5,
    "options": f"-c random_page_cost=1.1 -c lock_timeout={BUSY_SECONDS}s",
    "keepalives_idle": 5,
    "tcp_user_timeout": BUSY_SECONDS * 1000,
}
LONGEST_WAL = 128_000  # pages, 256 MB: past that, a log whose writers never pause is started anew
# What SQLAlchemy raises, and what the drivers do under statements that go straight to them.
OUT_OF_REACH = (
    OperationalError,
    InterfaceError,
    PoolTimeout,
    sqlite3.OperationalError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
)


class Database:
    """One database, SQLite or PostgreSQL, behind two doors: `read` and `write`."""

    def __init__(self, url: str) -> None:
        """Open nothing yet; connections are made when first needed."""
        self.dialect = make_url(url).get_backend_name()
        self._readers = _engine(url, size=READERS)
        self._writers = _engine(url, size=1)
        if self.dialect == "sqlite":
            _as_sqlite(self._readers, begin="BEGIN", only_reads=True)
            _as_sqlite(self._writers, begin="BEGIN IMMEDIATE", only_reads=False)
        else:
            self._readers = self._readers.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._reading = ThreadPoolExecutor(READERS, "rolecast-read")
        self._writing = ThreadPoolExecutor(1, "rolecast-write")
        self._moving = threading.Lock()

    async def read(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a reader's thread on one snapshot of the database. Raises Unavailable when there is none."""
        return await asyncio.get_running_loop().run_in_executor(self._reading, self.read_now, work)

    async def write(self, work: Callable[[Session], T]) -> T:
        """Run `work` in the writer's thread, in one transaction, durable when this returns."""
        return await asyncio.get_running_loop().run_in_executor(self._writing, self.write_now, work)

    def read_now(self, work: Callable[[Session], T]) -> T:
        """`read`, in this thread."""
        with _reachable(), Session(self._readers) as session:
            return work(session)

    def write_now(self, work: Callable[[Session], T]) -> T:
        """`write`, in this thread: takes the writer's lock, and commits unless `work` raises."""
        with _reachable(), Session(self._writers) as session, session.begin():
            self._take_turn(session)
            return work(session)

    def _take_turn(self, session: Session) -> None:
        """Wait for the other writers; SQLite's BEGIN IMMEDIATE has done so already."""
        if self.dialect == "postgresql":
            session.connection().exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")

    async def rehearse(self, work: Callable[[Session], T]) -> T:
        """`write`, but nothing of it stays: the transaction is rolled back."""
        return await asyncio.get_running_loop().run_in_executor(self._writing, self.rehearse_now, work)

    def rehearse_now(self, work: Callable[[Session], T]) -> T:
        """`rehearse`, in this thread."""
        with _reachable(), Session(self._writers) as session:
            self._take_turn(session)
            answer = work(session)
            session.rollback()
            return answer

    async def checkpoint(self) -> None:
        """Move SQLite's log into its file, from a reader's thread so that no webhook waits for it."""
        if self.dialect == "sqlite":
            await asyncio.get_running_loop().run_in_executor(self._reading, self._checkpoint)

    def _checkpoint(self) -> None:
        if not self._moving.acquire(blocking=False):
            return
        try:
            with _reachable(), self._readers.connect() as connection:
                driver: Any = connection.connection.driver_connection
                _move_log(driver)
        finally:
            self._moving.release()

    def engine(self) -> Engine:
        """The writer's engine, for migrations."""
        return self._writers

    def close(self) -> None:
        """Finish what runs, and let go of every connection."""
        self._reading.shutdown()
        self._writing.shutdown()
        self._readers.dispose()
        self._writers.dispose()


def _move_log(driver: Any) -> None:
    """Move what can be moved; when writers never paused, make the next one start the log anew, if no reader is in."""
    try:
        driver.execute("PRAGMA query_only=OFF")
        driver.execute("PRAGMA busy_timeout=0")  # waiting for readers would hold the writer up for as long
        _, pages, _ = driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if pages > LONGEST_WAL:
            driver.execute("PRAGMA wal_checkpoint(RESTART)")
    finally:
        driver.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
        driver.execute("PRAGMA query_only=ON")


def _is_content(error: Exception) -> bool:
    """Whether SQLite's OperationalError is about what was asked (a pattern too complex), not about the file."""
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG)


@contextmanager
def _reachable() -> Iterator[None]:
    """Turn a database that is out of reach into Unavailable; what it refuses for its content passes through."""
    try:
        yield
    except OUT_OF_REACH as error:
        if _is_content(error):
            raise
        raise Unavailable("the database cannot be reached; nothing was done, try again", detail=str(error)) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable("the database went away; nothing was done, try again", detail=str(error)) from error
        raise


def _engine(url: str, *, size: int) -> Engine:
    if url.startswith("sqlite"):
        return create_engine(
            url, pool_size=size, max_overflow=0, pool_timeout=BUSY_SECONDS, hide_parameters=True
        )  # parameters hold payloads, and those are people's data
    return create_engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args=OVER_THE_NETWORK,
    )


def _as_sqlite(engine: Engine, *, begin: str, only_reads: bool) -> None:
    """Durable and concurrent SQLite: a write-ahead log, synced at each commit, and transactions that we begin.

    The driver's own begin late and lose updates between threads; BEGIN IMMEDIATE takes the write lock first.
    """

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout={BUSY_SECONDS * 1000}",
            "page_size=2048",  # a commit writes whole pages of few rows each: measured 6 % faster than 4096
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "wal_autocheckpoint=0",
            "cache_size=-65536",
            "mmap_size=268435456",
            "temp_store=MEMORY",
            f"query_only={'ON' if only_reads else 'OFF'}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.connection.driver_connection.execute(begin)
