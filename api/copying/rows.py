"""The rows of a table in the order of its key, in pages, from either database: memory does not grow with the table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import LargeBinary, Table
from sqlmodel import Session

ROWS = 5000  # a page: one or two megabytes; copying 880,000 rows stayed within 300 MB in all
ROWS_WITH_BYTES = 200  # a webhook's payload is up to 1 MiB, a part of a snapshot may be as much

Row = tuple[Any, ...]
Page = list[Row]


def pages(session: Session, table: Table) -> Iterator[Page]:
    """Every row as a tuple in the order of the table's columns, a page after the other, as the session sees them.

    Values are the driver's own: SQLite's booleans are 0 and 1, which COPY takes and Python finds equal to PostgreSQL's.
    """
    connection = session.connection()
    driver: Any = connection.connection.driver_connection
    text = f'SELECT {names(table)} FROM "{table.name}" ORDER BY {_key(table)}'
    size = ROWS_WITH_BYTES if any(isinstance(each.type, LargeBinary) for each in table.columns) else ROWS
    if connection.dialect.name == "postgresql":
        yield from _by_cursor(driver, text, table, size)
        return
    cursor = driver.execute(text)
    while page := cursor.fetchmany(size):
        yield page


def _by_cursor(driver: Any, text: str, table: Table, size: int) -> Iterator[Page]:
    """The driver alone would fetch the whole answer at once. The cursor ends with the transaction, if not here."""
    name = f'"copy_{table.name}"'
    driver.execute(f"DECLARE {name} NO SCROLL CURSOR FOR {text}")
    while page := driver.execute(f"FETCH {size} FROM {name}").fetchall():
        yield page
    driver.execute(f"CLOSE {name}")


def count(session: Session, table: Table) -> int:
    """How many rows the session sees."""
    return int(session.connection().exec_driver_sql(f'SELECT count(*) FROM "{table.name}"').scalar_one())


def names(table: Table) -> str:
    """The columns of a table as a statement lists them."""
    return ", ".join(f'"{each.name}"' for each in table.columns)


def _key(table: Table) -> str:
    return ", ".join(f'"{each.name}"' for each in table.primary_key)
