"""A server that starts while another process writes for long (`copy --hold`, `compact`): it answers queries at once."""

from __future__ import annotations

import time
from pathlib import Path

from tests.faults.truth import is_clean
from tests.processes import SECRETS, Server, serving_process
from tests.system.directory import Outside, user_in
from tests.system.holders import another_writer

STARTS_WITHIN = 8.0  # seconds; the lock would be waited for 10


def test_a_restart_while_the_writers_lock_is_held_serves_queries(url: str, tmp_path: Path) -> None:
    environment = SECRETS | {"DATABASE_URL": url}
    with serving_process(tmp_path, environment=environment) as server, Outside(server.url) as outside:
        outside.tell(user_in("ada", "eng"))
        server.terminate()
        server.wait()
        with another_writer(url):
            began = time.monotonic()
            server.start()
            assert time.monotonic() - began < STARTS_WITHIN
            assert outside.ask('{ user(id: "ada") { id } }') == {"user": {"id": "ada"}}
        outside.tell(user_in("bob", "eng"))
        assert "Traceback" not in server.log
    is_clean(tmp_path, url)


def test_health_is_answered_while_the_database_is_waited_for(migrated_postgresql: str, tmp_path: Path) -> None:
    """A first start writes the environment's key, and so waits for the lock; a liveness probe must not hear of it."""
    server = Server(tmp_path, environment=SECRETS | {"DATABASE_URL": migrated_postgresql})
    try:
        with another_writer(migrated_postgresql):
            began = time.monotonic()
            server.start(ready=False)
            while not server.answers("/healthz"):
                assert time.monotonic() - began < STARTS_WITHIN
                time.sleep(0.05)
            assert not server.answers("/readyz")
        with Outside(server.url) as outside:
            deadline = time.monotonic() + 20
            while not server.answers("/readyz"):
                assert time.monotonic() < deadline, server.log
                time.sleep(0.05)
            outside.tell(user_in("ada", "eng"))
    finally:
        server.kill()
    is_clean(tmp_path, migrated_postgresql)
