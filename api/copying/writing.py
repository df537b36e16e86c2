"""Writing rows as they came; what a database cannot hold is refused by its table and key, and never mended."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

import psycopg
from sqlalchemy import Table
from sqlmodel import Session

from api.copying.rows import Page, Row, names
from schema.problems import Conflict

LINE = re.compile(r"^COPY \w+, line (\d+)")
UNFIT = (psycopg.DataError, psycopg.IntegrityError, sqlite3.DataError, sqlite3.IntegrityError)


def write(session: Session, table: Table, page: Page) -> None:
    """Add the rows in the session's transaction. Raises Conflict, and then the transaction is of no more use."""
    connection = session.connection()
    driver: Any = connection.connection.driver_connection
    try:
        if connection.dialect.name == "postgresql":
            _copy_in(driver, table, page)
        else:
            places = ", ".join("?" * len(table.columns))
            driver.executemany(f'INSERT INTO "{table.name}" ({names(table)}) VALUES ({places})', page)
    except UNFIT as error:
        raise Conflict(
            f"{_which(table, page, error)} cannot be held by the database to copy to, which has been left as it was",
            detail=str(error),
        ) from error


def _copy_in(driver: Any, table: Table, page: Page) -> None:
    with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({names(table)}) FROM STDIN') as copy:
        for row in page:
            copy.write_row(row)


def _which(table: Table, page: Page, error: Exception) -> str:
    """The row that was refused, by its key; the page that it is in, where the database does not say."""
    row = _refused(page, error)
    if row is not None:
        return f"the row of {table.name} with {_key(table, row)}"
    return f"a row of {table.name} between {_key(table, page[0])} and {_key(table, page[-1])}"


def _refused(page: Page, error: Exception) -> Row | None:
    context = error.diag.context if isinstance(error, psycopg.Error) else None
    if found := LINE.match(context or ""):
        return page[int(found[1]) - 1]
    if isinstance(error, psycopg.DataError):  # the driver's own: it refuses NUL before PostgreSQL can
        return next((row for row in page if any(isinstance(each, str) and "\0" in each for each in row)), None)
    return None


def _key(table: Table, row: Row) -> str:
    return ", ".join(
        f"{column.name} {row[place]!r}" for place, column in enumerate(table.columns) if column.primary_key
    )
