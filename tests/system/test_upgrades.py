"""A rolling upgrade: the database is migrated by a later version while this one still serves."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg

from tests.processes import SECRETS, rolecast, serving_process
from tests.system.directory import Outside, user_in


def test_what_runs_goes_on_after_a_later_version_has_migrated_and_can_be_started_again(
    migrated_postgresql: str, tmp_path: Path
) -> None:
    environment = SECRETS | {"DATABASE_URL": migrated_postgresql}
    with serving_process(tmp_path, environment=environment) as server, Outside(server.url) as outside:
        with psycopg.connect(migrated_postgresql) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
            connection.execute("ALTER TABLE users ADD COLUMN of_a_later_version text")
        outside.tell(user_in("ada", "eng"))
        assert server.answers("/readyz")
    with serving_process(tmp_path, environment=environment) as server, Outside(server.url) as outside:
        outside.tell(user_in("bob", "eng"))
    checked = rolecast(tmp_path, "check", environment=environment)
    assert checked.returncode == 0, checked.stderr


def test_an_older_version_starts_on_a_sqlite_file_of_a_later_one(tmp_path: Path) -> None:
    assert rolecast(tmp_path, "migrate").returncode == 0
    with closing(sqlite3.connect(tmp_path / "rolecast.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with serving_process(tmp_path) as server, Outside(server.url) as outside:
        outside.tell(user_in("ada", "eng"))


def test_an_older_database_is_refused_until_it_is_migrated(new_postgresql: str, tmp_path: Path) -> None:
    environment = SECRETS | {"DATABASE_URL": new_postgresql}
    assert rolecast(tmp_path, "migrate", environment=environment).returncode == 0
    with psycopg.connect(new_postgresql) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    checked = rolecast(tmp_path, "check", environment=environment)
    assert (checked.returncode, "python -m api migrate" in checked.stderr) == (1, True)
