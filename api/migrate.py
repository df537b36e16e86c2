"""Migrations: bring a database to the tables this version of Rolecast works with, and tell whether it is there."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from api.database import Database
from api.discretion import safely
from schema.problems import Unavailable

SCRIPTS = Path(__file__).parent / "migrations"
# In order: a script's file is named by its revision, and then by what it does.
REVISIONS = sorted(file.name.partition("_")[0] for file in (SCRIPTS / "versions").glob("[0-9]*.py"))
NEWEST = REVISIONS[-1]


def migrate(database: Database) -> None:
    """Apply every migration that is missing, in one transaction. Raises Unavailable when that cannot be.

    Where none is missing, nothing is written: a server starts while another process holds the writer's lock.
    """
    if is_migrated(database):
        return
    try:
        with database.engine().connect() as connection, connection.begin():
            upgrade(connection)
    except DBAPIError as error:
        raise Unavailable(f"the database cannot be migrated: {error.orig}", detail=safely(error)) from error


def upgrade(connection: Connection) -> None:
    """Apply every migration that is missing, in the transaction of whoever calls; a later version's tables stay."""
    if (at := version(connection)) is not None and at not in REVISIONS:
        return
    from alembic import command  # takes a quarter as long to import as all else, and only who migrates needs it
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def is_migrated(database: Database) -> bool:
    """Whether the database has this version's tables; raise Unavailable when it is out of reach.

    A revision that is not known here is a later version's, whose migrations only add: what runs goes on while the
    others are upgraded, and the upgrade can be taken back.
    """
    return database.read_now(has_our_tables)


def has_our_tables(session: Session) -> bool:
    """`is_migrated`, as a read."""
    at = version(session.connection())
    return at == NEWEST or (at is not None and at not in REVISIONS)


def version(connection: Connection) -> str | None:
    """The revision that the database is at, or None where no migration ever was."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    at: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return at
