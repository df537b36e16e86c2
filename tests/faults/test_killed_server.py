"""A server killed under load, while another on the same PostgreSQL goes on: who sends and who follows, move over."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.followers import following
from tests.faults.insistent import company, load
from tests.faults.truth import footprint, is_back, is_clean, is_whole
from tests.processes import SECRETS, Server
from tests.system.directory import Outside

KILLS = 2


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
        is_whole(migrated_postgresql, busy)
        is_clean(tmp_path, migrated_postgresql)
        is_back(stays, before)
