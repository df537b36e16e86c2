"""Compacting a world, and looking at everything that must not change by it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

from sqlmodel import Session

from api.compaction.compact import compact
from api.compaction.moving import Summary
from schema.kinds import Turn
from schema.queries.changes import changes_after, held_at
from schema.queries.explaining import LastHeld, last_held
from schema.queries.horizon import Horizon, horizon
from schema.queries.journal import events_after
from schema.queries.organizations import last_heard
from schema.queries.warnings import vacant_roles
from schema.sql import Statement
from tests.world import World

KEPT_ELSEWHERE = ("journal", "changes", "archived", "snapshot_parts")
ANEW = [
    Statement("DELETE FROM archived"),
    Statement("DELETE FROM snapshot_parts"),
    Statement("UPDATE log SET snapshot = 0, floor = 0, since = 0"),
]


@contextmanager
def silent(_title: str) -> Iterator[Callable[[int, int], None]]:
    """No bar."""
    yield lambda _done, _total: None


def compacted(world: World, before: int, folder: Path) -> Summary | None:
    """Compact what was received before a moment."""
    return compact(world.database, before, folder, silent)


def emptied(world: World) -> World:
    """A world in which nothing ever happened, and nothing was compacted."""
    world.database.write_now(lambda session: [statement.run(session) for statement in ANEW])
    return world.empties()


def beginnings(world: World) -> Horizon:
    """Where the world's logs begin."""
    return world.database.read_now(horizon)


def facts(world: World) -> dict[str, Any]:
    """Every table that says what is so now."""
    return {name: rows for name, rows in world.tables().items() if name not in KEPT_ELSEWHERE}


def logs(world: World, since: Horizon) -> tuple[list[Any], list[Any]]:
    """Both logs after the positions."""

    def read(session: Session) -> tuple[list[Any], list[Any]]:
        changes = changes_after(session, since.floor, 10_000, retained=True)
        return changes, events_after(session, since.snapshot, 10_000, payload=True)

    return world.database.read_now(read)


def looks_back(world: World, moments: range) -> list[Any]:
    """What history answers: of each moment, of roles that are not held now, and of organizations."""

    def read(session: Session) -> list[Any]:
        users = Statement("SELECT key FROM users").scalars(session)
        roles = Statement("SELECT key FROM roles").scalars(session)
        homes = Statement("SELECT key FROM organizations").scalars(session)
        return [
            *(sorted(_without_cause(held_at(session, users, moment))) for moment in moments),
            sorted(each for each in last_held(session, users, roles) if _is_told(each)),
            vacant_roles(session, list(product(homes, roles)), moments[-1]),
            last_heard(session, homes),
        ]

    return world.database.read_now(read)


def _is_told(last: LastHeld) -> bool:
    """Of what is no longer held, only the end of a grant by hand is ever spoken of."""
    return last.turn != Turn.REVOKED or '"expires_at"' in last.reasons


def _without_cause(found: list[Any]) -> list[Any]:
    """The cause of what is older than the log is the snapshot, and nobody is told."""
    return [(row._replace(event_position=0), since) for row, since in found]


def lines_of(path: Path) -> list[dict[str, Any]]:
    """What a file of the archive holds."""
    with gzip.open(path, "rb") as file:
        return [json.loads(line) for line in file]
