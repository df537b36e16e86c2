"""`copy --to`: the environment's database goes whole to another one, to move house, to back up or to restore."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import SecretStr, TypeAdapter, ValidationError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from api.check import verdict
from api.copying import TABLES, Copied, copy, log_of
from api.copying.fresh import fresh
from api.copying.holding import Hold, hold_still
from api.copying.target import must_be_vacant
from api.database import Database
from api.database_url import without_password
from api.settings import load_settings
from api.terminal import complain, console, database_at_hand, progress_of
from api.values import DatabaseUrl, with_driver
from schema.problems import BadInput, Conflict, Unavailable

T = TypeVar("T")
FAULTY = 3  # the exit code of a copy that is made, of a database that `check` finds something wrong with
LOOK_SECONDS = 1.0  # between two looks at whether the hold lasts


def copy_deployment(
    to: Annotated[str, typer.Option(help="An empty database: sqlite:///file or postgresql://user@host/name.")],
    hold: Annotated[
        bool, typer.Option("--hold", help="Afterwards, let nobody write to the old database until Ctrl-C.")
    ] = False,
) -> None:
    """Copy everything to another database, cursors and keys included. This one is held still meanwhile.

    Exit code 3 when the copy is made, and both databases have the faults that are listed: see `check`.
    """
    url = _target_url(to)
    with database_at_hand() as source, fresh(url) as keep, _opened(url) as target:
        log = source.read_now(log_of)
        _reached(lambda: target.read_now(lambda session: must_be_vacant(session, TABLES, log)))
        wrong = hold_still(source, partial(_move, target=target, keep=keep, shown=without_password(url), stay=hold))
    if wrong:
        raise typer.Exit(FAULTY)


def _move(hold: Hold, *, target: Database, keep: Callable[[], None], shown: str, stay: bool) -> list[str]:
    start = time.monotonic()
    with progress_of("copying, comparing, checking") as progress:
        copied = copy(hold, target, progress)
    keep()
    _tell(copied, time.monotonic() - start, shown)
    if stay:
        _stay(hold)
    return copied.wrong


def _tell(copied: Copied, seconds: float, shown: str) -> None:
    rows = f"{sum(copied.rows.values()):,} rows of {len(copied.rows)} tables"
    console.print(f"Copied {rows} in {seconds:.1f} s, and compared each; log {copied.log} goes on there.", markup=False)
    for sentence in copied.wrong:
        console.print(f"- {sentence}", markup=False)
    if copied.wrong:
        complain.print(
            f"The copy is made, and {verdict(copied.wrong)} in both databases. "
            "`python -m api rebuild` derives everything from the journal again."
        )
    else:
        console.print("The copy is clean: grants are what the rule says, references hold, and no log has a hole.")
    if copied.unended:
        console.print(f"{copied.unended}.", markup=False)
    console.print(f"To move there: stop every server, set DATABASE_URL to {shown}, start them.", markup=False)
    console.print("What the old database takes from now on is not in the copy.")


def _stay(hold: Hold) -> None:
    """Hold on until the operator has switched over; a server on the old database answers webhooks 503 until then."""
    complain.print(
        "The old database is held still until Ctrl-C: start the new servers, stop the old ones, then end this."
    )
    try:
        while True:
            time.sleep(LOOK_SECONDS)
            hold.must_last()
    except KeyboardInterrupt:
        console.print("The old database is no longer held.")


def _target_url(text: str) -> str:
    """The URL as SQLAlchemy takes it. Raises BadInput for none, and Conflict for the environment's own database."""
    if not text.strip():
        raise BadInput("--to is empty; name an empty database, such as sqlite:///backup.db")
    try:
        secret: SecretStr = TypeAdapter(DatabaseUrl).validate_python(text)
    except ValidationError as error:
        why = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise BadInput(f"--to {why}") from None
    url = with_driver(secret)
    if _place(url) == _place(load_settings().url):
        raise Conflict("--to is DATABASE_URL itself; give an empty database")
    return url


def _place(url: str) -> object:
    """Where a database is, as far as its URL tells."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return Path(parsed.database or "").resolve()
    return parsed.host, parsed.port or 5432, parsed.database, dict(parsed.query)


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.close()


def _reached(look: Callable[[], T]) -> T:
    """The first look at the target, whose troubles are to be told from the source's."""
    try:
        return look()
    except (Unavailable, DBAPIError) as error:
        said = error.detail if isinstance(error, Unavailable) else str(error.orig)
        raise Unavailable("the database to copy to cannot be reached", detail=said) from error
