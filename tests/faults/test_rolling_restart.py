"""A rolling restart: one server after the other is stopped and started anew, and nobody outside loses anything."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.followers import following
from tests.faults.insistent import company, load
from tests.faults.truth import footprint, is_back, is_clean, is_whole
from tests.processes import SECRETS, Server
from tests.system.directory import Outside

ROUNDS = 2
ENDS_WITHIN = 10.0  # seconds


@pytest.mark.timeout(180)
def test_a_rolling_restart_under_load_loses_and_doubles_nothing(migrated_postgresql: str, tmp_path: Path) -> None:
    environment = SECRETS | {"DATABASE_URL": migrated_postgresql}
    servers = [Server(tmp_path, environment=environment) for _ in range(2)]
    with ExitStack() as stack:
        for server in servers:
            stack.callback(server.kill)
            server.start()
        urls = [server.url for server in servers]
        start = company(urls[0])
        before = [footprint(server) for server in servers]
        with following(start, *urls) as followers:
            with load(*urls) as busy:
                for _ in range(ROUNDS):
                    for server in servers:
                        busy.goes_on()
                        server.terminate()
                        assert server.wait(ENDS_WITHIN) == 0
                        busy.goes_on()
                        server.start()
                busy.goes_on()
            with Outside(urls[0]) as outside:
                changes = outside.changes(start)
            for follower in followers:
                follower.sees(changes)
                assert follower.connections > ROUNDS
        for server, first in zip(servers, before, strict=True):
            is_back(server, first)  # though it is another process by now
        is_whole(migrated_postgresql, busy)
    is_clean(tmp_path, migrated_postgresql)
    assert "Traceback" not in servers[0].log
