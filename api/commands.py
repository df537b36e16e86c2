"""Commands: what administrators ask for, as events of the one journal."""

from __future__ import annotations

import secrets
import time
from functools import partial

from msgspec import structs
from sqlmodel import Session

from api.database import Database
from api.ingest import Ingest
from api.rehearsal import rehearse
from schema.commands import Command, ReplayEvent, SetMappings
from schema.events import Receipt, from_command
from schema.graphql.context import Preview
from schema.kinds import Outcome
from schema.problems import NotFound, Problem
from schema.sql import Statement

OF_GROUP = Statement("SELECT o.id FROM groups g JOIN organizations o ON o.key = g.organization_key WHERE g.id = :id")
OF_USER = Statement("SELECT o.id FROM users u JOIN organizations o ON o.key = u.organization_key WHERE u.id = :id")
OF_KEY = Statement("SELECT organization_id FROM api_keys WHERE id = :id")
ORGANIZATION = Statement("SELECT id FROM organizations WHERE id = :id")


class Submit:
    """Journals a command and applies it; the `Commands` that the GraphQL schema asks for."""

    def __init__(self, database: Database, ingest: Ingest) -> None:
        """Commands go in by the same ingest as webhooks."""
        self._database = database
        self._ingest = ingest

    async def __call__(self, command: Command, /, *, actor: str, event_id: str | None = None) -> Receipt:
        """Journal and apply a command of `actor`; durable when this returns. Raises the Problem that refuses it.

        `event_id` is given by an attempt that may not be the first: a command the journal has is only answered again.
        """
        organization = await self._database.read(lambda session: organization_of(session, command))
        receipt = await self._ingest.submit(from_command(event_id or new_id("cmd"), actor, command, organization, None))
        if receipt.outcome is Outcome.REJECTED and not isinstance(command, ReplayEvent):
            raise Problem(f"the command failed; event {receipt.event} in the journal keeps it", detail=receipt.problem)
        return receipt

    async def preview(self, command: SetMappings, /, *, actor: str) -> Preview:
        """What the command would do, by doing it in a transaction that is rolled back. Raises what would refuse it.

        The one exception is `max_revocations`: its bound is what a preview is asked for.
        """
        organization = await self._database.read(lambda session: organization_of(session, command))
        free = structs.replace(command, max_revocations=None)
        event = from_command("cmd_preview", actor, free, organization, None)
        return await self._database.rehearse(partial(rehearse, event=event, clock=time.time_ns()))


def new_id(prefix: str) -> str:
    """An id that sorts by the time it was made, to the millisecond."""
    return f"{prefix}_{time.time_ns() // 1_000_000:012x}{secrets.token_hex(8)}"


def organization_of(session: Session, command: Command) -> str | None:
    """The id of the organization a command is about; None for the environment. NotFound if there is none such."""
    for name, statement, what in (
        ("organization_id", ORGANIZATION, "organization"),
        ("group_id", OF_GROUP, "group"),
        ("user_id", OF_USER, "user"),
        ("id", OF_KEY, "API key"),
    ):
        if (wanted := getattr(command, name, None)) is not None:
            found = statement.scalars(session, id=wanted)
            if not found:
                raise NotFound(f"no such {what}")
            organization: str | None = found[0]
            return organization
    return None
