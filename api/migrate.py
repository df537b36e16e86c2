"""Migrations: bring a database to the tables this version of Rolecast works with, and tell whether it is there."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from api.database import Database
from schema.problems import Unavailable

SCRIPTS = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Apply every migration that is missing, in one transaction. Raises Unavailable when that cannot be."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    try:
        with database.engine().connect() as connection, connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise Unavailable(f"the database cannot be migrated: {error.orig}", detail=str(error)) from error


def is_migrated(database: Database) -> bool:
    """Whether the database is exactly at this version's tables; raise Unavailable when it is out of reach."""
    return database.read_now(lambda session: _version(session.connection())) == newest()


def newest() -> str | None:
    """The revision that this version of Rolecast works with."""
    return ScriptDirectory(str(SCRIPTS)).get_current_head()


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
