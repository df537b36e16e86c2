"""Engines: what a connection of each kind of database is told, and how its transactions begin."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url

BUSY_SECONDS = 10  # how long SQLite waits for another process's write before it gives up
WRITER_LOCK = 0x726F6C65  # "role": the key of PostgreSQL's advisory lock that makes writers take turns
FROZEN_SECONDS = 30  # how long a writer that says nothing, dead or stopped, may keep the lock from the others
# A network that says nothing ends in a 503 and not in a webhook that waits for ever. Nothing here is state of the
# session: a pooler between the transactions (PgBouncer's transaction mode) may give each another server connection.
PREPARES_NOTHING: dict[str, Any] = {"prepare_threshold": None}
OVER_THE_NETWORK: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": BUSY_SECONDS * 1000,
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


def over_the_network(url: str) -> dict[str, Any]:
    """What every connection to PostgreSQL is told beside its URL of SQLAlchemy's, which knows its network better."""
    said = make_url(url).query
    return {name: value for name, value in OVER_THE_NETWORK.items() if name not in said} | PREPARES_NOTHING


def sqlite_engine(url: str, *, size: int, only_reads: bool) -> Engine:
    """Durable and concurrent SQLite: a write-ahead log, synced at each commit, and transactions that we begin.

    The driver's own begin late and lose updates between threads; BEGIN IMMEDIATE takes the write lock first.
    """
    # Parameters hold payloads, and those are people's data.
    engine = create_engine(url, pool_size=size, max_overflow=0, pool_timeout=BUSY_SECONDS, hide_parameters=True)

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

    _begin_with(engine, "BEGIN" if only_reads else "BEGIN IMMEDIATE")
    return engine


def postgresql_engine(url: str, *, size: int, only_reads: bool) -> Engine:
    """Transactions that we begin, in one message with what holds in each; the driver's own takes a message more."""
    engine = create_engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args=over_the_network(url),
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        # Where a pooler lets LISTEN stick to this server connection, the driver would keep each for ever.
        connection.add_notify_handler(lambda _notification: None)

    _begin_with(engine, READING if only_reads else WRITING)
    return engine


def _begin_with(engine: Engine, begin: str) -> None:
    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.connection.driver_connection.execute(begin)


def move_log(driver: Any) -> None:
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
