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
FROZEN_SECONDS = 30  # how long a writer that says nothing, dead or stopped, may keep the lock from the others
# A network that says nothing ends in a 503 and not in a webhook that waits for ever. Nothing here is state of the
# session: a pooler between the transactions (PgBouncer's transaction mode) may give each another server connection.
OVER_THE_NETWORK: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": BUSY_SECONDS * 1000,
    "prepare_threshold": None,
}
# PostgreSQL's default price of a random page is a spinning disk's; with it, one user's rows are found by scanning all.
READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL random_page_cost = 1.1"
# Commit order is position order because writers take turns here. Sent as one message: no round trip more than BEGIN.
WRITING = f"""
    BEGIN;
    SET LOCAL random_page_cost = 1.1;
    SET LOCAL lock_timeout = '{BUSY_SECONDS}s';
    SET LOCAL idle_in_transaction_session_timeout = '{FROZEN_SECONDS}s';
    SELECT pg_advisory_xact_lock({WRITER_LOCK})"""
LONGEST_WAL = 128_000  # pages, 256 MB: past that, a log whose writers never pause is started anew
# What SQLAlchemy raises, and what the drivers do under statements that go straight to them.
OUT_OF_REACH = (
    OperationalError,
    InterfaceError,
    PoolTimeout,
    sqlite3.OperationalError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,  # what was the original is a copy now
)
UNDONE = "nothing was done, try again"
UNKNOWN = "whether it was done is not known, try again"  # the connection broke between COMMIT and its answer


class Database:
    """One database, SQLite or PostgreSQL, behind two doors: `read` and `write`."""

    def __init__(self, url: str, failed: Callable[[str], None] = lambda door: None) -> None:
        """Open nothing yet: connections are made when needed. `failed` hears "read" or "write" of each failure."""
        self._failed = failed
        self.dialect = make_url(url).get_backend_name()
        self._readers = _engine(url, size=READERS)
        self._writers = _engine(url, size=1)
        if self.dialect == "sqlite":
            _as_sqlite(self._readers, begin="BEGIN", only_reads=True)
            _as_sqlite(self._writers, begin="BEGIN IMMEDIATE", only_reads=False)
        else:
            _as_postgresql(self._readers, begin=READING)
            _as_postgresql(self._writers, begin=WRITING)
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
        with self._reachable("read"), Session(self._readers) as session:
            return work(session)

    def write_now(self, work: Callable[[Session], T]) -> T:
        """`write`, in this thread: takes the writer's lock, and commits unless `work` raises."""
        with self._reachable("write"), Session(self._writers) as session:
            answer = work(session)
            with self._reachable("write", UNKNOWN if self.dialect == "postgresql" else UNDONE):
                session.commit()
            return answer

    async def rehearse(self, work: Callable[[Session], T]) -> T:
        """`write`, but nothing of it stays: the transaction is rolled back."""
        return await asyncio.get_running_loop().run_in_executor(self._writing, self.rehearse_now, work)

    def rehearse_now(self, work: Callable[[Session], T]) -> T:
        """`rehearse`, in this thread."""
        with self._reachable("write"), Session(self._writers) as session:
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
            with self._reachable("write"), self._readers.connect() as connection:
                driver: Any = connection.connection.driver_connection
                _move_log(driver)
        finally:
            self._moving.release()

    @contextmanager
    def _reachable(self, door: str, fate: str = UNDONE) -> Iterator[None]:
        """Turn a database that is out of reach into Unavailable; what it refuses for its content passes through."""
        try:
            yield
        except (*OUT_OF_REACH, DBAPIError, psycopg.Error, sqlite3.Error) as error:
            self._failed(door)
            if _is_content(error):
                raise
            if isinstance(error, OUT_OF_REACH):
                raise Unavailable(f"the database cannot be reached; {fate}", detail=str(error)) from error
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                raise Unavailable(f"the database went away; {fate}", detail=str(error)) from error
            raise

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
    """Whether an OperationalError is about what was asked, a text too long for an index, and not about the database."""
    driver = getattr(error, "orig", error)
    code, state = getattr(driver, "sqlite_errorcode", None), getattr(driver, "sqlstate", None)
    too_much = state is not None and state.startswith("54")  # PostgreSQL's class 54, "program limit exceeded"
    return too_much or (code is not None and code & 0xFF in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG))


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

    _begin_with(engine, begin)


def _as_postgresql(engine: Engine, *, begin: str) -> None:
    """Transactions that we begin, in one message with what holds in each; the driver's own takes a message more."""

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        # Where a pooler lets LISTEN stick to this server connection, the driver would keep each for ever.
        connection.add_notify_handler(lambda _notification: None)

    _begin_with(engine, begin)


def _begin_with(engine: Engine, begin: str) -> None:
    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.connection.driver_connection.execute(begin)
