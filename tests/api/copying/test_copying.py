"""A deployment copied between real databases, in every direction: whole, and going on as if nothing had happened."""

from __future__ import annotations

from pathlib import Path

from api.copying import TABLES, copy
from api.copying.holding import hold_still
from api.copying.rows import ROWS_WITH_BYTES
from api.database import Database
from api.migrate import migrate
from schema.sql import Statement
from tests.conftest import driven
from tests.copies import copied, everything, kind, peopled, table_names
from tests.world import World


def test_a_copy_has_every_row_of_every_table_and_is_clean(world: World, target: Database) -> None:
    peopled(world)
    steps: list[tuple[int, int]] = []
    found = hold_still(world.database, lambda hold: copy(hold, target, lambda *step: steps.append(step)))
    original = everything(world.database)
    assert everything(target) == original
    assert {name: len(rows) for name, rows in original.items()} == found.rows
    assert all(original.values()), "every table was to have a row"
    assert found.wrong == World(target).drift() == []
    assert original["log"][0][1] == found.log
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1] == 2 * sum(found.rows.values()) + found.rows["users"]


def test_every_table_that_is_migrated_is_copied_and_of_kinds_that_travel(database: Database) -> None:
    assert {table.name for table in TABLES} == table_names(database) - {"alembic_version"}
    for table in TABLES:
        for column in table.columns:
            assert kind(column) in (bool, int, bytes, str), column
            assert not column.identity, column
    if database.dialect == "postgresql":
        sequences = Statement("SELECT count(*) FROM pg_sequences")
        assert database.read_now(lambda session: sequences.scalars(session)) == [0], "a sequence would have to be set"


def test_what_happens_next_has_the_next_positions_and_keys(world: World, target: Database) -> None:
    peopled(world)
    copied(world.database, target)
    there = World(target)
    there.seconds = world.seconds
    for each in (world, there):
        each.maps("ops", "operator").joins("zoe", "ops", "eng").unmaps("eng", "deployer")
    assert [each.position for each in there.receipts] == [each.position for each in world.receipts][
        -len(there.receipts) :
    ]
    original, other = everything(world.database), everything(target)
    assert {name for name in original if original[name] != other[name]} <= {"journal"}  # whose commands tell no time
    assert there.drift() == []


def test_a_rebuild_at_the_new_home_gives_the_same_rows(from_sqlite: World, to_postgresql: Database) -> None:
    copied(from_sqlite.database, to_postgresql)
    assert World(to_postgresql).rebuilds().drift() == []
    rebuilt, original = everything(to_postgresql), everything(from_sqlite.database)
    assert rebuilt.pop("log")[0][1] == original.pop("log")[0][1]  # its row counts the rebuild as a change
    assert rebuilt == original


def test_a_migrated_database_without_rows_is_filled_and_takes_the_log_over(world: World, target: Database) -> None:
    migrate(target)
    found = copied(world.joins("ada").database, target)
    assert everything(target) == everything(world.database)
    assert found.log == World(target).one("SELECT id FROM log")


def test_more_rows_than_a_page_come_along(from_sqlite: World, to_postgresql: Database, tmp_path: Path) -> None:
    people = ROWS_WITH_BYTES * 2 + 1
    from_sqlite.send(*(from_sqlite.snapshot(f"user_{number}", "eng") for number in range(people)))
    assert copied(from_sqlite.database, to_postgresql).rows["journal"] > people
    back = Database(f"sqlite:///{tmp_path}/back.db")
    copied(to_postgresql, back)
    assert everything(back) == everything(from_sqlite.database)
    back.close()
    assert {path.name for path in tmp_path.glob("back.db*")} == {"back.db"}, "a copy is one file"


def test_foreign_keys_and_indexes_are_those_of_a_migrated_database(
    from_sqlite: World, to_postgresql: Database, migrated_postgresql: str
) -> None:
    made = Statement("""
        SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT conrelid::regclass::text || conname || pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace""")
    copied(from_sqlite.database, to_postgresql)
    migrated = Database(driven(migrated_postgresql))
    found = [sorted(each.read_now(lambda session: made.scalars(session))) for each in (to_postgresql, migrated)]
    migrated.close()
    assert len(found[0]) > 50
    assert found[0] == found[1]


def test_what_is_wrong_in_the_original_is_copied_and_told(from_sqlite: World, to_postgresql: Database) -> None:
    from_sqlite.database.write_now(lambda session: Statement("DELETE FROM grants").run(session))
    found = copied(from_sqlite.database, to_postgresql)
    assert found.wrong == World(to_postgresql).drift() == ["user ada is entitled to deployer, and is not granted it"]
