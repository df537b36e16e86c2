"""Look-ups: one read for everybody who asks at once, and never an answer that is older than what this process knows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pytest
from sqlmodel import Session

from api.access.lookup import KEPT, Lookup
from schema.problems import Unavailable

pytestmark = pytest.mark.anyio
T = TypeVar("T")


class Shelf:
    """What is stored; reads of it are counted, and may be held up or fail."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {"a": 1, "b": 2}
        self.reads: list[tuple[str, ...]] = []
        self.version = 0
        self.now = 0.0
        self.broken = False
        self.held: asyncio.Event | None = None
        self.lookup: Lookup[str, int] = Lookup(
            self.read, self.find, version=lambda: self.version, clock=lambda: self.now
        )

    async def read(self, work: Callable[[Session], T]) -> T:
        found = work(Session())
        if self.held is not None:
            await self.held.wait()
        await asyncio.sleep(0)
        return found

    def find(self, _session: Session, keys: Sequence[str]) -> dict[str, int]:
        self.reads.append(tuple(sorted(keys)))
        if self.broken:
            raise Unavailable("not now")
        return {key: self.values[key] for key in keys if key in self.values}

    async def all(self, *keys: str) -> list[Any]:
        return await asyncio.gather(*(self.lookup.find(key) for key in keys))


async def test_all_who_ask_at_once_are_one_read() -> None:
    shelf = Shelf()
    assert await shelf.all(*("a", "b", "c") * 700) == [1, 2, None] * 700
    assert shelf.reads == [("a", "b", "c")]


async def test_connections_that_wake_at_one_tick_are_one_read() -> None:
    shelf = Shelf()
    loop = asyncio.get_running_loop()
    tick = loop.time() + 0.05

    async def wake(key: str) -> int | None:
        await asyncio.sleep(tick - loop.time())
        return await shelf.lookup.find(key)

    shelf.values = {str(number): number for number in range(500)}
    assert await asyncio.gather(*(wake(str(number)) for number in range(500))) == list(range(500))
    assert len(shelf.reads) <= 3  # timers of one moment fire together, or nearly


async def test_who_comes_during_a_read_gathers_for_the_next_one() -> None:
    shelf = Shelf()
    shelf.held = asyncio.Event()
    early = asyncio.create_task(shelf.lookup.find("a"))
    await asyncio.sleep(0.01)
    shelf.values["a"] = 10
    late = [asyncio.create_task(shelf.lookup.find(key)) for key in ("a", "b", "a")]
    await asyncio.sleep(0.01)
    assert shelf.reads == [("a",)]
    shelf.held.set()
    assert (await early, await asyncio.gather(*late)) == (1, [10, 2, 10])
    assert shelf.reads == [("a",), ("a", "b")]


async def test_an_answer_is_trusted_for_two_seconds() -> None:
    shelf = Shelf()
    await shelf.all("a", "a")
    shelf.values["a"] = 10
    shelf.now = 1.9
    assert await shelf.lookup.find("a") == 1
    shelf.now = 2.0
    assert await shelf.lookup.find("a") == 10


async def test_an_answer_is_not_trusted_past_anything_new() -> None:
    shelf = Shelf()
    await shelf.all("a")
    shelf.values["a"], shelf.version = 10, 1
    assert await shelf.lookup.find("a") == 10


async def test_what_was_read_before_a_change_is_not_trusted_after_it() -> None:
    shelf = Shelf()
    shelf.held = asyncio.Event()
    asked = asyncio.create_task(shelf.lookup.find("a"))
    await asyncio.sleep(0.01)
    shelf.values["a"], shelf.version = 10, 1
    shelf.held.set()
    assert await asked == 1  # asked before the change
    assert await shelf.lookup.find("a") == 10


async def test_what_is_not_found_is_asked_again_and_so_is_what_failed() -> None:
    shelf = Shelf()
    assert await shelf.all("c") == [None]
    shelf.values["c"] = 3
    assert await shelf.all("c") == [3]
    shelf.broken, shelf.version = True, 1
    answers = await asyncio.gather(*(shelf.lookup.find("a") for _ in range(5)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable] * 5
    shelf.broken = False
    assert await shelf.all("a") == [1]


async def test_who_goes_away_does_not_take_the_answer_along() -> None:
    shelf = Shelf()
    shelf.held = asyncio.Event()
    first, second = (asyncio.create_task(shelf.lookup.find("a")) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    shelf.held.set()
    assert await second == 1
    shelf.broken, shelf.version, shelf.held = True, 1, asyncio.Event()
    gone = asyncio.create_task(shelf.lookup.find("a"))
    await asyncio.sleep(0.01)
    gone.cancel()  # and the failure that nobody awaits is no warning
    await asyncio.sleep(0.01)
    assert gone.cancelled() or gone.done()


async def test_memory_has_a_bound() -> None:
    shelf = Shelf()
    shelf.values = {str(number): number for number in range(KEPT + 500)}
    await shelf.all(*shelf.values)
    assert len(shelf.lookup._known._entries) == KEPT
