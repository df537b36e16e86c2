"""What is not copied: nothing is left where a copy cannot be, or is not what was copied."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table

import api.copying
import api.database
from api.copying import Differs
from api.copying.writing import write
from api.database import Database
from api.migrate import migrate
from schema.problems import Conflict, Problem
from schema.sql import Statement
from tests.copies import copied, everything, peopled, table_names
from tests.world import World

NUL = Statement("UPDATE users SET email = 'a' || char(0) || 'b' WHERE id = 'bob'")


def refused(source: World, target: Database, problem: type[Problem] = Conflict) -> str:
    """What the refusal says; nothing was left in a target that was without tables."""
    with pytest.raises(problem) as refusal:
        copied(source.database, target)
    assert source.drift() == []
    return str(refusal.value)


def test_a_database_with_rows_is_refused_by_their_tables(world: World, target: Database) -> None:
    migrate(target)
    World(target).role("mine")
    before = everything(target)
    assert "has rows in journal (1), roles (1); give an empty one" in refused(world, target)
    assert everything(target) == before


def test_a_second_copy_is_refused(world: World, target: Database) -> None:
    log = copied(world.joins("ada").database, target).log
    assert f"both are log {log}" in refused(world, target)


def test_tables_of_something_else_are_refused(world: World, target: Database) -> None:
    target.write_now(lambda session: Statement("CREATE TABLE invoices (id int)").run(session))
    assert "tables of something else: invoices" in refused(world, target)


def test_another_versions_tables_are_refused(world: World, target: Database) -> None:
    migrate(target)
    target.write_now(lambda session: Statement("UPDATE alembic_version SET version_num = '0001x'").run(session))
    assert "another version's tables" in refused(world, target)


def test_what_postgresql_cannot_hold_is_refused_by_table_and_key(from_sqlite: World, to_postgresql: Database) -> None:
    from_sqlite.database.write_now(lambda session: NUL.run(session))
    key = from_sqlite.one("SELECT key FROM users WHERE id = 'bob'")
    said = refused(from_sqlite, to_postgresql)
    assert said.startswith(f"the row of users with key {key} cannot be held by")
    assert table_names(to_postgresql) == set()


def test_a_number_too_large_is_refused_by_table_and_key(from_sqlite: World, to_postgresql: Database) -> None:
    from_sqlite.database.write_now(
        lambda session: Statement(f"UPDATE roles SET priority = {2**31} WHERE name = 'deployer'").run(session)
    )
    assert refused(from_sqlite, to_postgresql).startswith("the row of roles with key 1 cannot be held by")
    assert table_names(to_postgresql) == set()


def test_sqlite_holds_what_another_sqlite_held(from_sqlite: World, tmp_path: Path) -> None:
    from_sqlite.database.write_now(lambda session: NUL.run(session))
    target = Database(f"sqlite:///{tmp_path}/target.db")
    copied(from_sqlite.database, target)
    assert everything(target) == everything(from_sqlite.database)
    target.close()


def test_rows_that_name_what_is_not_there_are_refused(
    from_sqlite: World, to_postgresql: Database, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "rolecast.db") as spoiler:  # past Rolecast, which keeps its foreign keys
        spoiler.execute("UPDATE memberships SET group_key = 99")
    spoiler.close()
    with pytest.raises(Conflict, match="do not hold together"):
        copied(from_sqlite.database, to_postgresql)
    assert table_names(to_postgresql) == set()


def test_a_table_that_is_left_out_fails_the_copy(
    from_sqlite: World, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_all_but_changes(session: Any, table: Table, page: Any) -> None:
        if table.name != "changes":
            write(session, table, page)

    monkeypatch.setattr(api.copying, "write", write_all_but_changes)
    assert "changes" in refused(from_sqlite, target, Differs)
    assert table_names(target) == set()


def test_a_row_that_changed_on_the_way_fails_the_copy(
    from_sqlite: World, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mangle(session: Any, table: Table, page: Any) -> None:
        write(session, table, [(*row[:2], "x", *row[3:]) for row in page] if table.name == "api_keys" else page)

    peopled(from_sqlite)
    monkeypatch.setattr(api.copying, "write", mangle)
    assert "api_keys" in refused(from_sqlite, target, Differs)
    assert table_names(target) == set()
