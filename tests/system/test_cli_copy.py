"""`copy --to` as an operator runs it: a deployment moves house, and nobody who follows it notices."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.poolers import pgbouncer, pooled
from tests.processes import SECRETS, Server, clean_environment, refusal, rolecast, serving_process
from tests.system.directory import ORGANIZATION, Outside, user_in
from tests.system.following import CHANGES, changes, over_websocket


def copy(folder: Path, to: str, **environment: str) -> str:
    """Run the command, which must succeed, and give what it says."""
    done = rolecast(folder, "copy", "--to", to, environment=environment)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Server]:
    """A server on SQLite with a small company."""
    with serving_process(tmp_path) as server, Outside(server.url) as outside:
        outside.role("deployer")
        outside.tell(user_in("founder", "eng"))
        outside.maps("eng", "deployer")
        yield server


def test_a_subscriber_goes_on_at_the_new_home_from_the_cursor_it_had(
    running: Server, tmp_path: Path, new_postgresql: str
) -> None:
    with Outside(running.url) as outside:
        start = outside.head()
        outside.tell(user_in("ada", "eng"), user_in("bob", "eng"), user_in("ada"))
        before = outside.changes(start)
        (last,) = outside.tell(user_in("eve"))
    running.terminate()
    running.wait()
    said = copy(tmp_path, new_postgresql)
    assert "The copy is clean" in said
    assert "set DATABASE_URL to postgresql+psycopg://" not in said
    at_the_new_home = {"DATABASE_URL": new_postgresql}
    with serving_process(tmp_path, environment=SECRETS | at_the_new_home) as server, Outside(server.url) as outside:
        assert outside.roles("bob") == {"deployer"}
        with over_websocket(server.url, CHANGES, organization=ORGANIZATION, after=before[0]["cursor"]) as payloads:
            (told,) = outside.tell(user_in("zoe", "eng"))
            seen = [change for _, change in zip(range(3), changes(payloads), strict=False)]
        assert seen[:2] == before[1:]
        assert (seen[2]["userId"], seen[2]["cursor"]) == ("zoe", outside.changes(before[-1]["cursor"])[0]["cursor"])
        assert told["position"] == last["position"] + 1
    for command in ("check", "rebuild", "check"):
        done = rolecast(tmp_path, command, environment=at_the_new_home)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_live_database_is_backed_up_into_one_file_and_restored_from_it(running: Server, tmp_path: Path) -> None:
    said = copy(tmp_path, "sqlite:///backup.db")
    assert "set DATABASE_URL to sqlite:///backup.db" in said
    assert {path.name for path in tmp_path.glob("backup.db*")} == {"backup.db"}
    with Outside(running.url) as outside:
        outside.tell(user_in("late", "eng"))
        assert outside.roles("late") == {"deployer"}
    copy(tmp_path, "sqlite:///restored.db", DATABASE_URL="sqlite:///backup.db")
    restored = {"DATABASE_URL": "sqlite:///restored.db"}
    assert rolecast(tmp_path, "check", environment=restored).stdout.startswith("Clean")
    with serving_process(tmp_path, environment=SECRETS | restored) as server, Outside(server.url) as outside:
        assert outside.roles("founder") == {"deployer"}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_held_database_answers_webhooks_503_and_reads_until_it_is_let_go(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    old = "sqlite:///rolecast.db" if kind == "sqlite" else str(request.getfixturevalue("migrated_postgresql"))
    environment = {"DATABASE_URL": old}
    with serving_process(tmp_path, environment=SECRETS | environment) as server, Outside(server.url) as outside:
        outside.tell(user_in("ada"))
        command = [sys.executable, "-m", "api", "copy", "--to", "sqlite:///new.db", "--hold"]
        holder = subprocess.Popen(
            command, cwd=tmp_path, env=clean_environment(environment), stderr=subprocess.PIPE, text=True
        )
        try:
            assert holder.stderr is not None
            assert "held still until Ctrl-C" in holder.stderr.readline()
            body = json.dumps(user_in("bob", id="evt_bob")).encode()
            refused = outside.post(body)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert outside.roles("ada") == set()
            holder.send_signal(signal.SIGINT)
            assert holder.wait(10) == 0
        finally:
            holder.kill()
            holder.communicate()
        assert outside.post(body).status_code == 201
    assert rolecast(tmp_path, "check", environment={"DATABASE_URL": "sqlite:///new.db"}).returncode == 0


def test_refusals_say_what_is_there_and_show_no_password(
    running: Server, tmp_path: Path, migrated_postgresql: str
) -> None:
    def said(to: str, **environment: str) -> str:
        return refusal(rolecast(tmp_path, "copy", "--to", to, environment=environment))

    assert "--to is DATABASE_URL itself" in said("sqlite:///rolecast.db")
    assert "--to is DATABASE_URL itself" in said(f"sqlite:///{tmp_path}/../{tmp_path.name}/rolecast.db")
    assert "--to must begin with" in said("mysql://root:hunter2@localhost/x")
    unreachable = said("postgresql://u:hunter2@127.0.0.1:1/x")
    assert "the database to copy to cannot be reached" in unreachable
    assert "hunter2" not in unreachable
    (tmp_path / "notes.txt").write_text("not a database" * 100)
    assert "the database to copy to cannot be reached" in said("sqlite:///notes.txt")
    assert "the database to copy to cannot be reached" in said("sqlite:///no/such/folder/x.db")
    copy(tmp_path, migrated_postgresql)
    other_words = migrated_postgresql.replace("?", "?application_name=other&")
    assert "or a copy of it" in said(other_words, DATABASE_URL=migrated_postgresql)
    assert "run `python -m api migrate` first" in said("sqlite:///new.db", DATABASE_URL="sqlite:///nothing.db")


@pytest.mark.skipif(pgbouncer() is None, reason="needs PgBouncer (Debian: pgbouncer)")
def test_a_copy_goes_through_a_pooler_both_ways(running: Server, tmp_path: Path, new_postgresql: str) -> None:
    with pooled(new_postgresql) as through:
        copy(tmp_path, through)
        assert "The copy is clean" in copy(tmp_path, "sqlite:///back.db", DATABASE_URL=through)
