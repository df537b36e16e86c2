"""SQL text prepared once for each database, taking whole sets of rows as one JSON parameter.

SQLAlchemy's expanding `IN` and executemany cost 0.2 ms of Python a statement; one text and one JSON string, a tenth.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlmodel import Session

PLACE = re.compile(r"\{(\w+)\}|(?<!:):(\w+)")
_encode = msgspec.json.Encoder().encode


class Statement:
    """One SQL text for SQLite and PostgreSQL.

    `{name}` in the text stands for a table of rows, whose columns the keyword of that name declares ("key bigint, id
    text"); `:name` for a single value. A table of one column is given as a flat sequence, others as a sequence of
    sequences in the declared order. NULL is None.
    """

    def __init__(self, sql: str, **tables: str) -> None:
        """Prepare the text; `tables` declares each `{name}` in it."""
        self.tables = tables
        self._texts = {
            "sqlite": PLACE.sub(lambda found: self._place(found, _sqlite_table, ":{}"), sql),
            "postgresql": PLACE.sub(
                lambda found: self._place(found, _postgresql_table, "%({})s"), sql.replace("%", "%%")
            ),
        }

    def _place(self, found: re.Match[str], table: Any, parameter: str) -> str:
        name = found[1]
        if name is None:
            return parameter.format(found[2])
        return f"{table(parameter.format(name), columns(self.tables[name]))}"

    def text(self, dialect: str) -> str:
        """The SQL as the named database gets it."""
        return self._texts[dialect]

    def run(self, session: Session, **values: Any) -> list[Any]:
        """Execute in the session's transaction, and give every row of the answer, if there is one.

        A value for a `{name}` is encoded as JSON. Raises what the driver raises.
        """
        for name in self.tables:
            values[name] = encode(values[name])
        cursor = self._execute(session, values)
        return cursor.fetchall() if cursor.description is not None else []

    def run_each(self, session: Session, rows: Sequence[dict[str, Any]]) -> None:
        """Execute once for each row of single values: for what JSON cannot carry, such as bytes."""
        connection = session.connection()
        connection.exec_driver_sql(self._texts[connection.dialect.name], rows)

    def first(self, session: Session, **values: Any) -> Any:
        """The first row of the answer, or None."""
        return next(iter(self.run(session, **values)), None)

    def one(self, session: Session, **values: Any) -> Any:
        """The only row of an answer that always has one; raise ValueError if it has none, or more."""
        (row,) = self.run(session, **values)
        return row

    def scalars(self, session: Session, **values: Any) -> list[Any]:
        """The first column of every row."""
        return [row[0] for row in self.run(session, **values)]

    def _execute(self, session: Session, values: dict[str, Any]) -> Any:
        """Straight to the driver, in SQLAlchemy's transaction: its own way there costs ten short statements."""
        connection = session.connection()
        driver: Any = connection.connection.driver_connection
        return driver.execute(self._texts[connection.dialect.name], values)


def encode(rows: Iterable[Any]) -> str:
    """Rows as the JSON text that a Statement's table is given as."""
    return _encode(rows if isinstance(rows, list | tuple) else list(rows)).decode()


def columns(declaration: str) -> list[tuple[str, str]]:
    """(name, type) of "key bigint, id text"."""
    return [(name, kind) for name, kind in (column.split() for column in declaration.split(","))]


def _sqlite_table(parameter: str, declared: list[tuple[str, str]]) -> str:
    if len(declared) == 1:
        return f"(SELECT value AS {declared[0][0]} FROM json_each({parameter}))"
    fields = ", ".join(f"json_extract(value, '$[{place}]') AS {name}" for place, (name, _) in enumerate(declared))
    return f"(SELECT {fields} FROM json_each({parameter}))"


def _postgresql_table(parameter: str, declared: list[tuple[str, str]]) -> str:
    if len(declared) == 1:
        name, kind = declared[0]
        return f"(SELECT value::{kind} AS {name} FROM jsonb_array_elements_text(CAST({parameter} AS jsonb)))"
    fields = ", ".join(f"(value->>{place})::{kind} AS {name}" for place, (name, kind) in enumerate(declared))
    return f"(SELECT {fields} FROM jsonb_array_elements(CAST({parameter} AS jsonb)))"
