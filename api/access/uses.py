"""When each API key was last used: remembered at once, written down now and then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from sqlmodel import Session

from schema.graphql.context import KeyInfo
from schema.problems import Problem
from schema.sql import Statement
from schema.times import SECOND

log = logging.getLogger("rolecast.access")

FLUSH_SECONDS = 1.0
APART = 60 * SECOND  # between two writes about one key: a commit a request would be the busiest table of all
WRITE = Statement(
    """
    UPDATE api_keys SET last_used_at = used.at FROM {rows} used
    WHERE api_keys.id = used.id AND (api_keys.last_used_at IS NULL OR api_keys.last_used_at < used.at)""",
    rows="id text, at bigint",
)
T = TypeVar("T")


class Writes(Protocol):
    """One durable write transaction."""

    async def __call__(self, work: Callable[[Session], T], /) -> T:
        """Run `work` on a session and return what it returns."""
        ...


class Uses:
    """The uses of this process. Bookkeeping, and no event: a key's last use changes nothing but what is shown of it."""

    def __init__(self, write: Writes) -> None:
        self._write = write
        self._last: dict[str, int] = {}
        self._written: dict[str, int] = {}
        self._due: set[str] = set()

    def note(self, key: KeyInfo, now: int) -> int:
        """The key is used now, in nanoseconds; gives when it was used last, which another process may have seen."""
        self._last[key.id] = last = max(now, self._last.get(key.id, 0), key.last_used_at or 0)
        if now - max(self._written.get(key.id, 0), key.last_used_at or 0) >= APART:
            self._due.add(key.id)
        return last

    async def flush(self, *, everything: bool = False) -> None:
        """Write what is due, or all that is not written yet. What cannot be written now stays due."""
        if everything:
            self._due.update(id for id, at in self._last.items() if at > self._written.get(id, 0))
        due, self._due = self._due, set()
        if not due:
            return
        rows = [(id, self._last[id]) for id in due]
        try:
            await self._write(lambda session: WRITE.run(session, rows=rows))
        except BaseException:
            self._due |= due
            raise
        self._written.update(rows)

    async def run(self) -> None:
        """Flush once a second, for ever."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.try_to_flush()

    async def try_to_flush(self, **options: Any) -> None:
        """`flush`, and log what prevents it: nobody is refused because a last use cannot be written down."""
        try:
            await self.flush(**options)
        except Problem as problem:
            log.warning("the last uses of API keys cannot be written yet: %s", problem.detail or problem)
        except Exception:
            log.exception("the last uses of API keys cannot be written yet")
