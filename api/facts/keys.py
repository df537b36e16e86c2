"""Integer keys behind the wire's ids, given out in journal order so that a rebuild gives the same ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

from sqlmodel import Session

from api.work import Entry
from schema.kinds import Outcome
from schema.sql import Statement

TABLES = ("organizations", "directories", "users", "groups", "roles", "permissions", "default_roles")
LAST = {table: Statement(f"SELECT coalesce(max(key), 0) FROM {table}") for table in TABLES}  # own names
ORGANIZATIONS = Statement("SELECT id, key FROM organizations WHERE id IN (SELECT id FROM {ids})", ids="id text")
NAME_ORGANIZATIONS = Statement(
    "INSERT INTO organizations (key, id, deleted, at, by, mappings_version)"
    " SELECT key, id, false, 0, '', 0 FROM {rows} r",
    rows="key bigint, id text",
)


def new_keys(session: Session, table: str) -> Iterator[int]:
    """The keys that follow the table's last one; asks only once the first is taken."""
    yield from count(LAST[table].scalars(session)[0] + 1)


def place(session: Session, wave: Iterable[Entry]) -> None:
    """Set each entry's organization, which exists from then on; a rejected event does not bring one into being."""
    named = [(entry, entry.event.organization_id) for entry in wave if entry.event.organization_id is not None]
    ids = list(dict.fromkeys(organization for _, organization in named))
    keys = {row[0]: row[1] for row in ORGANIZATIONS.run(session, ids=ids)} if ids else {}
    fresh = new_keys(session, "organizations")
    added: list[tuple[int, str]] = []
    for entry, organization in named:
        if organization not in keys and entry.outcome is not Outcome.REJECTED:
            keys[organization] = next(fresh)
            added.append((keys[organization], organization))
        entry.organization_key = keys.get(organization)
    if added:
        NAME_ORGANIZATIONS.run(session, rows=added)
