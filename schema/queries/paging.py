"""Keyset pages of lists, for many parents in one SELECT that touches little more than it returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from sqlmodel import Session

from schema.sql import Statement

Row = TypeVar("Row")
END = 2**63 - 1


class Page(NamedTuple, Generic[Row]):
    """Rows with the key each is found by, and whether there are more after the last."""

    keys: list[int]
    rows: list[Row]
    more: bool


class Pages:
    """A list that hangs on a parent, in ascending order of a unique integer `key`.

    PostgreSQL reads each parent's page by itself (LATERAL). SQLite has no such join: there a scalar subquery finds the
    key just past the page by index, and the rows are a range of that index, a range whose end PostgreSQL's planner
    would not believe in. A window function would number every row of every parent first, in both.
    """

    def __init__(
        self, columns: str, tables: str, *, parent: str, key: str, where: Sequence[str], **declared: str
    ) -> None:
        """Prepare the texts. `declared` are the tables of values that `where` speaks of, as in a Statement."""
        declared["parents"] = "key bigint"
        conditions = " AND ".join(("TRUE", *where))
        one = f"FROM {tables} WHERE {parent} = asked.key AND {key} > :after AND {conditions} ORDER BY {key}"
        bounded = f"""
            WITH bounds AS MATERIALIZED (
                SELECT asked.key, coalesce((SELECT {key} {one} LIMIT 1 OFFSET :first), {END}) AS bound
                FROM {{parents}} asked)
            SELECT {parent}, {key}, {columns} FROM bounds CROSS JOIN {tables}
            WHERE {parent} = bounds.key AND {key} > :after AND {key} <= bounds.bound AND {conditions}
            ORDER BY {parent}, {key}"""
        lateral = f"""
            SELECT asked.key, page.* FROM {{parents}} asked
            CROSS JOIN LATERAL (SELECT {key} AS place, {columns} {one} LIMIT :first + 1) page ORDER BY 1, 2"""
        self._page = {"sqlite": Statement(bounded, **declared), "postgresql": Statement(lateral, **declared)}
        self._count = Statement(
            f"""
            SELECT {parent}, count(*) FROM {{parents}} asked CROSS JOIN {tables}
            WHERE {parent} = asked.key AND {conditions} GROUP BY {parent}""",
            **declared,
        )

    def read(
        self,
        session: Session,
        parents: Sequence[int],
        row: Callable[..., Row],
        *,
        after: int,
        first: int,
        **values: Any,
    ) -> dict[int, Page[Row]]:
        """The page of each parent; one without rows has an empty one. `row` makes a row of its columns."""
        pages: dict[int, Page[Row]] = {parent: Page([], [], False) for parent in parents}
        statement = self._page[session.connection().dialect.name]
        found = statement.run(session, parents=list(pages), after=after, first=first, **values)
        for parent, key, *columns in found:
            pages[parent].keys.append(key)
            pages[parent].rows.append(row(*columns))
        return {
            parent: Page(page.keys[:first], page.rows[:first], len(page.keys) > first) for parent, page in pages.items()
        }

    def count(self, session: Session, parents: Sequence[int], **values: Any) -> dict[int, int]:
        """How long each parent's list is; a parent without rows is left out."""
        return dict(tuple(row) for row in self._count.run(session, parents=list(dict.fromkeys(parents)), **values))
