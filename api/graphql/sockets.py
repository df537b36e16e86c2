"""How many WebSockets and event streams each credential holds open in this process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from schema.graphql.context import Viewer
from schema.problems import TooManySockets

WAIT_SECONDS = 10  # what a refused client is told


class Sockets:
    """The open connections, by whose they are. A place is taken by `take`, and given back once, by its `leave`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: Counter[Hashable] = Counter()

    def take(self, viewer: Viewer) -> Place:
        """One place more for the viewer's credential; raise TooManySockets when it has as many as it may."""
        whose = _whose(viewer)
        if self._open[whose] >= self._limit:
            words = f"this credential holds {self._limit} connections open, which is the limit; close one of them"
            raise TooManySockets(words, retry_after=WAIT_SECONDS)
        self._open[whose] += 1
        return Place(self, whose)

    def leave(self, whose: Hashable) -> None:
        """Give a place back."""
        self._open[whose] -= 1
        if self._open[whose] <= 0:
            del self._open[whose]

    def __len__(self) -> int:
        """How many connections are open."""
        return self._open.total()


class Place:
    """One open connection's place."""

    def __init__(self, sockets: Sockets, whose: Hashable) -> None:
        self._sockets = sockets
        self._whose: Hashable | None = whose

    def leave(self) -> None:
        """Give it back; does nothing the second time."""
        whose, self._whose = self._whose, None
        if whose is not None:
            self._sockets.leave(whose)


def _whose(viewer: Viewer) -> Hashable:
    """A key, or a user: who renews a token is still the same."""
    if viewer.key is not None:
        return viewer.kind, viewer.key.id
    return viewer.kind, viewer.user_id or viewer.actor
