"""Hears that the server is asked to stop before the server does: uvicorn tells sockets, and lets streams run on."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

log = logging.getLogger("rolecast")

SIGNALS = (signal.SIGTERM, signal.SIGINT)
ANSWERS_WITHIN = 6.0  # seconds for the database to take what was accepted; past that, its senders are told to repeat it
ENDS_WITHIN = 9.0  # seconds; supervisors commonly kill after ten


class Stopping:
    """Once the process is told to stop, everyone who waits for it goes on."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()

    async def wait(self) -> None:
        """Return when the server has been asked to stop."""
        await self._asked.wait()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Put an ear before the handlers of SIGTERM and SIGINT that are there; only a main thread has signals."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop, before = asyncio.get_running_loop(), {each: signal.getsignal(each) for each in SIGNALS}
        last = threading.Timer(ENDS_WITHIN, _leave)
        last.daemon = True

        def hear(number: int, frame: FrameType | None) -> None:
            if not last.is_alive():
                last.start()
            loop.call_soon_threadsafe(self._asked.set)
            handler: Any = before[signal.Signals(number)]
            if callable(handler):
                handler(number, frame)

        for each in SIGNALS:
            signal.signal(each, hear)
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def _leave() -> None:
    """End the process whatever still runs in it: everyone was answered, and a commit is whole or was never made."""
    log.warning("the database did not let go within %g seconds of the signal; ending without it", ENDS_WITHIN)
    logging.shutdown()
    os._exit(0)
