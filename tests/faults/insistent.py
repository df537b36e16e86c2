"""Directories that repeat an event until a server has taken it, as a sender of webhooks does."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import httpx

from tests.system.directory import Json, Outside, headers, user_in

GROUPS = ("eng", "ops", "sales", "law")
USERS_EACH = 4
FOUNDER = user_in("founder", *GROUPS, id="evt_founder")
INSISTS = 75.0  # seconds that one event may take in all
PAUSE = 0.1  # seconds; shorter than any Retry-After, so that the test is not mostly waiting


def company(url: str) -> str:
    """Each group gives the role of its name, and FOUNDER has them all. Returns the change log's end, a cursor."""
    with Outside(url) as outside:
        outside.tell(FOUNDER)
        outside.role(*GROUPS)
        for group in GROUPS:
            outside.maps(group, group)
        return outside.head()


class Insistent:
    """Tells snapshots of its own users, one after the other; the next when the one before is answered 201."""

    def __init__(self, number: int, urls: Sequence[str]) -> None:
        self.users = [f"user_{number}_{each}" for each in range(USERS_EACH)]
        self.events: list[Json] = []
        self.answers: dict[str, Json] = {}  # by event id
        self.refused = 0  # 503
        self.lost = 0  # connections that broke or were not made
        self._dice = random.Random(number)
        self._clients = [httpx.Client(base_url=url, timeout=20) for url in urls]

    def tell_until(self, stop: threading.Event) -> None:
        while not stop.is_set():
            groups = self._dice.sample(GROUPS, self._dice.randrange(len(GROUPS) + 1))
            event = user_in(self._dice.choice(self.users), *groups)
            self.events.append(event)
            self.answers[event["id"]] = self._insist(event)
        for client in self._clients:
            client.close()

    def _insist(self, event: Json) -> Json:
        """Send until the answer is 201, to another server after each failure."""
        body = json.dumps(event).encode()
        deadline = time.monotonic() + INSISTS
        while time.monotonic() < deadline:
            try:
                response = self._clients[0].post("/webhook", content=body, headers=headers(body))
            except httpx.TransportError:
                self.lost += 1
            else:
                if response.status_code == 201:
                    answer: Json = response.json()
                    return answer
                assert response.status_code == 503, response.text
                assert response.headers["retry-after"].isdecimal()
                self.refused += 1
            self._clients.append(self._clients.pop(0))
            time.sleep(PAUSE)
        raise AssertionError(f"{event['id']} was not taken within {INSISTS} seconds")


class Load:
    """Several of them at work."""

    def __init__(self, senders: Sequence[Insistent]) -> None:
        self.senders = senders

    def answered(self) -> int:
        """How many events have been answered 201 so far."""
        return sum(len(each.answers) for each in self.senders)

    def refused(self) -> int:
        """How many answers were 503 so far."""
        return sum(each.refused for each in self.senders)

    def goes_on(self, more: int = 20, seconds: float = 45.0) -> None:
        """Wait until so many more are answered."""
        goal, deadline = self.answered() + more, time.monotonic() + seconds
        while self.answered() < goal:
            assert time.monotonic() < deadline, f"{self.answered()} of {goal} were answered"
            time.sleep(0.02)


@contextmanager
def load(*urls: str, senders: int = 8) -> Iterator[Load]:
    """Load on these servers for as long as the block lasts; afterwards every event that was told has been answered."""
    stop = threading.Event()
    insistent = [
        Insistent(number, urls[number % len(urls) :] + urls[: number % len(urls)]) for number in range(senders)
    ]
    with ThreadPoolExecutor(senders) as pool:
        working: list[Future[None]] = [pool.submit(each.tell_until, stop) for each in insistent]
        try:
            yield Load(insistent)
        finally:
            stop.set()
    for each in working:
        each.result()
