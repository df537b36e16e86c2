"""Copying: a deployment goes to another database whole, and is compared row by row before it is there at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import NamedTuple

from sqlalchemy import Table
from sqlmodel import Session, SQLModel

import schema.callers
import schema.retention
import schema.tables  # noqa: F401  # the three fill the metadata
from api.check import check, unended
from api.copying.bare import bare
from api.copying.holding import Hold
from api.copying.rows import Page, count, pages
from api.copying.sides import pages_of_source, reading, write_to
from api.copying.target import prepare
from api.copying.writing import write
from api.database import Database
from schema.problems import Problem
from schema.sql import Statement

Progress = Callable[[int, int], None]
TABLES = tuple(SQLModel.metadata.sorted_tables)  # what is referred to comes before what refers to it
LOG = Statement("SELECT id FROM log")


class Copied(NamedTuple):
    """What came of it. `log` is the name in every cursor; `wrong` is what `check` finds in both databases.

    `unended` is the sentence on grants that are over and that nothing has ended yet.
    """

    rows: dict[str, int]
    log: str
    wrong: list[str]
    unended: str | None


class Differs(Problem):
    """The copy is not what was copied, and was taken back."""


def copy(hold: Hold, target: Database, progress: Progress) -> Copied:
    """Copy everything that the held database holds, in one transaction of the target: all of it, or nothing.

    The target has no tables and is migrated in that transaction, or is migrated and empty. Raises Conflict when it is
    neither or cannot hold a row, Differs when what was written is not what was read, and Unavailable when a database
    goes away or the hold is lost; each message says which database. `progress(done, in all)` counts rows written, rows
    compared and users checked.
    """
    return hold.source.read_now(
        lambda here: write_to(target, lambda there: _copy(hold, here, there, progress)),
    )


def log_of(session: Session) -> str:
    """The name of the log, which is in every cursor."""
    return str(LOG.one(session)[0])


def _copy(hold: Hold, here: Session, there: Session, progress: Progress) -> Copied:
    _be_patient(there)
    with reading():
        log, rows = log_of(here), {table.name: count(here, table) for table in TABLES}
    prepare(there, TABLES, log)
    total = sum(rows.values())
    steps = 2 * total + rows["users"]
    with bare(there, TABLES):
        _fill(here, there, lambda done: progress(done, steps))
    _analyze(there)
    _compare(here, there, lambda done: progress(total + done, steps))
    wrong = check(there, lambda done, _users: progress(2 * total + done, steps))
    if wrong and not set(wrong) <= set(_wrong_before(here)):
        raise Differs(f"the copy is not clean and was taken back: {wrong[0]}")
    hold.must_last()
    return Copied(rows, log_of(there), wrong, unended(there))


def _wrong_before(here: Session) -> list[str]:
    with reading():
        return check(here, lambda _done, _users: None)


def _be_patient(there: Session) -> None:
    """Nobody else writes at the target: it may say nothing for as long as the source is checked."""
    connection = there.connection()
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")


def _fill(here: Session, there: Session, progress: Callable[[int], None]) -> None:
    done = 0
    for table in TABLES:
        for page in pages_of_source(here, table):
            write(there, table, page)
            done += len(page)
            progress(done)


def _analyze(there: Session) -> None:
    """Tell PostgreSQL's planner what came; SQLite's plans are pinned, and tested without statistics."""
    connection = there.connection()
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ANALYZE " + ", ".join(f'"{table.name}"' for table in TABLES))


def _compare(here: Session, there: Session, progress: Callable[[int], None]) -> None:
    done = 0
    for table in TABLES:
        for original, copied in _side_by_side(here, there, table):
            if original != copied:
                raise Differs(f"rows of {table.name} are not what was copied; the copy was taken back")
            done += len(original)
            progress(done)


def _side_by_side(here: Session, there: Session, table: Table) -> Iterator[tuple[Page, Page]]:
    nothing: Page = []
    return zip_longest(pages_of_source(here, table), pages(there, table), fillvalue=nothing)
