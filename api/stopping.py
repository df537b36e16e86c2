"""Hears that the server is asked to stop before the server does: uvicorn cuts sockets, also those it owes an answer."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

log = logging.getLogger("rolecast")

SIGNALS = (signal.SIGTERM, signal.SIGINT)
ANSWERS_WITHIN = 6.0  # seconds for the database to take what was accepted; past that, its senders are told to repeat it
HOLDS_WITHIN = ANSWERS_WITHIN + 0.5  # seconds; whoever was told to repeat it has heard so by then
PARTING = 0.1  # seconds for sockets to say why they close, before uvicorn closes them with 1012 and no reason
ENDS_WITHIN = 7.5  # seconds; supervisors commonly kill after ten, and the one of several workers looks twice a second


class Answers:
    """How many answers are owed; who stops waits until they are given."""

    def __init__(self) -> None:
        self._owed = 0
        self._none_owed = asyncio.Event()
        self._none_owed.set()

    @contextmanager
    def owing(self) -> Iterator[None]:
        """One more answer is owed, until the block ends."""
        self._owed += 1
        self._none_owed.clear()
        try:
            yield
        finally:
            self._owed -= 1
            if not self._owed:
                self._none_owed.set()

    async def given(self) -> None:
        """Return when none is owed, or when there is no time left to give one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HOLDS_WITHIN):
                await self._none_owed.wait()


class Stopping:
    """Once the process is told to stop, everyone who waits for it goes on; the server hears of it after `answers`."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self.answers = Answers()

    @property
    def asked(self) -> bool:
        """Whether the server has been asked to stop."""
        return self._asked.is_set()

    async def wait(self) -> None:
        """Return when the server has been asked to stop."""
        await self._asked.wait()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Put an ear before the handlers of SIGTERM and SIGINT that are there; only a main thread has signals."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.getsignal(each) for each in SIGNALS}
        ear = _Ear(before, asyncio.get_running_loop(), self._asked)
        for each in SIGNALS:
            signal.signal(each, ear.hear)
        passing_on = asyncio.create_task(self._pass_on(ear))
        try:
            yield
        finally:
            passing_on.cancel()
            for each, handler in before.items():
                signal.signal(each, handler)

    @contextmanager
    def with_parent(self) -> Iterator[None]:
        """Where the process is one of several workers, stop as asked when the one that started them is gone.

        Workers without it would hold the port, and nobody would know of them.
        """
        parent = multiprocessing.parent_process()
        if parent is None:
            yield
            return
        loop = asyncio.get_running_loop()

        def orphaned() -> None:
            loop.remove_reader(parent.sentinel)
            log.warning("the process that started this one is gone; stopping")
            os.kill(os.getpid(), signal.SIGTERM)

        loop.add_reader(parent.sentinel, orphaned)
        try:
            yield
        finally:
            loop.remove_reader(parent.sentinel)

    async def _pass_on(self, ear: _Ear) -> None:
        await self.wait()
        await self.answers.given()
        await asyncio.sleep(PARTING)
        ear.pass_on()


class _Ear:
    """Keeps signals from the handlers that were there before, until it is told to pass them on."""

    def __init__(
        self, before: dict[signal.Signals, Any], loop: asyncio.AbstractEventLoop, asked: asyncio.Event
    ) -> None:
        self._before = before
        self._loop = loop
        self._asked = asked
        self._kept: list[int] = []
        self._passes = False
        self._last = threading.Timer(ENDS_WITHIN, _leave)
        self._last.daemon = True

    def hear(self, number: int, _frame: FrameType | None) -> None:
        """Take a signal. A SIGINT after another signal is somebody at a terminal who will not wait."""
        if not self._last.is_alive():
            self._last.start()
        impatient = number == signal.SIGINT and bool(self._kept)
        self._kept.append(number)
        self._loop.call_soon_threadsafe(self._asked.set)
        if self._passes or impatient:
            self.pass_on()

    def pass_on(self) -> None:
        """Give the handlers what was kept, and everything from now on at once."""
        self._passes = True
        kept, self._kept = self._kept, []
        for number in kept:
            handler = self._before[signal.Signals(number)]
            if callable(handler):
                handler(number, None)


def _leave() -> None:
    """End the process whatever still runs in it: everyone was answered, and a commit is whole or was never made."""
    log.warning("the database, or where traces go, held on for %g seconds after the signal; ending now", ENDS_WITHIN)
    logging.shutdown()
    os._exit(0)
