"""How long a live connection may go on: until its credential expires, is revoked, or means something else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from schema.graphql.context import Viewer
from schema.problems import Problem, Unauthenticated

Authenticate = Callable[[str | None], Awaitable[Viewer]]
"""The raw Authorization value to a Viewer. Raises Unauthenticated, or Unavailable when nobody can tell now."""

ENDED = "the credential expired or was revoked"


async def until_it_ends(
    authenticate: Authenticate, authorization: str | None, viewer: Viewer, *, recheck: float
) -> None:
    """Return when the credential does not stand for this viewer any more: at its expiry, else within `recheck` seconds.

    While nobody can tell (Unavailable), the connection goes on; its expiry still ends it.
    """
    while (rest := _seconds_left(viewer)) > 0:
        await asyncio.sleep(min(rest, recheck))
        try:
            now = await authenticate(authorization)
        except Unauthenticated:
            return
        except Problem:
            continue
        if _rights(now) != _rights(viewer):
            return


def _seconds_left(viewer: Viewer) -> float:
    return float("inf") if viewer.expires_at is None else (viewer.expires_at - time.time_ns()) / 1e9


def _rights(viewer: Viewer) -> tuple[Any, ...]:
    return viewer.kind, viewer.organization_id, viewer.user_id, viewer.may_write


async def never() -> None:
    """Wait for ever: for a server that nobody asks to stop."""
    await asyncio.Event().wait()


async def first_to_end(*racers: Coroutine[Any, Any, None]) -> None:
    """Run all until one returns or raises; cancel the others, wait for their `finally` blocks, raise what it raised."""
    tasks = [asyncio.create_task(racer) for racer in racers]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
