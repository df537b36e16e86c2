"""Counters for the `limits` library, of which the oldest are forgotten past a bound."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import NamedTuple

from limits.storage import Storage


class Window(NamedTuple):
    """How many were counted, and when the count ends, in seconds since the epoch as `limits` has them."""

    counted: int
    until: float


class Counters(Storage):
    """At most `kept` fixed windows of one length. The library's own storage grows as long as new keys come.

    They lie in the order in which they began, so those that have ended are in front, and what has to go before its end
    is what would have ended next. Whoever fills this up is forgotten, and so are others; nobody is counted twice.
    """

    STORAGE_SCHEME = None  # made here alone, and by no URL

    def __init__(self, kept: int) -> None:
        super().__init__()
        self._kept = kept
        self._windows: OrderedDict[str, Window] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """Nothing here fails."""
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, in the key's window or a new one of `expiry` seconds; gives the count."""
        count = self.get(key) + amount
        if count > amount:
            self._windows[key] = self._windows[key]._replace(counted=count)
            return count
        self._make_room()  # which takes this key's own away, if it has ended
        self._windows[key] = Window(amount, time.time() + expiry)
        return amount

    def get(self, key: str) -> int:
        """The count; 0 for what was never counted, has ended or is forgotten."""
        window = self._windows.get(key)
        return 0 if window is None or window.until <= time.time() else window.counted

    def get_expiry(self, key: str) -> float:
        """When the key's window ends; now, if there is none."""
        window = self._windows.get(key)
        return time.time() if window is None else window.until

    def check(self) -> bool:
        """Whether it works, as `limits` asks of a storage."""
        return True

    def reset(self) -> int:
        """Forget everything; gives how many windows that was."""
        count = len(self._windows)
        self._windows.clear()
        return count

    def clear(self, key: str) -> None:
        """Forget a key's window."""
        self._windows.pop(key, None)

    def _make_room(self) -> None:
        now = time.time()
        while self._windows:
            oldest = next(iter(self._windows.values()))
            if len(self._windows) < self._kept and oldest.until > now:
                return
            self._windows.popitem(last=False)
