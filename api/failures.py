"""Whose an error of the database is: of what it was asked to hold, which no repeat mends, or of its own state."""

from __future__ import annotations

import sqlite3
import traceback

import psycopg
from psycopg import errors
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# What SQLAlchemy raises, and what the drivers do under statements that go straight to them.
RAISED = (DBAPIError, PoolTimeout, psycopg.Error, sqlite3.Error)
UNREACHABLE = "the database cannot be reached"
REFUSES = "the database refuses what it has to do; the server's log says why"
# An operator took rights or tables away, the original is a copy now, a page on the disk is damaged.
REFUSALS = (psycopg.InternalError, errors.InsufficientPrivilege, errors.UndefinedTable, errors.UndefinedColumn)
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def let_go(error: BaseException) -> None:
    """Free what the frames of an error hold, and of those that led to it.

    psycopg leaves a connection there that it could not make, open until the cyclic collector comes by.
    """
    before: BaseException | None = error
    while before is not None:
        traceback.clear_frames(before.__traceback__)
        before = before.__cause__ or before.__context__


def unusable(error: BaseException) -> str | None:
    """What is wrong with the database, as a caller may know it; None where the error is about what was asked.

    Whatever is the database's own is mended there, and then the same request succeeds.
    """
    driver = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(driver, sqlite3.Error):
        return _of_sqlite(driver)
    if isinstance(driver, psycopg.Error) and (driver.sqlstate or "").startswith("54"):
        return None  # "program limit exceeded": a text too long for an index
    if isinstance(driver, PoolTimeout | psycopg.OperationalError | psycopg.InterfaceError):
        return UNREACHABLE
    return REFUSES if isinstance(driver, REFUSALS) else None


def _of_sqlite(error: sqlite3.Error) -> str | None:
    code = getattr(error, "sqlite_errorcode", None)  # the module's own errors have none
    kind = None if code is None else code & 0xFF
    if kind in DAMAGED:
        return REFUSES
    if kind == sqlite3.SQLITE_ERROR:
        return REFUSES if str(error).startswith(("no such table", "no such column")) else None
    return UNREACHABLE if isinstance(error, sqlite3.OperationalError) and kind != sqlite3.SQLITE_TOOBIG else None
