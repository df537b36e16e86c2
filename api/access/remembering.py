"""A dictionary that keeps what was put into it last, and lets go of the oldest."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """At most `kept` entries: what many different strangers send cannot fill the memory."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._entries: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value, if it is still there."""
        return self._entries.get(key)

    def put(self, key: K, value: V) -> None:
        """Remember it as the newest."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._kept:
            self._entries.popitem(last=False)

    def forget(self, key: K) -> None:
        """Let go of it, if it is there."""
        self._entries.pop(key, None)
