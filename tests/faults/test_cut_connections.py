"""The connection to PostgreSQL cut in the middle of a transaction, before its commit arrives, and before its answer."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import get_args

import psycopg
import pytest

from tests.faults.followers import following
from tests.faults.insistent import FOUNDER, company, load
from tests.faults.proxies import Loss, proxied
from tests.faults.truth import footprint, is_unharmed
from tests.processes import SECRETS, serving_process
from tests.system.directory import Outside, user_in

WRITES = """SELECT pg_terminate_backend(pid) FROM pg_locks
    WHERE locktype = 'advisory' AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
CUTS = 10


@pytest.mark.parametrize(("loss", "is_there"), [("the commit", False), ("its answer", True)])
def test_a_commit_whose_fate_the_server_cannot_know_is_503_and_its_repeat_has_the_effect_once(
    migrated_postgresql: str, tmp_path: Path, loss: Loss, is_there: bool
) -> None:
    event = user_in("ada", "eng", "ops")
    body = json.dumps(event).encode()
    with (
        proxied(migrated_postgresql) as proxy,
        serving_process(tmp_path, environment=SECRETS | {"DATABASE_URL": proxy.url}) as server,
        Outside(server.url) as outside,
    ):
        start = company(server.url)
        before = footprint(server)
        proxy.lose(loss)
        refused = outside.post(body)
        assert proxy.lost.is_set()
        assert refused.status_code == 503, refused.text
        assert "nothing was done" not in refused.text, "which nobody can know"
        assert refused.headers["retry-after"].isdecimal()
        assert any(entry["id"] == event["id"] for entry in outside.journal()) is is_there
        first, second = outside.tell(event, event)
        assert first == second
        assert [entry["id"] for entry in outside.journal()].count(event["id"]) == 1
        assert outside.roles("ada") == {"eng", "ops"}
        assert [change["userId"] for change in outside.changes(start)] == ["ada", "ada"]
        is_unharmed(server, before, migrated_postgresql, others=[FOUNDER, event])


@pytest.mark.timeout(180)
def test_connections_cut_at_any_moment_lose_and_double_nothing(migrated_postgresql: str, tmp_path: Path) -> None:
    dice = random.Random(3)
    with (
        proxied(migrated_postgresql) as proxy,
        serving_process(tmp_path, environment=SECRETS | {"DATABASE_URL": proxy.url}) as server,
        psycopg.connect(migrated_postgresql, autocommit=True) as operator,
    ):
        start = company(server.url)
        before = footprint(server)
        with following(start, server.url) as followers:
            with load(server.url) as busy:
                busy.goes_on()
                met = 0
                while met < CUTS:  # the writer's backend is ended while it writes
                    met += len(operator.execute(WRITES).fetchall())
                    time.sleep(dice.uniform(0, 0.02))
                for loss in get_args(Loss) * 2:
                    proxy.lose(loss)
                    assert proxy.lost.wait(20)
                for _ in range(CUTS):
                    assert proxy.cut()
                    busy.goes_on(3)
                    time.sleep(dice.uniform(0, 0.1))
                busy.goes_on()
            assert busy.refused()
            with Outside(server.url) as outside:
                changes = outside.changes(start)
            for follower in followers:
                follower.sees(changes)
        is_unharmed(server, before, migrated_postgresql, busy)
