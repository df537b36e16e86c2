"""A client that sends half of a body and then nothing does not hold up a stop."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from tests.faults.truth import is_clean
from tests.processes import KEY, serving_process

HEADS = {
    "/webhook": "",
    "/graphql": f"Authorization: Bearer {KEY}\r\nContent-Type: application/json\r\n",
}


@pytest.mark.parametrize("path", HEADS)
def test_a_stop_does_not_wait_for_the_rest_of_a_body(tmp_path: Path, path: str) -> None:
    with serving_process(tmp_path) as server:
        head = f"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Length: 500\r\n{HEADS[path]}\r\n"
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as stalled:
            stalled.sendall(head.encode() + b'{"half":')
            time.sleep(0.3)  # it is being read
            began = time.monotonic()
            server.terminate()
            assert server.wait(10) == 0
            assert time.monotonic() - began < 5, "the server's own patience is 8 seconds"
        assert "Traceback" not in server.log
        assert "Cancel" not in server.log
    is_clean(tmp_path, f"sqlite:///{tmp_path}/rolecast.db")
