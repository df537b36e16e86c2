"""A log of ids only: what exceptions and databases say of rows and parameters is in no line of it, in either form."""

from __future__ import annotations

import asyncio
import gc
import logging
import logging.config
import sqlite3
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from msgspec import structs
from sqlalchemy import create_engine, text
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.applications import Starlette
from uvicorn.config import Config
from uvicorn.lifespan.on import LifespanOn

from api.database import Database
from api.discretion import safely, traced
from api.logs import log_config
from api.replaying import replay_rejected
from schema.events import Rejected
from schema.kinds import Outcome
from tests.conftest import driven
from tests.world import World

ADA = "ada@acme.example"
CHECKED = f"CREATE TABLE people (id integer, email text, CONSTRAINT no_ada CHECK (email NOT LIKE '{ADA[:3]}%'))"


class Heard(logging.Handler):
    """What a server's log would have in a form."""

    def __init__(self, form: str) -> None:
        super().__init__()
        configured = logging.config.DictConfigurator(log_config(form, "info")).config["formatters"]
        self.setFormatter(logging.config.DictConfigurator({}).configure_formatter(configured["rolecast"]))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture(params=["json", "text"])
def heard(request: pytest.FixtureRequest) -> Any:
    """A handler on all that is logged."""
    handler = Heard(request.param)
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


def raised(work: Callable[[], object]) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011  # whichever: each test says what it is
        work()
    return caught.value


@pytest.fixture
def refused(url: str) -> Exception:
    """What a table with a CHECK says of a row with an address, through SQLAlchemy at its most talkative."""
    engine = create_engine(driven(url))

    def insert() -> None:
        with engine.begin() as connection:
            connection.execute(text(CHECKED))
            connection.execute(text("INSERT INTO people VALUES (1, :email)"), {"email": ADA})

    error = raised(insert)
    engine.dispose()
    assert ADA in str(error), "it would be in the log"
    return error


def test_what_a_database_refuses_is_logged_by_its_code_and_constraint_without_the_row(
    url: str, refused: Exception, heard: Heard
) -> None:
    logging.getLogger("rolecast").error("event %s cannot be applied", "evt_1", exc_info=refused)
    (line,) = heard.lines
    code = "SQLITE_CONSTRAINT_CHECK" if url.startswith("sqlite") else "23514"
    for part in ("evt_1", "IntegrityError", code, "no_ada", "The above exception was the direct cause", "in insert"):
        assert part in line
    for part in (ADA, "DETAIL", "[parameters", "Failing row", "sqlalche.me"):
        assert part not in line


def test_neither_are_exceptions_before_it_beside_it_and_around_it(refused: Exception, heard: Heard) -> None:
    def handling() -> None:
        try:
            raise refused
        except Exception:
            raise KeyError(ADA)  # noqa: B904  # so that one is the other's context

    group = ExceptionGroup(f"of {ADA}", [raised(handling), ValueError(ADA)])
    group.add_note(ADA)
    logging.getLogger("rolecast").error("failed", exc_info=group)
    (line,) = heard.lines
    assert ADA not in line
    for part in ("ExceptionGroup", "1 of 2", "IntegrityError", "During handling", "KeyError", "2 of 2", "ValueError"):
        assert part in line


def test_a_line_of_another_handlers_making_is_made_anew(refused: Exception, heard: Heard) -> None:
    first = logging.StreamHandler()
    record = logging.LogRecord("rolecast", logging.ERROR, "", 0, "failed", None, None)
    record.exc_info = (type(refused), refused, refused.__traceback__)
    assert ADA in first.format(record)
    assert ADA not in heard.format(record)


def test_an_error_among_a_messages_arguments_is_told_without_its_row(refused: Exception, heard: Heard) -> None:
    logging.getLogger("psycopg").warning("error ignored in rollback: %s", refused)
    (line,) = heard.lines
    assert "no_ada" in line
    assert ADA not in line


def test_a_task_that_nobody_awaits_is_told_without_what_its_exception_says(heard: Heard) -> None:
    async def fails() -> None:
        raise ValueError(ADA)

    async def runs() -> None:
        asyncio.get_running_loop().call_soon(lambda given: 1 / 0, ADA)
        await asyncio.wait([asyncio.create_task(fails())])
        gc.collect()  # it is told once the task is gone

    asyncio.run(runs())
    whole = "".join(heard.lines)
    for part in ("Exception in callback", "ZeroDivisionError", "Task exception was never retrieved", "ValueError"):
        assert part in whole
    assert ADA not in whole


@pytest.mark.anyio
async def test_what_ends_a_server_at_its_start_is_told_without_the_row(refused: Exception, heard: Heard) -> None:
    @asynccontextmanager
    async def starting(app: Starlette) -> AsyncIterator[None]:
        if app.routes == []:
            raise refused
        yield

    lifespan = LifespanOn(Config(Starlette(lifespan=starting), log_config=None))
    await lifespan.startup()
    whole = "".join(heard.lines)
    assert "no_ada" in whole
    assert "in starting" in whole
    assert ADA not in whole


