"""`python -m api compact`, as an operator runs it: beside a live server, killed anywhere, and told nonsense."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.database import Database
from api.migrate import migrate
from tests.compacting import beginnings, facts, lines_of
from tests.conftest import driven
from tests.processes import clean_environment, rolecast, serving_process
from tests.system.directory import Outside, user_in
from tests.world import START, World

CHANGES = '{ changes(organizationId: "org_acme") { nodes { cursor } } }'
AFTER = 'query($after: Cursor) { changes(organizationId: "org_acme", after: $after) { nodes { userId } } }'


def world_of(folder: Path) -> World:
    return World(Database(f"sqlite:///{folder}/rolecast.db"))


@pytest.fixture
def past(tmp_path: Path) -> Path:
    """A folder with a database of some hundred old events."""
    world = world_of(tmp_path)
    migrate(world.database)
    world.maps("eng", "deployer").maps("ops", "reader")
    for round_ in range(8):
        world.send(*(world.snapshot(f"u{number}", "eng", *(["ops"] * (round_ % 2))) for number in range(60)))
        world.send(*(world.snapshot(f"u{number}") for number in range(60)))
    world.database.close()
    return tmp_path


def test_it_archives_says_where_and_leaves_a_clean_database(past: Path) -> None:
    done = rolecast(past, "compact", "--before", "2026-06-01")
    assert (done.returncode, done.stderr) == (0, "")
    files = sorted(path.name for path in (past / "archive").iterdir())
    assert len(files) == 2
    assert all(f"archive/{name}: " in done.stdout for name in files)
    assert "History is kept since 2026-01-01T00:" in done.stdout
    assert rolecast(past, "check").stdout.startswith("Clean")
    assert rolecast(past, "rebuild").returncode == 0
    assert rolecast(past, "check").stdout.startswith("Clean")
    again = rolecast(past, "compact", "--before", "1h")
    assert (again.returncode, again.stdout.startswith("Nothing is older than")) == (0, True)


def test_it_works_on_postgresql_too(tmp_path: Path, migrated_postgresql: str) -> None:
    world = World(Database(driven(migrated_postgresql)))
    world.maps("eng", "deployer").joins("ada", "eng").joins("bob", "eng").joins("ada")
    environment = {"DATABASE_URL": migrated_postgresql}
    done = rolecast(tmp_path, "compact", "--before", "1d", "--to", "here/there", environment=environment)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "here" / "there").iterdir())) == 2
    assert world.one("SELECT count(*) FROM journal") == 1
    assert rolecast(tmp_path, "check", environment=environment).stdout.startswith("Clean")
    left = world.tables()
    assert rolecast(tmp_path, "rebuild", environment=environment).returncode == 0
    assert world.tables() == left
    world.database.close()


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("soon", "--before takes a moment"),
        ("2026-13-01", "--before takes a moment"),
        ("90", "--before takes a moment"),
        ((datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d"), "yet to come"),
    ],
)
def test_a_moment_that_is_none_is_refused_in_a_sentence(past: Path, before: str, said: str) -> None:
    done = rolecast(past, "compact", "--before", before)
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (past / "archive").exists()


def test_a_folder_that_cannot_be_written_is_refused_in_a_sentence(past: Path) -> None:
    (past / "file").write_text("")
    done = rolecast(past, "compact", "--before", "1d", "--to", "file/archive")
    assert done.returncode == 1
    assert done.stderr.startswith("rolecast: the archive cannot be written to file/archive: ")
    assert rolecast(past, "check").stdout.startswith("Clean")


def test_without_room_it_says_so_and_nothing_has_changed(past: Path) -> None:
    before = world_of(past).tables()
    limit = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
    code = limit + "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); from api.cli import main; main()"
    command = [sys.executable, "-c", code, "compact", "--before", "1d"]
    done = subprocess.run(command, cwd=past, env=clean_environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done
    assert done.stderr.startswith("rolecast: ")
    assert "nothing was moved" in done.stderr
    assert "Traceback" not in done.stderr
    assert world_of(past).tables() == before
    assert list((past / "archive").iterdir()) == []
    assert rolecast(past, "compact", "--before", "1d").returncode == 0


def test_killed_at_any_moment_it_has_lost_nothing_and_a_later_run_finishes(past: Path) -> None:
    world = world_of(past)
    now, head, dice = facts(world), int(world.one("SELECT max(position) FROM journal")), random.Random(5)
    for _ in range(8):
        command = [sys.executable, "-m", "api", "compact", "--before", "1d"]
        run = subprocess.Popen(
            command, cwd=past, env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline, wait = time.monotonic() + 20, 0.3 + dice.random() * 1.2
        while not (past / "archive").exists() and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(wait * dice.random())
        os.kill(run.pid, signal.SIGKILL)
        run.wait(10)
        assert facts(world) == now
        assert world.drift() == []
    assert rolecast(past, "compact", "--before", "1d").returncode == 0
    assert beginnings(world).snapshot == head
    assert world.one("SELECT count(*) FROM journal") == 1
    assert world.one("SELECT count(*) FROM archived") == head
    (file,) = (past / "archive").glob("journal-*")
    assert len(lines_of(file)) == head
    assert facts(world.rebuilds()) == now
    world.database.close()


def test_beside_a_live_server_every_webhook_is_taken_and_an_old_cursor_has_expired(past: Path) -> None:
    with serving_process(past) as server, Outside(server.url) as outside:
        cursor = outside.ask(CHANGES)["changes"]["nodes"][0]["cursor"]
        run = subprocess.Popen(
            [sys.executable, "-m", "api", "compact", "--before", "2026-06-01"], cwd=past, env=clean_environment()
        )
        sent = 0
        while run.poll() is None:
            outside.tell(user_in(f"live_{sent}", "eng"))
            sent += 1
        assert run.returncode == 0
        assert sent > 0
        assert outside.roles("live_0") == {"deployer"}
        refused = outside.answer(AFTER, after=cursor)
        assert refused["errors"][0]["extensions"]["code"] == "CURSOR_EXPIRED"
        assert len(outside.ask(CHANGES)["changes"]["nodes"]) == min(sent, 50)
    assert rolecast(past, "check").stdout.startswith("Clean")
    assert beginnings(world_of(past)).since > START
