"""What Rolecast knows of its migrations without alembic is what alembic knows."""

from __future__ import annotations

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from api.database import Database
from api.migrate import NEWEST, REVISIONS, SCRIPTS, version


def test_revisions_are_those_of_the_scripts_in_order() -> None:
    scripts = ScriptDirectory(str(SCRIPTS))
    assert [script.revision for script in scripts.walk_revisions()] == REVISIONS[::-1]
    assert scripts.get_heads() == [NEWEST]


def test_the_version_is_the_one_that_was_migrated_to(database: Database) -> None:
    with database.engine().connect() as connection:
        assert version(connection) == MigrationContext.configure(connection).get_current_revision() == NEWEST
