"""PostgreSQL killed, and back, or not there at all when the server starts."""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from api.service import OPEN_SECONDS
from tests.faults.followers import following
from tests.faults.insistent import company, load
from tests.faults.postmasters import Postmaster
from tests.faults.truth import footprint, is_unharmed
from tests.processes import SECRETS, Server, serving_process
from tests.system.directory import Outside, user_in
from tests.system.waiting import until


def why_not_ready(server: Server) -> str:
    """The reason that /readyz gives with its 503."""
    with pytest.raises(HTTPError) as refusal, urlopen(f"{server.url}/readyz", timeout=15):
        raise AssertionError("it is ready")
    with refusal.value as answer:
        assert answer.code == 503
        told = json.load(answer)
    assert told["ready"] is False
    reason: str = told["reason"]
    return reason


@pytest.mark.timeout(180)
def test_postgresql_killed_under_load_and_back_loses_and_doubles_nothing(
    postmaster: Postmaster, tmp_path: Path
) -> None:
    url = postmaster.database()
    with serving_process(tmp_path, environment=SECRETS | {"DATABASE_URL": url}) as server:
        start = company(server.url)
        before = footprint(server)
        with following(start, server.url) as followers:
            with load(server.url) as busy:
                for _ in range(2):
                    busy.goes_on()
                    refused = busy.refused()
                    postmaster.kill()
                    until(lambda refused=refused: busy.refused() >= refused + 10, 20)  # type: ignore[misc]
                    assert "cannot be reached" in why_not_ready(server)
                    assert server.answers("/healthz")
                    postmaster.start()
                    until(lambda: server.answers("/readyz"), 20)
                busy.goes_on()
            with Outside(server.url) as outside:
                changes = outside.changes(start)
            for follower in followers:
                follower.sees(changes)
        is_unharmed(server, before, url, busy)


def test_a_database_that_is_not_there_at_the_start_is_waited_for(postmaster: Postmaster, tmp_path: Path) -> None:
    url = postmaster.database()
    early, late = user_in("early", "eng"), user_in("late", "eng")
    with serving_process(tmp_path, environment=SECRETS | {"DATABASE_URL": url}) as server:
        before = footprint(server)  # of a start with the database there
        server.kill()
        postmaster.kill()
        server.start(ready=False)
        until(lambda: server.answers("/healthz"), 30)
        assert "cannot be reached" in why_not_ready(server)
        until(lambda: "until then everything but /healthz is answered 503" in server.log)
        time.sleep(2 * OPEN_SECONDS)  # it tries again, twice
        assert "Traceback" not in server.log
        with Outside(server.url) as outside:
            refused = outside.post(json.dumps(early).encode())
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            postmaster.start()
            until(lambda: server.answers("/readyz"), 20)
            outside.tell(late)
        is_unharmed(server, before, url, others=[late])
