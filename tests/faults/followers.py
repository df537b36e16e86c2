"""Subscribers that come back whenever their connection ends, and resume after the last change that they saw."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import httpx
from websockets.exceptions import WebSocketException

from tests.api.graphql.clients import events
from tests.system.directory import AUTHORIZATION, ORGANIZATION, Json
from tests.system.following import CHANGES, code, over_websocket

LOST = (OSError, EOFError, WebSocketException, httpx.TransportError)  # TimeoutError is an OSError
COME_BACK = {"UNAVAILABLE", "LAGGED"}
PAUSE = 0.1  # seconds


@contextmanager
def over_sse(url: str, query: str, **variables: object) -> Iterator[Iterator[Json]]:
    """Subscribe by server-sent events; ConnectionError for any answer but 200."""
    request, accept = {"query": query, "variables": variables}, {"Accept": "text/event-stream"}
    with httpx.stream("POST", f"{url}/graphql", json=request, headers=AUTHORIZATION | accept, timeout=5) as response:
        if response.status_code != 200:
            raise ConnectionError(f"answered {response.status_code}")
        yield (json.loads(event["data"]) for event in events(response) if event.get("event") == "next")


Follow = Callable[..., AbstractContextManager[Iterator[Json]]]
TRANSPORTS: dict[str, Follow] = {"WebSocket": over_websocket, "SSE": over_sse}


class Follower:
    """Follows an organization, on each of the servers in turn."""

    def __init__(self, follow: Follow, urls: list[str], start: str) -> None:
        """`start` is the cursor that it begins after."""
        self.seen: list[Json] = []
        self.connections = 0
        self._follow, self._urls, self._cursor = follow, urls, start
        self._failure: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def sees(self, expected: list[Json], seconds: float = 30.0) -> None:
        """Wait until it has seen as many changes as expected; they have to be those, in order, each once."""
        deadline = time.monotonic() + seconds
        while len(self.seen) < len(expected) and time.monotonic() < deadline and self._failure is None:
            time.sleep(0.02)
        assert self._failure is None, repr(self._failure)
        assert self.seen == expected

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen(self._urls[self.connections % len(self._urls)])
            except LOST:
                self._stop.wait(PAUSE)
            except BaseException as failure:  # the test's own thread tells it
                self._failure = failure
                return

    def _listen(self, url: str) -> None:
        self.connections += 1
        with self._follow(url, CHANGES, organization=ORGANIZATION, after=self._cursor) as payloads:
            for payload in payloads:
                if self._stop.is_set():
                    return
                if "errors" in payload:
                    assert code(payload) in COME_BACK, payload
                    return
                change: Json = payload["data"]["roleChanges"]
                self.seen.append(change)
                self._cursor = change["cursor"]


@contextmanager
def following(start: str, *urls: str) -> Iterator[list[Follower]]:
    """A subscriber over each transport, from the cursor on."""
    with ExitStack() as stack:
        followers = [Follower(follow, list(urls), start) for follow in TRANSPORTS.values()]
        for each in followers:
            stack.callback(each.stop)
        yield followers
