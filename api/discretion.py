"""Discretion: what a log may say of an exception: its kind, its place and the database's code, but no value."""

from __future__ import annotations

import re
import sqlite3
import traceback
from collections.abc import Iterator

import psycopg
from sqlalchemy.exc import SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# What raises with words of its own about what it was given: rows, parameters, statements.
OF_A_DATABASE = (SQLAlchemyError, psycopg.Error, sqlite3.Error)
# PostgreSQL's classes of errors (its manual, appendix A) whose primary message names tables, constraints, roles and
# limits. Not among them: 22, which quotes what it cannot read, and P0, which says whatever a trigger says.
TELLABLE = frozenset("08 0A 0B 21 23 25 26 28 2D 34 3B 3D 3F 40 42 44 53 54 55 57 58 XX".split())
# SQLite's general error quotes what it cannot read as well; these name what the schema lacks.
LACKING = ("no such table", "no such column", "table ", 'near "')
# Their words name code: an attribute, a module, a variable.
OF_CODE = (AttributeError, NameError, ImportError, RecursionError, MemoryError)
CAUSED = "The above exception was the direct cause of the following exception:"
DURING = "During handling of the above exception, another exception occurred:"
_SECTION = re.compile(r"\n\s*[A-Z]+: ")  # DETAIL, HINT, CONTEXT, in the words of one string
_CREDENTIAL = re.compile(r"""[^\s"'(]+@""")  # of a URL that was taken apart in the wrong place
_PASSWORD = re.compile(r"password\s*=\s*('(?:[^'\\]|\\.)*'|\S+)", re.IGNORECASE)


def safely(error: BaseException) -> str:
    """One line of an exception, `(kind, code) words`: the driver's own where SQLAlchemy wraps it.

    The code is PostgreSQL's SQLSTATE or SQLite's name of the error. The words are left out where they may hold what
    somebody stored, asked for or keeps secret; of a failed connection they are there, without the password.
    """
    driver = _driver_error(error)
    named = ", ".join(filter(None, (_kind(driver), _code(driver))))
    return f"({named}) {_words(driver)}".rstrip()


def traced(error: BaseException) -> str:
    """An exception with all that led to it, frame by frame, as Python prints it but for the words: `safely`'s."""
    return "\n".join(_lines(error))


def _driver_error(error: BaseException) -> BaseException:
    return error.orig if isinstance(error, StatementError) and error.orig is not None else error


def _kind(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _code(error: BaseException) -> str | None:
    if isinstance(error, psycopg.Error):
        return error.sqlstate
    return getattr(error, "sqlite_errorname", None) if isinstance(error, sqlite3.Error) else None


def _words(error: BaseException) -> str:
    """What an exception says, in one line, as far as that names nothing but code, schema, files and addresses."""
    match error:
        case psycopg.Error():
            words = _of_postgresql(error)
        case sqlite3.Error():
            words = _of_sqlite(error)
        case PoolTimeout():
            words = str(error.args[0])
        case OSError() if error.errno is not None:
            words = str(error)
        case _:
            words = str(error) if isinstance(error, OF_CODE) and type(error).__module__ == "builtins" else ""
    return " ".join(words.split())


def _of_postgresql(error: psycopg.Error) -> str:
    if error.sqlstate is not None:
        return (error.diag.message_primary or "") if error.sqlstate[:2] in TELLABLE else ""
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return ""  # psycopg's own, of a value that it cannot turn into PostgreSQL's or back
    words = _SECTION.split(str(error))[0]  # before there is a session, and when it breaks: all in one string
    return _CREDENTIAL.sub("…@", _PASSWORD.sub("password=…", words))


def _of_sqlite(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", None)
    if code in (None, sqlite3.SQLITE_CONSTRAINT_TRIGGER):  # of a value that Python cannot bind or read, and RAISE's own
        return ""
    words = str(error)
    return words if code & 0xFF != sqlite3.SQLITE_ERROR or words.startswith(LACKING) else ""


def _lines(error: BaseException) -> Iterator[str]:
    chain = _chain(error)
    for each, led in reversed(chain):
        if each.__traceback__ is not None:
            yield "Traceback (most recent call last):"
            yield "".join(traceback.format_tb(each.__traceback__)).rstrip("\n")
        yield _last_line(each)
        if isinstance(each, BaseExceptionGroup):
            for number, inner in enumerate(each.exceptions, 1):
                yield f"  {number} of {len(each.exceptions)}:"
                yield from ("    " + line for line in traced(inner).splitlines())
        if led is not None:
            yield f"\n{led}\n"


def _chain(error: BaseException) -> list[tuple[BaseException, str | None]]:
    """The exception and all before it, newest first, each with how it led to the one that came of it."""
    chain: list[tuple[BaseException, str | None]] = []
    before: BaseException | None = error
    led: str | None = None
    while before is not None and all(before is not each for each, _ in chain):
        chain.append((before, led))
        if before.__cause__ is not None:
            before, led = before.__cause__, CAUSED
        else:
            before, led = None if before.__suppress_context__ else before.__context__, DURING
    return chain


def _last_line(error: BaseException) -> str:
    driver = _driver_error(error)
    said = (_code(error), _words(error)) if driver is error else (safely(driver),)
    return ": ".join(filter(None, (_kind(error), *said)))
