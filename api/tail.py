"""The live end of a log, and its subscribers: each row once, in commit order, with no gap between past and present."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, NamedTuple, Protocol, Self, TypeVar

from sqlmodel import Session

from schema.graphql.context import Reads
from schema.problems import CursorExpired, Lagged

PAGE = 500  # rows the tail reads at once
TAKE = 20  # rows given to a subscriber at once: how often it shows that it goes on
BUFFER = 1000  # rows held for one subscriber; past that it reads the log itself, or is told to resume
STALLED_SECONDS = 0.5  # one that did not come back for so long is stuck; a burst alone is no reason to send it away

Interest = tuple[str, int] | None  # ("user", key), ("organization", key), or None for everything


class Row(Protocol):
    """What a log holds: a row that knows its position."""

    @property
    def position(self) -> int:
        """Where in the log the row is."""
        ...


R = TypeVar("R", bound=Row)


class Source(Protocol[R]):
    """Reads the rows of one log after a position, oldest first, of one interest."""

    def __call__(self, session: Session, position: int, limit: int, interest: Interest, /) -> list[R]:
        """At most `limit` rows."""
        ...


class Extent(NamedTuple):
    """Which log it is, the position that it begins after, and its last."""

    log: str
    beginning: int
    head: int


class Tail(Generic[R]):
    """The live end of one log: reads each row once, and hands it to the subscribers whose interest it is."""

    def __init__(
        self,
        read: Reads,
        rows: Source[R],
        extent: Callable[[Session], Extent],
        interests: Callable[[R], Sequence[Interest]],
    ) -> None:
        """`interests` names a row's every interest."""
        self.read = read
        self.rows = rows
        self.position: int | None = None  # unknown until the first look
        self.reached = 0  # a commit of this process, or a head that was read; what others tell proves nothing
        self.log: str | None = None
        self.life = 0  # how often the log was another than before
        self.delivered: Callable[[Sequence[R]], None] = lambda rows: None
        self._extent = extent
        self._interests = interests
        self._subscribers: defaultdict[Interest, set[Subscriber[R]]] = defaultdict(set)

    async def look(self) -> None:
        """Read what has come since the last look, and hand it out in order; nothing is read while nobody listens.

        A log that was derived anew, or lost its end to a failover, ends every subscriber with CursorExpired: what comes
        next would go out under positions that they have passed.
        """
        while True:
            position, reached, wanted = self.position or 0, self.reached, bool(self._subscribers)
            rows, there = await self.read(partial(self._news, position=position, wanted=wanted))
            if self.log not in (None, there.log) or there.head < max(position, reached):
                return self._begin_anew(there)
            self.log, self.reached = there.log, max(self.reached, there.head)
            if self._subscribers and not wanted:
                continue  # somebody came while the rows were passed over: read again, with them
            if position < there.beginning:
                self._lose(position)
            for row in rows:
                self._hand_out(row)
            self.position = rows[-1].position if len(rows) == PAGE else there.head
            if len(rows) < PAGE:
                return

    def committed(self, position: int) -> bool:
        """Take note of this process's own commit, and tell whether there is more to read: not if nobody listens."""
        self.reached = max(self.reached, position)
        if not self._subscribers:
            self.position = max(self.position or 0, position)
        return position > (self.position or 0)

    def past(self, session: Session, after: int, interest: Interest, log: str | None) -> list[R]:
        """The next rows of interest after a position of the log. Raises CursorExpired when that is not this log."""
        there = self._extent(session)
        if there.log != log or there.head < after:
            raise _another()
        return self.rows(session, after, TAKE, interest)

    def join(self, subscriber: Subscriber[R]) -> None:
        """Hand the subscriber every row after the tail's position, from now on."""
        self._subscribers[subscriber.interest].add(subscriber)

    def leave(self, subscriber: Subscriber[R]) -> None:
        """Forget a subscriber; does nothing the second time."""
        mine = self._subscribers.get(subscriber.interest)
        if mine is not None:
            mine.discard(subscriber)
            if not mine:
                del self._subscribers[subscriber.interest]

    def listeners(self) -> int:
        """How many subscribers there are."""
        return sum(len(each) for each in self._subscribers.values())

    def _news(self, session: Session, *, position: int, wanted: bool) -> tuple[list[R], Extent]:
        there = self._extent(session)
        readable = wanted and position >= there.beginning
        return self.rows(session, position, PAGE, None) if readable else [], there

    def _begin_anew(self, there: Extent) -> None:
        """Go on from the end of what is there now; who came before finds at its next turn that it is over."""
        self.log, self.position, self.reached = there.log, there.head, there.head
        self.life += 1
        for subscribers in tuple(self._subscribers.values()):
            for subscriber in tuple(subscribers):
                subscriber.spill(there.head)

    def _lose(self, position: int) -> None:
        """Rows after the position were archived before they were handed out: each subscriber finds that in the log."""
        for subscribers in tuple(self._subscribers.values()):
            for subscriber in tuple(subscribers):
                subscriber.spill(position)

    def _hand_out(self, row: R) -> None:
        for interest in self._interests(row):
            for subscriber in tuple(self._subscribers.get(interest, ())):
                subscriber.take(row)


