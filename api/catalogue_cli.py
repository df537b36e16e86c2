"""`catalogue apply` and `catalogue export`: the environment's roles and permissions, declared in a file."""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import Annotated

import typer

from api.batch import apply_batch
from api.commands import new_id
from api.database import Database
from api.declaration import differences, read_toml, write_toml
from api.facts.declared import stored_catalogue
from api.terminal import console, database_at_hand
from schema.commands import ApplyCatalogue
from schema.events import Receipt, from_command
from schema.problems import BadInput, Problem

catalogue = typer.Typer(no_args_is_help=True, help="The environment's roles and permissions, declared in a file.")


@catalogue.command("apply")
def catalogue_apply(
    file: Annotated[typer.FileBinaryRead, typer.Argument(help="The catalogue as TOML; - for standard input.")],
    prune: Annotated[bool, typer.Option("--prune", help="End roles and permissions that the file lacks.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done, or refused.")] = False,
) -> None:
    """Show what a file changes of the catalogue, and make it so, in one journaled event."""
    wanted = read_toml(_text(file.read()), prune=prune)
    with database_at_hand() as database:
        changes = differences(database.read_now(stored_catalogue), wanted)
        for sentence in changes:
            console.print(sentence, markup=False)
        if not changes:
            console.print("Nothing to change.")
            return
        receipt = _submit(database, wanted, dry_run=dry_run)
    done = "Would be applied" if dry_run else f"Applied as {receipt.event}"
    console.print(f"{done}: {receipt.granted} roles granted, {receipt.revoked} revoked.")


@catalogue.command("export")
def catalogue_export() -> None:
    """Print the catalogue as TOML that `apply` reads back without a difference."""
    with database_at_hand() as database:
        sys.stdout.write(write_toml(database.read_now(stored_catalogue)))


def _submit(database: Database, wanted: ApplyCatalogue, *, dry_run: bool) -> Receipt:
    """Apply the declared catalogue, or do so and take it back; raise the Problem that refuses it."""
    event = from_command(new_id("cmd"), "cli", wanted, None, None)
    write = database.rehearse_now if dry_run else database.write_now
    (answer,) = write(partial(apply_batch, batch=[event], clock=time.time_ns()))
    if isinstance(answer, Problem):
        raise answer
    return answer


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"the file is not UTF-8: {error}") from error
