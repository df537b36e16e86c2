"""Users, their memberships and their asserted roles, as their newest event has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlmodel import Session

from api.facts.keys import new_keys
from api.work import Entry
from schema.kinds import Outcome
from schema.sql import Statement
from schema.wire import UserDeleted, UserSnapshot

KNOWN = Statement(
    """
    SELECT u.id, u.key, o.id FROM {ids} asked CROSS JOIN users u CROSS JOIN organizations o
    WHERE u.id = asked.id AND o.key = u.organization_key""",
    ids="id text",
)
# A removal keeps what was known of the person, so that the history can still name them.
WRITE = Statement(
    """
    INSERT INTO users (key, id, organization_key, external_id, email, username, name, given_name, family_name,
                       active, deleted, at, by)
    SELECT key, id, organization_key, external_id, email, username, name, given_name, family_name,
           active, deleted, at, by FROM {rows} r WHERE true
    ON CONFLICT (id) DO UPDATE SET
        external_id = CASE WHEN excluded.deleted THEN coalesce(excluded.external_id, users.external_id)
                           ELSE excluded.external_id END,
        email = CASE WHEN excluded.deleted THEN coalesce(excluded.email, users.email) ELSE excluded.email END,
        username = CASE WHEN excluded.deleted THEN users.username ELSE excluded.username END,
        name = CASE WHEN excluded.deleted THEN users.name ELSE excluded.name END,
        given_name = CASE WHEN excluded.deleted THEN users.given_name ELSE excluded.given_name END,
        family_name = CASE WHEN excluded.deleted THEN users.family_name ELSE excluded.family_name END,
        active = excluded.active, deleted = excluded.deleted, at = excluded.at, by = excluded.by
    WHERE excluded.at > users.at OR (excluded.at = users.at AND excluded.by > users.by)
    RETURNING key""",
    rows="key bigint, id text, organization_key bigint, external_id text, email text, username text, name text,"
    " given_name text, family_name text, active boolean, deleted boolean, at bigint, by text",
)
MEMBERSHIPS = Statement(
    "SELECT s.user_key, s.group_key FROM {users} asked CROSS JOIN memberships s WHERE s.user_key = asked.key",
    users="key bigint",
)
LEAVE = Statement(
    """
    DELETE FROM memberships
    WHERE (user_key, group_key) IN (SELECT user_key, group_key FROM {pairs} p)""",
    pairs="user_key bigint, group_key bigint",
)
JOIN = Statement(
    "INSERT INTO memberships (user_key, group_key) SELECT user_key, group_key FROM {pairs} p",
    pairs="user_key bigint, group_key bigint",
)
ASSERTIONS = Statement(
    "SELECT a.user_key, a.name FROM {users} asked CROSS JOIN assertions a WHERE a.user_key = asked.key",
    users="key bigint",
)
UNASSERT = Statement(
    "DELETE FROM assertions WHERE (user_key, name) IN (SELECT user_key, name FROM {pairs} p)",
    pairs="user_key bigint, name text",
)
ASSERT = Statement(
    "INSERT INTO assertions (user_key, name) SELECT user_key, name FROM {pairs} p",
    pairs="user_key bigint, name text",
)


class Known(NamedTuple):
    """A user's key, and the id of their organization."""

    key: int
    organization: str


def known_people(session: Session, entries: Iterable[Entry]) -> dict[str, Known]:
    """The users that the entries' events are about, as far as they were heard of."""
    ids = [entry.event.body.id for entry in entries if isinstance(entry.event.body, UserSnapshot | UserDeleted)]
    return {row[0]: Known(*row[1:]) for row in KNOWN.run(session, ids=ids)} if ids else {}


def write_people(session: Session, wave: Sequence[Entry], known: dict[str, Known], groups: dict[str, int]) -> None:
    """Write down the wave's users; `groups` gives the keys of the groups they name. Each user occurs once in a wave.

    An older event than the one known is superseded, and changes nothing of the user.
    """
    pairs = [(entry, entry.event.body) for entry in wave if isinstance(entry.event.body, UserSnapshot | UserDeleted)]
    if not pairs:
        return
    fresh = new_keys(session, "users")
    keys = {body.id: known[body.id].key if body.id in known else next(fresh) for _, body in pairs}
    written = set(WRITE.scalars(session, rows=[_row(keys[body.id], entry, body) for entry, body in pairs]))
    for entry, body in pairs:
        if keys[body.id] in written:
            entry.touched = [*entry.touched, keys[body.id]]
        else:
            entry.outcome = Outcome.SUPERSEDED
    applied = [(keys[body.id], body) for entry, body in pairs if keys[body.id] in written]
    if applied:
        _write_belongings(session, applied, groups)


def _row(key: int, entry: Entry, body: UserSnapshot | UserDeleted) -> tuple[object, ...]:
    start = (key, body.id, entry.organization_key, body.dp_id, body.email)
    if isinstance(body, UserDeleted):
        return (*start, None, None, None, None, False, True, entry.at, entry.event.id)
    names = (body.preferred_username, body.name, body.given_name, body.family_name)
    # A directory that says nothing of `active` has no notion of it: whoever it lists is there.
    return (*start, *names, body.active is not False, False, entry.at, entry.event.id)


def _write_belongings(
    session: Session, applied: list[tuple[int, UserSnapshot | UserDeleted]], groups: dict[str, int]
) -> None:
    """Make memberships and assertions exactly those of the snapshots: empty, null and absent lists leave none."""
    users = [key for key, _ in applied]
    snapshots = [(key, body) for key, body in applied if isinstance(body, UserSnapshot)]
    memberships = {(key, groups[group.id]) for key, body in snapshots for group in body.groups or ()}
    _make(session, users, memberships, (MEMBERSHIPS, LEAVE, JOIN))
    assertions = {(key, role.role_name) for key, body in snapshots for role in body.roles or ()}
    _make(session, users, assertions, (ASSERTIONS, UNASSERT, ASSERT))


def _make(
    session: Session, users: list[int], wanted: set[tuple[int, Any]], how: tuple[Statement, Statement, Statement]
) -> None:
    """Make the users' pairs exactly those wanted, and touch no others: most snapshots say what is known already."""
    read, remove, add = how
    known = {tuple(row) for row in read.run(session, users=users)}
    if gone := known - wanted:
        remove.run(session, pairs=sorted(gone))
    if come := wanted - known:
        add.run(session, pairs=sorted(come))