def test_a_replay_that_fails_is_told_without_the_row_where_no_log_is_configured(
    migrated_postgresql: str, capsys: pytest.CaptureFixture[str]
) -> None:
    database = Database(driven(migrated_postgresql))
    world = World(database)
    event = world.snapshot("ada", "eng", email=ADA)
    world.send(structs.replace(event, body=Rejected("a bug")))
    refuses = text("ALTER TABLE users ADD CONSTRAINT no_ada CHECK (email NOT LIKE 'ada%') NOT VALID")
    database.write_now(lambda session: session.connection().execute(refuses).close())
    stderr = logging.StreamHandler()
    logging.getLogger("rolecast.replay").addHandler(stderr)
    try:
        assert replay_rejected(database, "cli", lambda done, total: None) == {Outcome.REJECTED: 1}
    finally:
        logging.getLogger("rolecast.replay").removeHandler(stderr)
        database.close()
    said = capsys.readouterr().err
    assert said.count('23514: new row for relation "users" violates check constraint "no_ada"') == 2
    assert "kept as REJECTED" in said
    assert ADA not in said


def test_the_drivers_words_are_told_only_where_they_quote_nothing(migrated_postgresql: str) -> None:
    def asking(statement: str, *values: Any) -> Exception:
        with psycopg.connect(migrated_postgresql) as connection:
            return raised(lambda: connection.execute(statement.encode(), values))

    said = {
        safely(asking("SELECT CAST(%s::text AS integer)", ADA)): "(psycopg.errors.InvalidTextRepresentation, 22P02)",
        safely(asking("SELECT nothing FROM people")): "(psycopg.errors.UndefinedTable, 42P01) relation "
        '"people" does not exist',
        safely(asking("SELECT %s::text", f"{ADA}\0")): "(psycopg.DataError)",
        safely(asking(f"DO $$ BEGIN RAISE '{ADA}'; END $$")): "(psycopg.errors.RaiseException, P0001)",
    }
    assert list(said) == list(said.values())


def test_sqlites_words_are_told_only_where_they_quote_nothing() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE people (email text UNIQUE)")
    connection.execute("INSERT INTO people VALUES (?)", (ADA,))

    def asking(statement: str, *values: Any) -> str:
        return safely(raised(lambda: connection.execute(statement, values)))

    unique = asking("INSERT INTO people VALUES (?)", ADA)
    assert unique == "(sqlite3.IntegrityError, SQLITE_CONSTRAINT_UNIQUE) UNIQUE constraint failed: people.email"
    assert asking("SELECT * FROM nowhere") == "(sqlite3.OperationalError, SQLITE_ERROR) no such table: nowhere"
    assert asking("SELECT json_extract('{}', ?)", ADA) == "(sqlite3.OperationalError, SQLITE_ERROR)"
    assert asking("SELECT ?", {ADA: 1}) == "(sqlite3.ProgrammingError)"
    connection.close()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("{server}/no_such_database?{options}", 'database "no_such_database" does not exist'),
        ("postgresql://nobody:hush@/postgres?{options}", 'role "nobody" does not exist'),
        ("postgresql://ada:hush@127.0.0.1:1/none", "Connection refused"),
        ("postgresql://ada:hu@sh@127.0.0.1:1/none", "failed to resolve host '…@127.0.0.1'"),
    ],
)
def test_a_connection_that_fails_says_why_in_a_line_and_never_with_a_password(
    url: str, told: str, postgresql: str
) -> None:
    server, _, options = postgresql.replace(":@", ":hush@").partition("/postgres?")
    engine = create_engine(driven(url.format(server=server, options=options)))
    words = safely(raised(engine.connect))
    assert words.startswith("(psycopg.OperationalError) ")
    assert told in words
    assert not [part for part in ("\n", "hu", "sqlalche.me") if part in words]


def test_what_else_may_be_told_is_of_files_pools_and_code() -> None:
    assert safely(PoolTimeout("no connection in 5 s", code="3o7r")) == (
        "(sqlalchemy.exc.TimeoutError) no connection in 5 s"
    )
    assert (
        safely(FileNotFoundError(2, "No such file", "archive"))
        == "(FileNotFoundError) [Errno 2] No such file: 'archive'"
    )
    assert safely(AttributeError("'User' object has no attribute 'x'")).endswith("no attribute 'x'")
    assert safely(ValueError(ADA)) == "(ValueError)"


def test_a_traceback_is_as_python_prints_it_but_for_the_words() -> None:
    def fails() -> None:
        try:
            raise OSError(28, "No space left on device")
        except OSError as error:
            raise RuntimeError from error

    error = raised(fails)
    assert traced(error) + "\n" == "".join(traceback.format_exception(error))
