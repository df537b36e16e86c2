"""How long a live connection may go on: until its credential expires, is revoked, or means something else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from starlette.requests import HTTPConnection

from schema.graphql.context import Credential, Viewer, ViewerKind
from schema.problems import Problem, Unauthenticated

Authenticate = Callable[[Credential], Awaitable[Viewer]]
"""A Credential to its Viewer. Raises Unauthenticated (answered by 401 or 429, or by close code 4403), or Unavailable
(503, or 1013) when nobody can tell now."""

EXPIRED = {
    ViewerKind.API_KEY: "this API key has expired",
    ViewerKind.USER: "this token has expired",
    ViewerKind.PORTAL: "this link has expired",
}
LONG = 86_400.0  # seconds; a credential that lives longer is looked at again long before
CHANGED = "this credential is for something else now; connect again"
NO_ADDRESS = "unknown"  # behind a Unix socket, where no proxy tells: whoever comes that way is counted together


def credential_of(connection: HTTPConnection) -> Credential:
    """What a request, or a socket's handshake, brings along."""
    address = connection.client.host if connection.client else NO_ADDRESS
    return Credential(connection.headers.get("authorization"), address)


async def until_it_ends(
    authenticate: Authenticate, authorization: str | None, viewer: Viewer, *, recheck: float
) -> str:
    """Return, saying why, when the credential does not stand for this viewer any more.

    That is at its expiry, else within `recheck` seconds and however long `authenticate` trusts what it knows. While
    nobody can tell (Unavailable, or no answer), the connection goes on; its expiry still ends it.
    """
    while (rest := _seconds_left(viewer)) > 0:
        await asyncio.sleep(min(rest, _until_the_tick(recheck)))
        life = asyncio.timeout(_seconds_left(viewer))
        try:
            async with life:
                now = await authenticate(Credential(authorization, None))
        except Unauthenticated as problem:
            return str(problem)
        except Problem:
            continue
        except TimeoutError:
            if not life.expired():
                raise
            continue
        if _rights(now) != _rights(viewer):
            return CHANGED
    return EXPIRED[viewer.kind]


def _until_the_tick(recheck: float) -> float:
    """Seconds to the next multiple of `recheck`: all connections wake together, and their questions are one read."""
    return recheck - asyncio.get_running_loop().time() % recheck


def _seconds_left(viewer: Viewer) -> float:
    return LONG if viewer.expires_at is None else min(LONG, (viewer.expires_at - time.time_ns()) / 1e9)


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