class Subscriber(Generic[R]):
    """A cursor and a bounded buffer: an async iterator over lists of rows, each row once, in commit order.

    With a cursor, the past is read in pages until it meets the live tail. Without one, it begins at its making. A burst
    that overflows the buffer is read from the log as well, unless nobody has asked for rows for STALLED_SECONDS.
    """

    def __init__(self, tail: Tail[R], after: int | None, interest: Interest, start: int) -> None:
        """`after` is exclusive; `start` is the position that counts as now."""
        self.interest = interest
        self._tail, self._log, self._life = tail, tail.log, tail.life
        self._after = start if after is None else after
        self._buffer: deque[R] = deque()
        self._news = asyncio.Event()
        self._past = after is not None
        self._joined = after is None
        self._spilled = self._closed = False
        self._given = time.monotonic()
        if self._joined:
            tail.join(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[R]:
        """The next rows, at least one. Raises Lagged when too much waited too long, CursorExpired in another log."""
        stuck = time.monotonic() - self._given > STALLED_SECONDS
        while not self._closed:
            if self._life != self._tail.life:
                self._tail.leave(self)
                raise _another()
            if self._spilled:
                self._look_back_again(stuck)
            rows = await self._look_back() if self._past else await self._wait()
            if rows:
                self._after, self._given = rows[-1].position, time.monotonic()
                if not self._past:
                    self._tail.delivered(rows)
                return rows
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Stop listening, and free what was waiting."""
        self._closed = True
        self._buffer.clear()
        self._tail.leave(self)
        self._news.set()

    def take(self, row: R) -> None:
        """Keep a live row until it is asked for; past the buffer's limit, let go of all: the log has them."""
        if len(self._buffer) < BUFFER:
            self._buffer.append(row)
            self._news.set()
        else:
            self.spill(row.position - 1)

    def spill(self, handed: int) -> None:
        """Let go of all that waits, and read the log on; every row of interest up to `handed` was given or waits."""
        if not self._past:
            self._after = max(self._after, self._buffer[0].position - 1 if self._buffer else handed)
        self._spilled = True
        self._buffer.clear()
        self._tail.leave(self)
        self._news.set()

    def _look_back_again(self, stuck: bool) -> None:
        """After a burst beyond the buffer, read the log on from the last row; raise Lagged if nobody was taking."""
        if stuck:
            raise Lagged("too far behind the change log; resume from the last cursor seen")
        self._spilled = self._joined = False
        self._past = True

    async def _look_back(self) -> list[R]:
        """A page of the past. On the last one the tail is joined first: what it then hands out meets this read."""
        after = self._after
        rows = await self._tail.read(lambda session: self._tail.past(session, after, self.interest, self._log))
        if len(rows) == TAKE or self._closed:
            return rows
        if not self._joined:
            self._joined = True
            self._tail.join(self)
            return rows  # and look once more: what was committed before the joining is in the next read
        self._past = False
        return rows

    async def _wait(self) -> list[R]:
        await self._news.wait()
        self._news.clear()
        rows = [self._buffer.popleft() for _ in range(min(TAKE, len(self._buffer)))]
        if self._buffer:
            self._news.set()
        return [row for row in rows if row.position > self._after]


def _another() -> CursorExpired:
    return CursorExpired("the log is another than it was; read the present state and start from its cursor")
