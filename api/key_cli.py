"""`key new`, `key list` and `key revoke`: API keys, for whoever has the database at hand."""

from __future__ import annotations

import re
import sys
import time
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.batch import apply_batch
from api.commands import new_id, organization_of
from api.database import Database
from api.terminal import complain, console, database_at_hand
from schema.commands import Command, CreateApiKey, RevokeApiKey, api_key_id
from schema.credentials import hash_of, new_api_key
from schema.events import Receipt, from_command
from schema.problems import BadInput, Problem
from schema.queries.api_keys import KeyRow, api_key_by_id, every_api_key
from schema.times import LATEST, SECOND, format_time, parse_time

SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
COLUMNS = ("id", "name", "organization", "may", "created", "expires", "last used", "state")
UNBOUNDED = 1000  # characters a line: a narrow terminal wraps lines, where rich would cut ids that are to be copied

keys = typer.Typer(no_args_is_help=True, help="API keys: made, listed and revoked.")


@keys.command("new")
def key_new(
    name: Annotated[str, typer.Argument(help="What it is for; shown, after its id, as the actor of what it does.")],
    organization: Annotated[str | None, typer.Option(help="The one organization it sees; without it, all.")] = None,
    write: Annotated[bool, typer.Option("--write", help="It may change things too.")] = False,
    expires_in: Annotated[str | None, typer.Option(help="How long it is valid: 30m, 12h, 90d, 4w.")] = None,
    expires_at: Annotated[str | None, typer.Option(help="Until when it is valid: 2030-01-31T00:00:00Z.")] = None,
) -> None:
    """Make an API key and print its secret, once: only a hash of it is kept."""
    end, secret = _end(expires_in, expires_at, time.time_ns()), new_api_key()
    command = CreateApiKey(name=name, organization_id=organization, write=write, expires_at=end, hash=hash_of(secret))
    with database_at_hand() as database:
        made = _stored(database, api_key_id(_submit(database, command).event))
    sys.stdout.write(secret + "\n")
    sys.stdout.flush()
    until = "until it is revoked" if end is None else f"until {format_time(end)}"
    sees = "every organization" if organization is None else f"organization {organization}"
    complain.print(f"{made.id} {name!r}: may {_may(made)} {sees}, {until}.", markup=False)
    complain.print("This is its secret, which is kept nowhere: send it as 'Authorization: Bearer rk_…'.", markup=False)


@keys.command("list")
def key_list() -> None:
    """Show every API key there ever was, oldest first; never a secret, and never a hash."""
    with database_at_hand() as database:
        rows = database.read_now(every_api_key)
    table, now = Table(*COLUMNS), time.time_ns()
    for row in rows:
        cells = (
            row.id,
            row.name,
            row.organization_id or "all",
            _may(row),
            _second(row.created_at),
            _second(row.expires_at),
            _second(row.last_used_at),
            _state(row, now),
        )
        table.add_row(*(Text(cell) for cell in cells))
    Console(highlight=False, width=UNBOUNDED).print(table)


@keys.command("revoke")
def key_revoke(id: Annotated[str, typer.Argument(help="Its id, as `key list` shows it: key_…")]) -> None:
    """End an API key for good; running servers refuse it within seconds."""
    with database_at_hand() as database:
        _submit(database, RevokeApiKey(id=id))
        row = _stored(database, id)
    console.print(f"Revoked {row.id} {row.name!r}, as of {format_time(row.revoked_at or 0)}.", markup=False)


def _submit(database: Database, command: Command) -> Receipt:
    """Journal and apply a command of the command line; raise the Problem that refuses it."""
    organization = database.read_now(lambda session: organization_of(session, command))
    event = from_command(new_id("cmd"), "cli", command, organization, None)
    (answer,) = database.write_now(partial(apply_batch, batch=[event], clock=time.time_ns()))
    if isinstance(answer, Problem):
        raise answer
    return answer


def _stored(database: Database, id: str) -> KeyRow:
    row = database.read_now(lambda session: api_key_by_id(session, id))
    if row is None:
        raise Problem(f"API key {id} is not stored")
    return row


def _end(expires_in: str | None, expires_at: str | None, now: int) -> int | None:
    """Nanoseconds since the epoch; None for never. Raises BadInput for what cannot be read."""
    if expires_in is not None and expires_at is not None:
        raise BadInput("give --expires-in or --expires-at, not both")
    if expires_at is not None:
        try:
            return parse_time(expires_at)
        except ValueError as error:
            raise BadInput(f"--expires-at: {error}") from error
    if expires_in is None:
        return None
    found = re.fullmatch(r"(\d{1,6})([mhdw])", expires_in, re.ASCII)
    if found is None:
        raise BadInput(f"--expires-in is a number of minutes, hours, days or weeks, such as 90d: {expires_in[:40]!r}")
    return min(now + int(found[1]) * SECONDS[found[2]] * SECOND, LATEST)


def _may(row: KeyRow) -> str:
    return "write" if row.write else "read"


def _second(moment: int | None) -> str:
    return "never" if moment is None else format_time(moment // SECOND * SECOND)


def _state(row: KeyRow, now: int) -> str:
    if row.revoked_at is not None:
        return f"revoked {_second(row.revoked_at)}"
    return "expired" if row.expires_at is not None and row.expires_at <= now else "valid"
