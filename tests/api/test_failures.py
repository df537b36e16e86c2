"""Whose an error of the database is."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import psycopg
import pytest
from psycopg import errors
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from api.failures import REFUSES, UNREACHABLE, unusable


def of_sqlite(statement: str, *arguments: object, file: str = ":memory:") -> sqlite3.Error:
    """The error that a statement ends with."""
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE IF NOT EXISTS kept (key integer PRIMARY KEY, name text NOT NULL)")
    with pytest.raises(sqlite3.Error) as raised:
        connection.execute(statement, arguments)
    connection.close()
    return raised.value


@pytest.mark.parametrize(
    "error",
    [
        errors.CheckViolation("no"),
        errors.NumericValueOutOfRange("no"),
        errors.ProgramLimitExceeded("no"),
        DBAPIError("SELECT", {}, errors.NotNullViolation("no")),
    ],
)
def test_what_was_asked_is_to_blame_for_its_content(error: Exception) -> None:
    assert unusable(error) is None


def test_what_was_asked_of_sqlite_is_to_blame_for_its_content() -> None:
    assert unusable(of_sqlite("INSERT INTO kept VALUES (1, NULL)")) is None
    assert unusable(of_sqlite("SELECT zeroblob(2000000000)")) is None
    assert unusable(of_sqlite("SELECT abs(-9223372036854775808)")) is None


@pytest.mark.parametrize(
    "error",
    [
        errors.InsufficientPrivilege("permission denied"),
        errors.UndefinedTable("grants"),
        errors.DataCorrupted("page"),
        errors.ReadOnlySqlTransaction("a copy"),
        ProgrammingError("SELECT", {}, errors.UndefinedTable("grants")),
    ],
)
def test_a_database_that_refuses_its_work_is_to_blame_itself(error: Exception) -> None:
    assert unusable(error) == REFUSES


def test_a_sqlite_that_lacks_a_table_or_is_damaged_is_to_blame_itself(tmp_path: Path) -> None:
    assert unusable(of_sqlite("SELECT * FROM grants")) == REFUSES
    damaged = tmp_path / "damaged.db"
    with sqlite3.connect(damaged) as connection:
        connection.execute("CREATE TABLE kept (key integer PRIMARY KEY, name text NOT NULL)")
        connection.executemany("INSERT INTO kept (name) VALUES (?)", [("x" * 500,)] * 200)
    content = bytearray(damaged.read_bytes())
    content[8192:40960] = b"\xff" * (40960 - 8192)
    damaged.write_bytes(content)
    assert unusable(of_sqlite("SELECT sum(length(name)) FROM kept", file=str(damaged))) == REFUSES


def test_a_database_out_of_reach_is_to_blame_itself() -> None:
    assert unusable(psycopg.OperationalError("connection refused")) == UNREACHABLE
    assert unusable(OperationalError("SELECT", {}, errors.AdminShutdown("bye"))) == UNREACHABLE
    assert unusable(errors.LockNotAvailable("busy")) == UNREACHABLE
    assert unusable(psycopg.InterfaceError("the connection is closed")) == UNREACHABLE
