"""What a database must be to be copied to: empty, or at this version's tables without a row in them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Table, inspect
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from api.copying.rows import count
from api.migrate import NEWEST, upgrade, version
from schema.problems import Conflict, Unavailable
from schema.sql import Statement

LOGS = Statement("SELECT id FROM log")
FORGET_LOG = Statement("DELETE FROM log")


def must_be_vacant(session: Session, tables: Sequence[Table], log: str) -> bool:
    """Whether there are tables yet. Raises Conflict, naming what is there, unless a deployment can be copied there.

    `log` is the name of the log that is to be copied. The migrated database's own name of a log does not count.
    """
    connection = session.connection()
    there = inspect(connection).get_table_names()
    if not there:
        return False
    if version(connection) is None:
        raise Conflict(f"the database to copy to holds tables of something else: {_few(there)}; give an empty one")
    if version(connection) != NEWEST:
        raise Conflict(
            "the database to copy to is at another version's tables; give an empty one, or run `migrate` on it first"
        )
    if log in LOGS.scalars(session):
        raise Conflict(f"the database to copy to is the one to copy from, or a copy of it: both are log {log}")
    full = [f"{table.name} ({rows})" for table in tables if table.name != "log" and (rows := count(session, table))]
    if full:
        raise Conflict(f"the database to copy to is not empty: it has rows in {_few(full)}; give an empty one")
    return True


def prepare(session: Session, tables: Sequence[Table], log: str) -> None:
    """Make the tables, unless they are there, in the session's transaction. Raises Conflict as `must_be_vacant`."""
    if not must_be_vacant(session, tables, log):
        try:
            upgrade(session.connection())
        except DBAPIError as error:
            raise Unavailable(f"the database to copy to cannot be migrated: {error.orig}", detail=str(error)) from error
    FORGET_LOG.run(session)


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
