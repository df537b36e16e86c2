"""A server, or one process of it, killed under load while another goes on: who sends and who follows, move over."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.followers import following
from tests.faults.insistent import company, load
from tests.faults.truth import footprint, is_back, is_clean, is_unharmed, is_whole
from tests.processes import SECRETS, Server, serving_process
from tests.system.directory import Outside
from tests.system.waiting import until

KILLS = 2
WORKERS = 2
STARTED = "Application startup complete"


@pytest.mark.timeout(180)
def test_another_server_takes_over_from_one_that_is_killed_and_nothing_is_lost_or_doubled(
    migrated_postgresql: str, tmp_path: Path
) -> None:
    environment = SECRETS | {"DATABASE_URL": migrated_postgresql}
    stays, dies = (Server(tmp_path, environment=environment) for _ in range(2))
    dice = random.Random(5)
    with ExitStack() as stack:
        for server in (stays, dies):
            stack.callback(server.kill)
            server.start()
        start = company(stays.url)
        before = footprint(stays)
        with following(start, dies.url, stays.url) as followers:
            with load(stays.url, dies.url) as busy:
                busy.goes_on()
                for _ in range(KILLS):
                    time.sleep(dice.uniform(0.1, 0.5))
                    dies.kill()
                    busy.goes_on()
                    dies.start()
                busy.goes_on()
            assert any(sender.lost for sender in busy.senders), "no kill met an event under way"
            with Outside(stays.url) as outside:
                changes = outside.changes(start)
            for follower in followers:
                follower.sees(changes)
                assert follower.connections > 1
        dies.kill()
        is_unharmed(stays, before, migrated_postgresql, busy)


def workers(server: Server) -> set[int]:
    """The processes that serve for it."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return {int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()}


@pytest.mark.timeout(180)
def test_a_worker_that_is_killed_under_load_is_replaced_and_nothing_is_lost_or_doubled(
    migrated_postgresql: str, tmp_path: Path
) -> None:
    environment = SECRETS | {"DATABASE_URL": migrated_postgresql, "WEB_CONCURRENCY": str(WORKERS)}
    with serving_process(tmp_path, environment=environment) as server:
        until(lambda: server.log.count(STARTED) == WORKERS, 30)
        start = company(server.url)
        before = {worker: footprint(server, worker) for worker in workers(server)}
        with following(start, server.url) as followers:
            with load(server.url) as busy:
                busy.goes_on()
                dies = max(before, key=lambda worker: footprint(server, worker).descriptors)  # it has most connections
                os.kill(dies, signal.SIGKILL)
                until(lambda: server.log.count(STARTED) > WORKERS, 30)
                busy.goes_on()
            assert any(sender.lost for sender in busy.senders), "the kill met no event under way"
            with Outside(server.url) as outside:
                changes = outside.changes(start)
            for follower in followers:
                follower.sees(changes)
        assert len(workers(server)) == WORKERS
        assert dies not in workers(server)
        is_whole(migrated_postgresql, busy)
        is_clean(tmp_path, migrated_postgresql)
        for worker in workers(server):
            is_back(server, before.get(worker, before[dies]), process=worker)
