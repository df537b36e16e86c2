"""Groups as events describe, name and remove them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlmodel import Session

from api.facts.directories import directory_keys
from api.facts.keys import new_keys
from api.work import Entry
from schema.kinds import Outcome
from schema.sql import Statement
from schema.wire import GroupDeleted, GroupDescribed, UserSnapshot

KNOWN = Statement(
    """
    SELECT g.id, g.key, o.id, g.deleted, g.seen_at, g.seen_by, g.named, g.at, g.by, g.display_name
    FROM {ids} asked CROSS JOIN groups g CROSS JOIN organizations o
    WHERE g.id = asked.id AND o.key = g.organization_key""",
    ids="id text",
)
# Existence: the newest event that names a group, or removes it, decides. The greater event id wins at one instant.
SEE = Statement(
    """
    INSERT INTO groups (key, id, organization_key, named, deleted, seen_at, seen_by, at, by)
    SELECT key, id, organization_key, named, deleted, seen_at, seen_by, 0, '' FROM {rows} r WHERE true
    ON CONFLICT (id) DO UPDATE SET named = coalesce(excluded.named, groups.named), deleted = excluded.deleted,
        seen_at = excluded.seen_at, seen_by = excluded.seen_by
    WHERE excluded.seen_at > groups.seen_at OR (excluded.seen_at = groups.seen_at AND excluded.seen_by > groups.seen_by)
    RETURNING key""",
    rows="key bigint, id text, organization_key bigint, named text, deleted boolean, seen_at bigint, seen_by text",
)
DESCRIBE = Statement(
    """
    UPDATE groups SET display_name = r.display_name, external_id = r.external_id,
        directory_key = coalesce(r.directory_key, groups.directory_key), at = r.at, by = r.by
    FROM {rows} r WHERE groups.key = r.key AND (r.at > groups.at OR (r.at = groups.at AND r.by > groups.by))
    RETURNING groups.key""",
    rows="key bigint, display_name text, external_id text, directory_key bigint, at bigint, by text",
)
MEMBERS = Statement(
    """
    SELECT s.user_key FROM {groups} asked CROSS JOIN memberships s WHERE s.group_key = asked.key ORDER BY s.user_key""",
    groups="key bigint",
)


class Known(NamedTuple):
    """A group as it stands: `deleted` is a tombstone; of its two stamps each belongs to the name after it."""

    key: int
    organization: str
    deleted: bool
    seen_at: int
    seen_by: str
    named: str | None
    at: int
    by: str
    display_name: str | None


class Naming(NamedTuple):
    """What one event says of a group's existence."""

    entry: Entry
    id: str
    name: str | None
    deleted: bool


def known_groups(session: Session, entries: Iterable[Entry]) -> dict[str, Known]:
    """The groups that the entries' events name, as they stand; those never heard of are left out."""
    ids = list(dict.fromkeys(naming.id for entry in entries for naming in named_groups(entry)))
    return {row[0]: Known(*row[1:]) for row in KNOWN.run(session, ids=ids)} if ids else {}


def named_groups(entry: Entry) -> list[Naming]:
    """Every group that an entry's event names, once each."""
    if entry.namings is None:
        entry.namings = _namings(entry)
    return entry.namings


def _namings(entry: Entry) -> list[Naming]:
    body = entry.event.body
    if isinstance(body, UserSnapshot):
        return [Naming(entry, group.id, group.name, False) for group in {g.id: g for g in body.groups or ()}.values()]
    if isinstance(body, GroupDescribed | GroupDeleted):
        return [Naming(entry, body.id, body.display_name, isinstance(body, GroupDeleted))]
    return []


def write_groups(session: Session, wave: Sequence[Entry], before: dict[str, Known]) -> dict[str, int]:
    """Write down every group named in the wave, and give their keys; `before` is what stood of them.

    An entry that removes a group or brings it back is handed the group's members as touched.
    """
    namings = [naming for entry in wave for naming in named_groups(entry)]
    if not namings:
        return {}
    keys, fresh = {group: known.key for group, known in before.items()}, new_keys(session, "groups")
    for naming in namings:
        if naming.id not in keys:
            keys[naming.id] = next(fresh)
    seen = set(SEE.scalars(session, rows=_newest(namings, keys, before)))
    for naming in namings:
        _settle_existence(session, naming, before.get(naming.id), seen)
    _describe(session, wave, keys)
    return keys


def _newest(namings: list[Naming], keys: dict[str, int], before: dict[str, Known]) -> list[tuple[object, ...]]:
    """One row a group: the newest word on whether it exists, and the name that events one by one would have left."""
    rows: dict[str, tuple[object, ...]] = {}
    stamps = {group: (known.seen_at, known.seen_by) for group, known in before.items()}
    names = {group: known.named for group, known in before.items()}
    for entry, group, name, deleted in namings:
        stamp = (entry.at, entry.event.id)
        if stamp > stamps.get(group, (-1, "")):
            stamps[group] = stamp
            names[group] = names.get(group) if name is None else name
            rows[group] = (keys[group], group, entry.organization_key, names[group], deleted, *stamp)
    return list(rows.values())


def _settle_existence(session: Session, naming: Naming, before: Known | None, seen: set[int]) -> None:
    """Say what a naming came to: a late removal is superseded, a turn between there and gone touches every member."""
    if before is None:
        return
    if before.key not in seen:
        if naming.deleted:
            naming.entry.outcome = Outcome.SUPERSEDED
    elif bool(before.deleted) != naming.deleted:
        naming.entry.touched = [*naming.entry.touched, *MEMBERS.scalars(session, groups=[before.key])]


def _describe(session: Session, entries: Sequence[Entry], keys: dict[str, int]) -> None:
    described = [(entry, entry.event.body) for entry in entries if isinstance(entry.event.body, GroupDescribed)]
    if not described:
        return
    directories = directory_keys(
        session, [(entry.organization_key or 0, body.directory_id) for entry, body in described]
    )
    by_key = {keys[body.id]: entry for entry, body in described}
    rows = [
        (
            keys[body.id],
            body.display_name,
            body.external_id,
            directories.get((entry.organization_key or 0, body.directory_id or "")),
            entry.at,
            entry.event.id,
        )
        for entry, body in described
    ]
    for key in by_key.keys() - set(DESCRIBE.scalars(session, rows=rows)):
        by_key[key].outcome = Outcome.SUPERSEDED
