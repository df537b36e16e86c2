"""The database: many readers in threads, each on one snapshot, and one writer in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlmodel import Session

from api.discretion import safely
from api.engines import move_log, postgresql_engine, sqlite_engine
from api.failures import RAISED, let_go, unusable
from api.same_file import SameFile
from schema.problems import Unavailable

T = TypeVar("T")

# Threads. Measured on 2 cores: 8 take a third more processor time for a read than 2, all waiting for one lock.
READERS = 4
ANSWERS_SECONDS = 20.0  # for one piece of work; the limits of a query keep it far below on a database that lives
UNDONE = "nothing was done, try again"
UNKNOWN = "whether it was done is not known, try again"  # it fell silent or broke between COMMIT and its answer


class Silent(Unavailable):
    """The database is there, and says nothing: its threads wait for it, whoever asked need not."""


class Database:
    """One database, SQLite or PostgreSQL, behind two doors: `read` and `write`."""

    def __init__(self, url: str, failed: Callable[[str], None] = lambda door: None) -> None:
        """Open nothing yet: connections are made when needed. `failed` hears "read" or "write" of each failure."""
        self._failed = failed
        self.dialect = make_url(url).get_backend_name()
        engine = sqlite_engine if self.dialect == "sqlite" else postgresql_engine
        self._readers = engine(url, size=READERS, only_reads=True)
        self._writers = engine(url, size=1, only_reads=False)
        self._reading = ThreadPoolExecutor(READERS, "rolecast-read")
        self._writing = ThreadPoolExecutor(1, "rolecast-write")
        self._moving = threading.Lock()
        self._file = SameFile(url)
        self._limits: set[asyncio.Timeout] = set()
        self._given_up = False

    async def read(self, work: Callable[[Session], T], *, within: float = ANSWERS_SECONDS) -> T:
        """Run `work` in a reader's thread on one snapshot of the database. Raises Unavailable when there is none.

        Raises Silent, an Unavailable too, when it takes longer than `within` seconds.
        """
        return await self._answered("read", partial(self.read_now, work), within, UNDONE)

    async def write(self, work: Callable[[Session], T], *, within: float | None = ANSWERS_SECONDS) -> T:
        """Run `work` in the writer's thread, in one transaction, durable when this returns.

        Raises Silent after `within` seconds (None: never): it may be done all the same.
        """
        return await self._answered("write", partial(self.write_now, work), within, UNKNOWN)

    def read_now(self, work: Callable[[Session], T]) -> T:
        """`read`, in this thread."""
        with self._reachable("read"), Session(self._readers) as session:
            self._file.hold()
            answer = work(session)
            self._file.remember()
            return answer

    def write_now(self, work: Callable[[Session], T]) -> T:
        """`write`, in this thread: takes the writer's lock, and commits unless `work` raises."""
        with self._reachable("write"), Session(self._writers) as session:
            answer = work(session)
            self._file.hold()
            with self._reachable("write", UNKNOWN if self.dialect == "postgresql" else UNDONE):
                session.commit()
            self._file.remember()
            return answer

    async def rehearse(self, work: Callable[[Session], T]) -> T:
        """`write`, but nothing of it stays: the transaction is rolled back."""
        return await self._answered("write", partial(self.rehearse_now, work), ANSWERS_SECONDS, UNDONE)

    def rehearse_now(self, work: Callable[[Session], T]) -> T:
        """`rehearse`, in this thread."""
        with self._reachable("write"), Session(self._writers) as session:
            answer = work(session)
            session.rollback()
            return answer

    async def _answered(self, door: str, run: Callable[[], T], within: float | None, fate: str) -> T:
        """What a thread answers, in time; work that no thread has begun by then is not begun any more."""
        threads = self._reading if door == "read" else self._writing
        limit = asyncio.timeout(0.0 if self._given_up and within is not None else within)
        self._limits.add(limit)
        try:
            async with limit:
                return await asyncio.get_running_loop().run_in_executor(threads, run)
        except TimeoutError:
            self._failed(door)
            raise Silent(f"the database takes too long; {fate}", retry_after=5) from None
        finally:
            self._limits.discard(limit)

    def give_up(self) -> None:
        """Nobody has time any more: raise Silent to all who wait, but not to those who wait for ever."""
        self._given_up = True
        for limit in self._limits:
            if limit.when() is not None and not limit.expired():
                limit.reschedule(asyncio.get_running_loop().time())

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
                move_log(driver)
        finally:
            self._moving.release()

    @contextmanager
    def _reachable(self, door: str, fate: str = UNDONE) -> Iterator[None]:
        """Turn a database that is out of reach into Unavailable; what it refuses for its content passes through."""
        try:
            yield
        except RAISED as error:
            self._failed(door)
            let_go(error)
            if (wrong := unusable(error)) is None:
                raise
            raise Unavailable(f"{wrong}; {fate}", detail=safely(error)) from error

    def engine(self) -> Engine:
        """The writer's engine, for migrations."""
        return self._writers

    def close(self) -> None:
        """Finish what runs, and let go of every connection."""
        self._reading.shutdown()
        self._writing.shutdown()
        self._readers.dispose()
        self._writers.dispose()
