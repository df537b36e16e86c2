"""`copy --to` that does not come to its end, or copies what is not clean: what is left, what is said, how it exits."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import cli
from api.database import Database
from api.migrate import migrate
from schema.problems import BadInput
from schema.sql import Statement
from tests.conftest import driven
from tests.copies import table_names
from tests.processes import clean_environment, rolecast
from tests.world import START, World

PAUSED = """
import time, api.copying
def pause(*_):
    print("all is written", flush=True)
    time.sleep(60)
api.copying._compare = pause
"""
SMALL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
"""
RUN = "from api.cli import main; main()"


@pytest.fixture
def source(url: str, tmp_path: Path) -> Iterator[World]:
    """A company on each database in turn; of the folder's, on SQLite."""
    database = Database(driven(url))
    migrate(database)
    world = World(database).maps("eng", "deployer")
    world.send(*(world.snapshot(f"user_{number}", "eng") for number in range(400)))
    yield world
    database.close()


def started(folder: Path, before: str, source: str, to: str) -> subprocess.Popen[str]:
    """`copy --to`, after some statements of Python."""
    return subprocess.Popen(
        [sys.executable, "-c", before + RUN, "copy", "--to", to],
        cwd=folder,
        env=clean_environment({"DATABASE_URL": source}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("copy.db*")}


def test_a_target_without_room_is_named_and_left_as_it_was(source: World, url: str, tmp_path: Path) -> None:
    run = started(tmp_path, SMALL, url, "sqlite:///copy.db")
    _, said = run.communicate(timeout=60)
    assert run.returncode == 1
    assert said.startswith("rolecast: the database to copy to cannot be written to, and was left as it was\n"), said
    assert re.search(r"\n  .*(disk I/O error|database or disk is full)\n", said), said
    assert left(tmp_path) == set()
    assert source.drift() == []


@pytest.mark.parametrize(
    ("target", "reasons"),
    [("sqlite", (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)), ("postgresql", (signal.SIGTERM,))],
    ids=["sqlite", "postgresql"],
)
def test_whoever_stops_it_finds_nothing_there_and_may_run_it_again(
    target: str, reasons: Sequence[signal.Signals], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    old = f"sqlite:///{tmp_path}/old.db"
    database = Database(old)
    migrate(database)
    database.close()
    to = "sqlite:///copy.db" if target == "sqlite" else str(request.getfixturevalue("new_postgresql"))
    for reason in reasons:
        run = started(tmp_path, PAUSED, old, to)
        try:
            assert run.stdout is not None
            assert run.stdout.readline() == "all is written\n"
            os.kill(run.pid, reason)
            assert run.wait(20) != 0
        finally:
            run.kill()
            run.communicate()
        if reason != signal.SIGKILL:
            assert left(tmp_path) == set(), reason
            assert target == "sqlite" or no_tables(to), reason
    again = rolecast(tmp_path, "copy", "--to", to, environment={"DATABASE_URL": old})
    assert (again.returncode, "The copy is clean" in again.stdout) == (0, True)
    assert left(tmp_path) == ({"copy.db"} if target == "sqlite" else set())


def no_tables(url: str) -> bool:
    database = Database(driven(url))
    try:
        return table_names(database) == set()
    finally:
        database.close()


def test_what_is_not_clean_is_copied_and_the_exit_code_says_so(
    source: World, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url)
    over = "1 grant by hand is over since 2026-01-01T00:16:40Z; a running server ends it within a second.\n"
    source.role("seller").grants("user_7", "seller", expires_at=START + 1000 * 10**9)
    done = CliRunner().invoke(cli, ["copy", "--to", "sqlite:///copy.db"])
    assert (done.exit_code, done.stderr, over in done.stdout) == (0, "", True)
    done = CliRunner().invoke(cli, ["check"])
    assert (done.exit_code, done.stdout.startswith("Clean"), done.stdout.endswith(over)) == (0, True, True)
    source.database.write_now(Statement("DELETE FROM grants WHERE user_key = 3").run)
    done = CliRunner().invoke(cli, ["copy", "--to", "sqlite:///second.db"])
    assert done.exit_code == 3
    assert done.stderr.startswith("The copy is made, and 1 thing is wrong in both databases.")
    assert "- user user_2 is entitled to deployer, and is not granted it\n" in done.stdout
    monkeypatch.setenv("DATABASE_URL", "sqlite:///second.db")
    done = CliRunner().invoke(cli, ["check"])
    assert (done.exit_code, done.stderr.startswith("1 thing is wrong.")) == (1, True)


@pytest.mark.parametrize("command", [("copy",), ("compact", "--before", "1d")])
@pytest.mark.parametrize("nothing", ["", " "])
def test_an_empty_place_is_refused_in_a_sentence(
    command: tuple[str, ...], nothing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = CliRunner().invoke(cli, [*command, "--to", nothing]).exception
    assert isinstance(refused, BadInput)
    assert str(refused).startswith("--to is empty; name ")
    assert list(tmp_path.iterdir()) == []
