"""Looks things up by key: the questions of one moment are one read, and an answer is trusted for a moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from sqlmodel import Session

from api.access.remembering import Recent
from schema.graphql.context import Reads

FRESH_SECONDS = 2.0  # how long an answer is trusted at most: what another process changed may not be known here yet
KEPT = 10_000  # answers remembered at once

K = TypeVar("K")
V = TypeVar("V")


class Answer(NamedTuple, Generic[V]):
    """What was found, when, and as of which version of what is stored."""

    value: V
    at: float
    version: int


class Lookup(Generic[K, V]):
    """Finds values by their keys, in batches. What is not found is asked again each time.

    Thousands of live connections look their credentials up at the same tick: whoever asks while nobody reads yet joins
    the next read, and while one runs, those who come gather for the one after it. So an answer is never older than the
    question, except for what was remembered.
    """

    def __init__(
        self,
        read: Reads,
        find: Callable[[Session, Sequence[K]], Mapping[K, V]],
        *,
        version: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`find` gives the values that there are; `version` goes up with every change that this process knows of."""
        self._read = read
        self._find = find
        self._version = version
        self._clock = clock
        self._known: Recent[K, Answer[V]] = Recent(KEPT)
        self._gathering: dict[K, None] = {}
        self._next: asyncio.Task[Mapping[K, V]] | None = None
        self._reading = asyncio.Lock()

    async def find(self, key: K) -> V | None:
        """The value of the key, if there is one. Raises Unavailable when nobody can tell."""
        known = self._known.get(key)
        if known is not None and known.version == self._version() and 0 <= self._clock() - known.at < FRESH_SECONDS:
            return known.value
        self._gathering[key] = None
        if self._next is None or self._next.done():
            self._next = asyncio.create_task(self._ask())  # begins once all who woke at this tick have asked
            self._next.add_done_callback(_heard)
        return (await asyncio.shield(self._next)).get(key)  # who goes away does not take the others' answer along

    async def _ask(self) -> Mapping[K, V]:
        async with self._reading:
            keys, self._gathering, self._next = tuple(self._gathering), {}, None
            at, version = self._clock(), self._version()  # before the read: what changes meanwhile is asked again
            found = await self._read(lambda session: self._find(session, keys))
        for key in keys:
            if key in found:
                self._known.put(key, Answer(found[key], at, version))
            else:
                self._known.forget(key)
        return found


def _heard(task: asyncio.Task[Mapping[K, V]]) -> None:
    """Everybody who asked may be gone by now: a failure that nobody awaits is no news."""
    if not task.cancelled():
        task.exception()
