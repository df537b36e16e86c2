"""Peers that take nothing: their connections are ended, where a send, or a close, would wait as long as TCP does."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, cast

from starlette.types import Scope
from uvicorn.protocols.http.auto import AutoHTTPProtocol

SILENT_SECONDS = 30  # for sent bytes to be acknowledged, or for a full window to open; TCP alone waits 15 minutes
UNFINISHED_SECONDS = 1.0  # that a stop leaves a request for the rest of its body: without that, nothing was accepted
ABORT = "rolecast.abort"  # in the `state` of each request's scope
# Windows and macOS have no such option; there TCP alone finds them.
USER_TIMEOUT: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)


class Connection(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # one of two classes, chosen at run time
    """uvicorn's HTTP connection, on a socket that does not wait for ever; a WebSocket takes the socket over."""

    app_state: dict[str, Any]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set the time-out, and let requests end the connection; then serve."""
        accepted: Any = transport.get_extra_info("socket")
        if USER_TIMEOUT is not None and accepted is not None and accepted.family != socket.AF_UNIX:
            accepted.setsockopt(socket.IPPROTO_TCP, USER_TIMEOUT, SILENT_SECONDS * 1000)
        self.app_state = self.app_state | {ABORT: cast("asyncio.Transport", transport).abort}
        super().connection_made(cast("asyncio.Transport", transport))

    def shutdown(self) -> None:
        """Let what runs be answered, but wait for no body that does not come: who stalls would hold up every stop."""
        super().shutdown()
        asyncio.get_running_loop().call_later(UNFINISHED_SECONDS, self._end_unfinished)

    def _end_unfinished(self) -> None:
        if self.cycle is not None and self.cycle.more_body and not self.cycle.response_complete:
            self.transport.close()


def cut(scope: Scope) -> None:
    """End the connection that a request came by, now, with whatever is still on its way to who takes nothing.

    An ASGI server can only be asked to close, and then waits for that to be taken. Not every server is ours: another
    closes it as it can, once the application returns.
    """
    abort = scope.get("state", {}).get(ABORT)
    if abort is not None:
        abort()
