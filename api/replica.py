"""The read replica: queries on a copy that may be behind, and on the original where it is too far behind."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar, cast

from sqlmodel import Session

from api.database import Database, Silent
from schema.cursors import Reached
from schema.graphql.context import Reads
from schema.problems import CursorExpired, Unavailable
from schema.sql import Statement

T = TypeVar("T")
log = logging.getLogger("rolecast.replica")

WAIT_SECONDS = 2.0  # for the replica to see what the client has seen, before the original is asked
LOOK_SECONDS = 0.02  # between two looks at it
SILENT_SECONDS = 5.0  # for one answer; the limits of a query keep it far below on a replica that lives
REST_SECONDS = 15.0  # longer than a connection without life takes to be found out
QUIET_SECONDS = 60.0  # between two warnings that it is out of reach
HEADS = Statement("""
    SELECT id, (SELECT coalesce(max(position), 0) FROM changes), (SELECT coalesce(max(position), 0) FROM journal)
    FROM log""")


class _Behind(Exception):
    """The replica's snapshot does not reach so far."""


class _Elsewhere(Exception):
    """The replica knows another log: the original may have been restored, and this not yet."""


class Replica:
    """Reads of queries. Whatever is to be exact, rights and the feed among them, asks the original itself."""

    def __init__(self, original: Database, url: str) -> None:
        """`url` is the replica's, as SQLAlchemy takes it."""
        self._original = original
        self._copy = Database(url)
        self._warned = -QUIET_SECONDS
        self._silent_until: float | None = None  # unless the last answer came in time

    def reaching(self, at_least: Reached | None) -> Reads:
        """Reads that reach so far."""
        return cast("Reads", partial(self.read, at_least=at_least))

    async def read(self, work: Callable[[Session], T], *, at_least: Reached | None = None) -> T:
        """Run `work` on one snapshot that reaches `at_least`: of the replica within two seconds, else of the original.

        A replica out of reach is none, one that does not know a cursor yet is behind, and one that says nothing is left
        alone for a while: its threads wait for it.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        while self._may_be_asked():
            try:
                return await self._ask(partial(_if_it_reaches, work=work, at_least=at_least))
            except _Behind:
                if time.monotonic() >= deadline:
                    break
                await asyncio.sleep(LOOK_SECONDS)
            except (_Elsewhere, CursorExpired):
                break
            except Unavailable as problem:  # also: a migration has not come to it yet
                self._warn(problem)
                break
        return await self._original.read(work)

    async def _ask(self, work: Callable[[Session], T]) -> T:
        rests_until = None
        try:
            return await self._copy.read(work, within=SILENT_SECONDS)
        except Silent:
            rests_until = time.monotonic() + REST_SECONDS
            raise
        finally:
            self._silent_until = rests_until

    def _may_be_asked(self) -> bool:
        """Not while it rests; then one query finds out for all, and the others go on with the original."""
        if self._silent_until is None:
            return True
        if time.monotonic() < self._silent_until:
            return False
        self._silent_until = time.monotonic() + SILENT_SECONDS
        return True

    def give_up(self) -> None:
        """Nobody has time any more to wait for it."""
        self._copy.give_up()

    def _warn(self, problem: Unavailable) -> None:
        if time.monotonic() - self._warned >= QUIET_SECONDS:
            self._warned = time.monotonic()
            log.warning("the read replica is out of reach, and the original is read: %s", problem.detail or problem)

    def close(self) -> None:
        """Let go of every connection."""
        self._copy.close()


def _if_it_reaches(session: Session, *, work: Callable[[Session], T], at_least: Reached | None) -> T:
    if at_least is not None:
        name, change, event = HEADS.one(session)
        if name != at_least.log:
            raise _Elsewhere
        if change < at_least.change or event < at_least.event:
            raise _Behind
    return work(session)
