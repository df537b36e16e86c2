"""Waiting for what must come, and never for longer than it may take."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.system.served import Served


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until the condition holds; fail when it does not come to that in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.01)


def listens(served: Served, subscribers: int = 1) -> None:
    """Wait until exactly so many subscribers are served."""
    until(lambda: served.service.feed.listeners() == subscribers)
