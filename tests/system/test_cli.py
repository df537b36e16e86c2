"""The command line, each command as a process of its own, as an operator runs it."""

from __future__ import annotations

import json
import re
import sqlite3
import stat
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import cli
from api.database import Database
from tests.processes import KEY, SECRET, SECRETS, Server, free_port, refusal, rolecast, serving_process
from tests.system.directory import AUTHORIZATION, Outside, event, user_in
from tests.system.waiting import until
from tests.world import World

COMMANDS = (
    "serve",
    "migrate",
    "check",
    "rebuild",
    "replay",
    "compact",
    "copy",
    "catalogue",
    "send",
    "demo",
    "secret",
    "key",
)


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A folder with the database of a small company."""
    with serving_process(tmp_path) as server, Outside(server.url) as outside:
        outside.tell(user_in("ada", "eng"), user_in("bob", "eng", "ops"), user_in("eve"))
        outside.role("deployer", "reader")
        outside.maps("eng", "deployer")
        outside.maps("ops", "reader")
        outside.tell(user_in("ada"), event("organization.directory.user_updated", {"id": "bob"}, second=0))
        outside.post(b"not json")
    return tmp_path


def tables(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    database = Database(f"sqlite:///{folder}/rolecast.db")
    try:
        return World(database).tables()
    finally:
        database.close()


def test_help_names_every_command_and_each_has_its_own(tmp_path: Path) -> None:
    done = rolecast(tmp_path, "--help")
    assert done.returncode == 0
    assert all(re.search(rf"^\W*{command} ", done.stdout, re.MULTILINE) for command in COMMANDS)
    for command in COMMANDS:
        told = CliRunner().invoke(cli, [command, "--help"])  # a process each would take half a minute
        assert (told.exit_code, f"rolecast {command}" in told.output) == (0, True), told.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["check", "rebuild", "export"])
def test_a_database_that_is_not_there_is_one_sentence_and_is_not_made(tmp_path: Path, command: str) -> None:
    arguments = ["catalogue", command] if command == "export" else [command]
    said = refusal(rolecast(tmp_path, *arguments, environment={"DATABASE_URL": "sqlite:///mistyped.db"}))
    assert "there is no database at sqlite:///mistyped.db" in said
    assert list(tmp_path.iterdir()) == []


def test_options_of_a_file_are_no_part_of_its_name(tmp_path: Path) -> None:
    environment = {"DATABASE_URL": "sqlite:///kept.db?timeout=20"}
    assert rolecast(tmp_path, "migrate", environment=environment).returncode == 0
    checked = rolecast(tmp_path, "check", environment=environment)
    assert (checked.returncode, checked.stdout.startswith("Clean")) == (0, True), checked
    assert (tmp_path / "kept.db").exists()


def test_secrets_are_new_each_time_and_good_to_serve_with(tmp_path: Path) -> None:
    secrets = [rolecast(tmp_path, "secret", "new").stdout.strip() for _ in range(2)]
    keys = [rolecast(tmp_path, "secret", "new", "--api-key").stdout.strip() for _ in range(2)]
    assert len({*secrets, *keys}) == 4
    environment = {"ROLECAST_WEBHOOK_SECRETS": " ".join(secrets), "ROLECAST_API_KEY": keys[0]}
    with serving_process(tmp_path, environment=environment) as server:
        for secret in secrets:
            sender = {"PORT": str(server.port), "ROLECAST_WEBHOOK_SECRETS": secret}
            done = rolecast(tmp_path, "send", "-", environment=sender, stdin=json.dumps(user_in("ada")))
            assert done.stdout.startswith("201 ")


@pytest.mark.parametrize("missing", ["ROLECAST_WEBHOOK_SECRETS", "ROLECAST_API_KEY"])
def test_serve_refuses_without_secrets_and_says_which(tmp_path: Path, missing: str) -> None:
    given = {name: value for name, value in SECRETS.items() if name != missing}
    said = refusal(rolecast(tmp_path, "serve", environment=given))
    assert missing in said
    assert given.keys().isdisjoint(said.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("WEB_CONCURRENCY", "0"),
        ("WEB_CONCURRENCY", "2"),  # on SQLite
        ("DATABASE_URL", "hunter2"),
        ("DATABASE_URL", "mysql://root:hunter2@localhost/x"),
        ("DATABASE_URL", "sqlite://hunter2"),
        ("ROLECAST_QUEUE_SIZE", "-1"),
        ("ROLECAST_LOG_LEVEL", "loud"),
        ("ROLECAST_API_KEY", "hunter2"),
        ("ROLECAST_WEBHOOK_SECRETS", "whsec_hunter2!"),
        ("ROLECAST_WEBHOOK_SECRETS", f"{SECRET} whsec_aHVudGVyMg=="),
    ],
)
def test_a_bad_setting_is_named_and_no_secret_is_shown(tmp_path: Path, name: str, value: str) -> None:
    said = refusal(rolecast(tmp_path, "serve", environment=SECRETS | {name: value}))
    assert name in said
    assert not any(secret in said for secret in ("hunter2", "aHVudGVyMg", SECRET, KEY))


def test_migrate_makes_the_tables_and_may_be_run_again(tmp_path: Path) -> None:
    assert "migrate" in refusal(rolecast(tmp_path, "check"))
    for _ in range(2):
        assert rolecast(tmp_path, "migrate").returncode == 0
    assert rolecast(tmp_path, "check").returncode == 0


def test_migrate_and_check_work_on_postgresql_too(tmp_path: Path, new_postgresql: str) -> None:
    environment = {"DATABASE_URL": new_postgresql}
    assert "migrate" in refusal(rolecast(tmp_path, "check", environment=environment))
    assert rolecast(tmp_path, "migrate", environment=environment).returncode == 0
    assert rolecast(tmp_path, "check", environment=environment).stdout.startswith("Clean")


def test_serve_waits_for_the_migration_of_postgresql_and_then_serves(tmp_path: Path, new_postgresql: str) -> None:
    server = Server(tmp_path, environment=SECRETS | {"DATABASE_URL": new_postgresql})
    try:
        server.start(ready=False)
        with Outside(server.url) as outside:
            until(lambda: server.answers("/healthz"))
            ready = outside.client.get("/readyz")
            assert (ready.status_code, "migrate" in ready.json()["reason"]) == (503, True)
            early = outside.post(json.dumps(user_in("ada")).encode())
            assert (early.status_code, early.headers["retry-after"]) == (503, "5")
            asked = outside.client.post("/graphql", json={"query": "{ viewer { kind } }"}, headers=AUTHORIZATION)
            assert asked.status_code == 503
            assert rolecast(tmp_path, "migrate", environment=server.environment).returncode == 0
            until(lambda: server.answers("/readyz"))
            outside.tell(user_in("ada"))
            assert outside.roles("ada") == set()
        assert "python -m api migrate" in server.log
        assert "Traceback" not in server.log
    finally:
        server.kill()


def test_being_asked_whether_it_is_ready_is_not_worth_a_line(process: Server) -> None:
    time.sleep(0.5)
    before = process.log
    assert all(process.answers("/readyz") for _ in range(20))
    assert process.log == before


def test_check_is_clean_until_a_grant_is_missing_and_rebuild_mends_it(filled: Path) -> None:
    done = rolecast(filled, "check")
    assert (done.returncode, done.stdout.split(":")[0]) == (0, "Clean")
    with sqlite3.connect(filled / "rolecast.db") as connection:
        assert connection.execute("DELETE FROM grants WHERE kind = 1").rowcount == 2
    connection.close()
    done = rolecast(filled, "check")
    assert done.returncode == 1
    assert sorted(done.stdout.splitlines()) == [
        "- user bob is entitled to deployer, and is not granted it",
        "- user bob is entitled to reader, and is not granted it",
    ]
    assert done.stderr.startswith("2 things are wrong.")
    assert rolecast(filled, "rebuild").returncode == 0
    assert rolecast(filled, "check").returncode == 0


def test_rebuild_gives_identical_tables(filled: Path) -> None:
    before = tables(filled)
    done = rolecast(filled, "rebuild")
    assert (done.returncode, done.stdout) == (0, f"Rebuilt from {len(before['journal'])} events.\n")
    assert len(before["changes"]) == 4
    assert tables(filled) == before


def test_the_demo_ends_with_every_user_as_they_should_be(process: Server, tmp_path: Path) -> None:
    arguments = ("demo", "--users", "30", "--groups", "5", "--rate", "500")
    for _ in range(2):
        done = rolecast(tmp_path, *arguments, environment=process.environment, timeout=90)
        assert done.returncode == 0, done.stdout + done.stderr + process.log
        assert re.search(r"\b\d+ users checked, 0 differ", done.stdout)
    process.kill()
    assert rolecast(tmp_path, "check").returncode == 0


def test_a_database_out_of_reach_is_one_sentence(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/no/such/folder/x.db", f"postgresql://u:hunter2@127.0.0.1:{free_port()}/x"):
        for command in ("migrate", "check", "rebuild", *(["serve"] if url.startswith("sqlite") else [])):
            said = refusal(rolecast(tmp_path, command, environment=SECRETS | {"DATABASE_URL": url}))
            assert "database" in said
            assert "hunter2" not in said


def test_dev_makes_up_secrets_keeps_them_private_and_uses_them_again(tmp_path: Path) -> None:
    kept = tmp_path / ".rolecast" / "development.env"
    with serving_process(tmp_path, "--dev", environment={}) as server:
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
        first = kept.read_bytes()
        assert all(line in server.log for line in first.decode().splitlines() if not line.startswith("#"))
        done = rolecast(tmp_path, "send", "-", environment={"PORT": str(server.port)}, stdin=json.dumps(user_in("ada")))
        assert done.stdout.startswith("201 ")
    with serving_process(tmp_path, "--dev", environment={"ROLECAST_API_KEY": KEY}) as server:
        assert kept.read_bytes() == first
        with Outside(server.url) as outside:
            assert outside.roles("ada") == set(), "the environment's key goes before the kept one"


def test_serve_shows_no_secret_in_its_log(process: Server) -> None:
    with Outside(process.url) as outside:
        outside.tell(user_in("ada"))
        outside.post(b"{}", {})
    process.terminate()
    process.wait()
    assert not any(secret in process.log for secret in (SECRET, KEY))
