"""Directories: the connections that an organization's users and groups come through."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session

from api.facts.keys import new_keys
from api.work import Entry
from schema.kinds import Outcome
from schema.sql import Statement
from schema.wire import DirectoryChanged

KNOWN = Statement("SELECT id, key, organization_key FROM directories WHERE id IN (SELECT id FROM {ids})", ids="id text")
OWNER = Statement("SELECT o.id FROM directories d JOIN organizations o ON o.key = d.organization_key WHERE d.id = :id")
NAME = Statement(
    "INSERT INTO directories (key, id, organization_key, enabled, at, by)"
    " SELECT key, id, organization_key, true, 0, '' FROM {rows} r",
    rows="key bigint, id text, organization_key bigint",
)
CHANGE = Statement("""
    UPDATE directories SET provider = :provider, type = :type, enabled = :enabled, at = :at, by = :by
    WHERE key = :key AND (:at > at OR (:at = at AND :by > by)) RETURNING key""")


def directory_keys(session: Session, named: Iterable[tuple[int, str | None]]) -> dict[tuple[int, str], int]:
    """The keys of (organization's key, directory id) pairs; each directory exists from now on.

    An id belongs to the organization that named it first: another's pair is left out.
    """
    pairs = list(dict.fromkeys((owner, directory) for owner, directory in named if directory is not None))
    if not pairs:
        return {}
    known = {row[0]: (row[1], row[2]) for row in KNOWN.run(session, ids=[directory for _, directory in pairs])}
    fresh = new_keys(session, "directories")
    added: list[tuple[int, str, int]] = []
    for owner, directory in pairs:
        if directory not in known:
            known[directory] = (next(fresh), owner)
            added.append((known[directory][0], directory, owner))
    if added:
        NAME.run(session, rows=added)
    return {(owner, directory): known[directory][0] for owner, directory in pairs if known[directory][1] == owner}


def directory_owner(session: Session, id: str) -> str | None:
    """The id of the organization whose directory it is; None if it was never heard of."""
    return next(iter(OWNER.scalars(session, id=id)), None)


def change_directory(session: Session, entry: Entry, body: DirectoryChanged) -> None:
    """Write down that a directory was switched on or off; the type says which, where `enabled` does not."""
    owner = entry.organization_key or 0
    key = directory_keys(session, [(owner, body.id)])[owner, body.id]
    enabled = entry.event.type.endswith("enabled") if body.enabled is None else body.enabled
    values = {"provider": body.provider, "type": body.directory_type, "enabled": enabled}
    if not CHANGE.scalars(session, key=key, at=entry.at, by=entry.event.id, **values):
        entry.outcome = Outcome.SUPERSEDED
