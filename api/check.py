"""Check: prove that what is stored is what follows from the facts, and that no log has a hole."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from sqlmodel import Session, SQLModel

from api.settle import Difference, differences
from api.snapshot import faults
from api.work import Entry
from schema.events import Event, Ignored
from schema.kinds import Source
from schema.queries.horizon import horizon
from schema.sql import Statement
from schema.times import format_time

CHUNK = 2000
COUNT_USERS = Statement("SELECT count(*) FROM users")
USERS = Statement("SELECT key FROM users WHERE key > :after ORDER BY key LIMIT :limit")
WORDS = Statement("SELECT u.id, r.name FROM users u CROSS JOIN roles r WHERE u.key = :user AND r.key = :role")
HOLES = {
    log: Statement(f"SELECT count(*), min(position), max(position) FROM {log} WHERE position > :after")
    for log in ("journal", "changes")
}
UNKNOWN_ORGANIZATIONS = Statement("""
    SELECT position FROM journal j WHERE organization_key IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM organizations o WHERE o.key = j.organization_key) ORDER BY position LIMIT 10""")
LATEST = Statement("SELECT coalesce(max(received_at), 0) FROM journal")
OVER = Statement("SELECT count(*), min(expires_at) FROM hand_grants WHERE expires_at <= :now")
OVER_OF = Statement(
    "SELECT user_key, expires_at FROM hand_grants WHERE expires_at <= :now AND user_key IN (SELECT key FROM {users})",
    users="key bigint",
)
_NOBODY = Entry(
    Event(
        id="", type="", source=Source.SYSTEM, actor="", organization_id=None, occurred_at=0, payload=b"", body=Ignored()
    )
)


def check(session: Session, progress: Callable[[int, int], None]) -> list[str]:
    """What is wrong, a sentence each; an empty list is a clean database. `progress(users done, users in all)`.

    A grant by hand that is over and that no server has ended yet is no fault: see `unended`.
    """
    return [*_grants(session, progress), *_references(session), *_positions(session), *faults(session)]


def unended(session: Session) -> str | None:
    """The sentence on grants by hand that are over and that nothing has ended yet; None if there are none."""
    count, first = OVER.one(session, now=time.time_ns())
    if not count:
        return None
    if count == 1:
        return f"1 grant by hand is over since {format_time(first)}; a running server ends it within a second"
    return (
        f"{count} grants by hand are over, the first since {format_time(first)}; "
        "a running server ends them within a second"
    )


def verdict(wrong: Sequence[str]) -> str:
    """How many things are wrong, to begin a sentence with."""
    return f"{counted(len(wrong), 'thing')} {'is' if len(wrong) == 1 else 'are'} wrong"


def counted(count: int, noun: str) -> str:
    """A number with its noun: 1 row, 2 rows."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _grants(session: Session, progress: Callable[[int, int], None]) -> Iterator[str]:
    """Where grants are not what the rule says at this moment, or said when the last event touched their user."""
    total, done, after = int(COUNT_USERS.scalars(session)[0]), 0, -1
    now = max(time.time_ns(), int(LATEST.scalars(session)[0]))
    while users := USERS.scalars(session, after=after, limit=CHUNK):
        for each in _drift(session, users, now):
            user, role = WORDS.one(session, user=each.held[0], role=each.held[1])
            if not each.after:
                yield f"user {user} is granted {role}, and nothing entitles them to it"
            elif not each.before:
                yield f"user {user} is entitled to {role}, and is not granted it"
            else:
                yield f"user {user} is granted {role} for other reasons than those that entitle them"
        after, done = users[-1], done + len(users)
        progress(done, total)


def _drift(session: Session, users: Sequence[int], now: int) -> Iterator[Difference]:
    """What differs for each user; where grants by hand are over, at the moment of theirs at which least does."""
    over: defaultdict[int, set[int]] = defaultdict(set)
    for user, expired_at in OVER_OF.run(session, users=users, now=now):
        over[user].add(expired_at - 1)
    for user, found in groupby(differences(session, dict.fromkeys(users, _NOBODY), now), lambda each: each.held[0]):
        earlier = (list(differences(session, {user: _NOBODY}, moment)) for moment in sorted(over.get(user, ())))
        yield from min([list(found), *earlier], key=len)


def _references(session: Session) -> Iterator[str]:
    """Rows that point at nothing. Every foreign key is looked at, whatever the database promises."""
    for table in SQLModel.metadata.sorted_tables:
        for constraint in table.foreign_key_constraints:
            (column,), (element,) = constraint.columns, constraint.elements
            target = element.column
            lost = Statement(f"""
                SELECT count(*) FROM {table.name} child WHERE child.{column.name} IS NOT NULL AND NOT EXISTS (
                    SELECT 1 FROM {target.table.name} parent WHERE parent.{target.name} = child.{column.name})""")
            if count := lost.scalars(session)[0]:
                names = "names" if count == 1 else "name"
                yield f"{counted(count, 'row')} of {table.name} {names} a {column.name} that is not there"
    for position in UNKNOWN_ORGANIZATIONS.scalars(session):
        yield f"journal entry {position} names an organization that is not there"


def _positions(session: Session) -> Iterator[str]:
    beginning = horizon(session)
    for (log, statement), after in zip(HOLES.items(), (beginning.snapshot, beginning.floor), strict=True):
        count, first, last = statement.one(session, after=after)
        if count and (first, count) != (after + 1, last - after):
            yield f"{log} has {counted(count, 'row')}, from position {first} to {last}: positions are missing"
