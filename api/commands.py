"""Commands: what administrators ask for, as events of the one journal."""

from __future__ import annotations

import secrets
import time

from sqlmodel import Session

from api.database import Database
from api.ingest import Ingest
from schema.commands import Command
from schema.events import Receipt, from_command
from schema.kinds import Outcome
from schema.problems import NotFound, Problem
from schema.sql import Statement

OF_GROUP = Statement("SELECT o.id FROM groups g JOIN organizations o ON o.key = g.organization_key WHERE g.id = :id")
OF_USER = Statement("SELECT o.id FROM users u JOIN organizations o ON o.key = u.organization_key WHERE u.id = :id")
ORGANIZATION = Statement("SELECT id FROM organizations WHERE id = :id")


class Submit:
    """Journals a command and applies it; the `Commands` that the GraphQL schema asks for."""

    def __init__(self, database: Database, ingest: Ingest) -> None:
        """Commands go in by the same ingest as webhooks."""
        self._database = database
        self._ingest = ingest

    async def __call__(self, command: Command, /, *, actor: str) -> Receipt:
        """Journal and apply a command of `actor`; durable when this returns. Raises the Problem that refuses it."""
        organization = await self._database.read(lambda session: _organization(session, command))
        receipt = await self._ingest.submit(from_command(new_id("cmd"), actor, command, organization, None))
        if receipt.outcome is Outcome.REJECTED:
            raise Problem(f"the command failed; event {receipt.event} in the journal keeps it", detail=receipt.problem)
        return receipt


def new_id(prefix: str) -> str:
    """An id that sorts by the time it was made, to the millisecond."""
    return f"{prefix}_{time.time_ns() // 1_000_000:012x}{secrets.token_hex(8)}"


def _organization(session: Session, command: Command) -> str | None:
    """The id of the organization a command is about; None for the environment. NotFound if there is none such."""
    for name, statement, what in (
        ("organization_id", ORGANIZATION, "organization"),
        ("group_id", OF_GROUP, "group"),
        ("user_id", OF_USER, "user"),
    ):
        if (wanted := getattr(command, name, None)) is not None:
            found = statement.scalars(session, id=wanted)
            if not found:
                raise NotFound(f"no such {what}")
            organization: str = found[0]
            return organization
    return None
