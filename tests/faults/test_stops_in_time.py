"""SIGTERM ends the process within ten seconds, whoever does not read and whatever the database does."""

from __future__ import annotations

import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.sleepers import sleepers
from tests.faults.truth import footprint, is_clean
from tests.processes import SECRETS, serving_process
from tests.system.directory import Outside, user_in
from tests.system.holders import another_writer
from tests.system.waiting import until

ENDS_WITHIN = 10.0  # seconds
CROWD = 300


def test_sigterm_ends_the_process_in_time_while_subscribers_do_not_read_and_a_batch_is_stuck(
    url: str, tmp_path: Path
) -> None:
    environment = SECRETS | {"DATABASE_URL": url}
    events = [user_in(f"late_{number}", "eng") for number in range(6)]
    with serving_process(tmp_path, environment=environment) as server, Outside(server.url) as outside:
        outside.role("deployer")
        outside.tell_at_once(user_in(f"user_{number}", "crowd") for number in range(CROWD))
        outside.ask(
            'mutation ($text: String) { updateRole(input: {name: "deployer", description: $text}) { cursor } }',
            text=secrets.token_hex(8000),
        )
        with sleepers(server.url, 2) as asleep, ThreadPoolExecutor(len(events)) as pool:
            until(lambda: footprint(server).subscribers == asleep)
            outside.maps("crowd", "deployer")
            with another_writer(url):
                bodies = [json.dumps(each).encode() for each in events]
                sent = [pool.submit(outside.post, body) for body in bodies]
                time.sleep(0.3)
                server.terminate()
                assert server.wait(ENDS_WITHIN) == 0
                answers = [each.result(5) for each in sent]
            assert {answer.status_code for answer in answers} == {503}, "each sender is told to repeat"
            assert all(answer.headers["retry-after"].isdecimal() for answer in answers)
        server.start()
        outside.tell(*events)
        assert sorted(entry["id"] for entry in outside.journal()[:6]) == sorted(each["id"] for each in events)
        assert "Traceback" not in server.log
        assert "without completing" not in server.log
    is_clean(tmp_path, url)


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_of_an_idle_server_is_a_success(migrated_postgresql: str, tmp_path: Path, workers: int) -> None:
    environment = SECRETS | {"DATABASE_URL": migrated_postgresql, "WEB_CONCURRENCY": str(workers)}
    with serving_process(tmp_path, environment=environment) as server:
        began = time.monotonic()
        server.terminate()
        assert server.wait(ENDS_WITHIN) == 0
        assert time.monotonic() - began < ENDS_WITHIN
