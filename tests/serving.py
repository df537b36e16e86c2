"""A real uvicorn on a free loopback port, in a thread, for as long as a `with` block lasts."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

START_WITHIN = 15.0  # seconds; a migrating application takes a few
STOP_WITHIN = 10.0


@contextmanager
def serving(app: Any, **options: Any) -> Iterator[str]:
    """Serve an ASGI application and give its base URL, "http://127.0.0.1:port", once it accepts connections.

    `options` go to uvicorn.Config and win over the defaults here (lifespan on, logs off). On leaving, the server shuts
    down gracefully for a second, then by force. Raises RuntimeError when it does not start or stop in time.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    settings: dict[str, Any] = {"lifespan": "on", "log_config": None, "timeout_graceful_shutdown": 1} | options
    server = uvicorn.Server(uvicorn.Config(app, **settings))
    thread = threading.Thread(target=server.run, args=([listener],), name="uvicorn", daemon=True)
    thread.start()
    try:
        _await_start(server, thread)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(STOP_WITHIN / 2)
        if thread.is_alive():
            server.force_exit = True
            thread.join(STOP_WITHIN / 2)
        listener.close()
    if thread.is_alive():
        raise RuntimeError(f"uvicorn did not stop within {STOP_WITHIN} s")


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_WITHIN
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("uvicorn ended before it started: the application's lifespan failed")
        if time.monotonic() > deadline:
            raise RuntimeError(f"uvicorn did not start within {START_WITHIN} s")
        time.sleep(0.005)
