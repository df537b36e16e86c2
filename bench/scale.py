"""One edit of a large group, one event among many users, one look into a long history: all without HTTP."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlmodel import Session

from api.batch import apply_batch
from api.database import Database
from api.migrate import migrate
from bench.processes import disk
from bench.report import Findings, Row
from schema.commands import Command, CreateRole, MapGroup, UnmapGroup
from schema.events import Event, from_command, from_webhook
from schema.queries.changes import held_at
from schema.sql import Statement

MEMBERS = 100_000
FEW, MANY = 1_000, 1_000_000
A_USERS_CHANGES = 1_000
USERS = Statement("""
    WITH RECURSIVE numbers(n) AS (SELECT :start UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :start + :count)
    INSERT INTO users (key, id, organization_key, email, active, deleted, at, by)
    SELECT n, 'user_' || n, 1, 'user' || n || '@example.com', true, false, 1, 'evt' FROM numbers""")
MEMBERSHIPS = Statement("INSERT INTO memberships (user_key, group_key) SELECT key, 1 FROM users WHERE key >= :start")
CHANGES = Statement("""
    INSERT INTO changes (position, at, event_position, organization_key, user_key, role_key, turn, reasons)
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
    SELECT n, n, 1, 1, 1 + n % :users, 1, 1 + n / :users % 2, '[]' FROM numbers""")
SHAPES = Statement("""
    SELECT sql FROM sqlite_master WHERE tbl_name IN ('grants', 'changes') AND sql IS NOT NULL ORDER BY type DESC""")
COPY = ("INSERT INTO copied_grants SELECT * FROM grants", "INSERT INTO copied_changes SELECT * FROM changes")
DROP = ("DROP TABLE copied_grants", "DROP TABLE copied_changes")


def measure(rounds: int, seconds: float, say: Callable[[str], None]) -> Findings:
    """The goals: an edit within 10 plain copies of as many rows, and nothing that grows with what it does not touch."""
    say(f"an edit of a group of {MEMBERS:,}")
    edits = _edits(rounds)
    say(f"one event among {FEW:,} and {MANY:,} users")
    few, many = _ingest(FEW, rounds), _ingest(MANY, rounds)
    say(f"one user's history in a log of {MANY:,}")
    short, long = _history(FEW, rounds), _history(MANY, rounds)
    rows = [
        Row("edit of a group (beside: copying as many rows)", f"{MEMBERS:,} members", "s", *edits, "<= 10"),
        Row(f"one event (beside: among {FEW:,} users)", f"among {MANY:,} users", "ms", many, few, "<= 1.3"),
        Row(f"roles at a moment (beside: log of {FEW:,})", f"log of {MANY:,}", "ms", long, short),
    ]
    notes = [
        "Edits, events among many users and looks into history are measured in one process, without HTTP.",
        "An edit is beside `INSERT … SELECT` of the grants and changes it wrote, into tables with the same indexes.",
        "The looked-at user has 1,000 changes in either log; in the long one they lie on as many pages.",
    ]
    return Findings(rows, notes)


@contextmanager
def _database() -> Iterator[Database]:
    """An organization with a group and a role, in a new SQLite file on a disk."""
    with tempfile.TemporaryDirectory(prefix="rolecast-bench-", dir=disk()[0], ignore_cleanup_errors=True) as folder:
        database = Database(f"sqlite:///{folder}/rolecast.db")
        migrate(database)
        apply(database, told(0, "organization.directory.group_created", {"id": "group", "display_name": "Everybody"}))
        apply(database, asked(1, CreateRole(name="reader"), None))
        yield database
        database.close()


def _edits(rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of mapping or unmapping the group, and of copying as many grants and changes with plain SQL."""
    edits, copies = [], []
    with _database() as database:
        database.write_now(lambda session: USERS.run(session, start=1, count=MEMBERS))
        database.write_now(lambda session: MEMBERSHIPS.run(session, start=1))
        for number in range(rounds):
            if number:
                apply(database, asked(10 + 2 * number, UnmapGroup(group_id="group", role="reader")))
            database.write_now(lambda session: session.connection().exec_driver_sql("DELETE FROM changes"))
            edits.append(_timed(apply, database, asked(11 + 2 * number, MapGroup(group_id="group", role="reader"))))
            database.write_now(_make_copies)
            copies.append(_timed(database.write_now, lambda session: _run(session, COPY)))
            database.write_now(lambda session: _run(session, DROP))
    return edits, copies


def _ingest(users: int, rounds: int) -> list[float]:
    """Milliseconds of one user's snapshot, durable, among so many users."""
    times = []
    with _database() as database:
        apply(database, asked(2, MapGroup(group_id="group", role="reader")))
        database.write_now(lambda session: USERS.run(session, start=1, count=users))
        for number in range(30 * rounds):
            groups = [{"id": "group"}] if number % 2 else []
            data: dict[str, object] = {"id": f"user_{1 + number * 7919 % users}", "groups": groups}
            event = told(100 + number, "organization.directory.user_updated", data)
            times.append(1000 * _timed(apply, database, event))
    return _medians(times, rounds)


def _history(changes: int, rounds: int) -> list[float]:
    """Milliseconds of reading what one user held at a moment, with a thousand changes of theirs at the most."""
    times = []
    with _database() as database:
        users = max(1, changes // A_USERS_CHANGES)
        database.write_now(lambda session: USERS.run(session, start=1, count=users))
        database.write_now(lambda session: CHANGES.run(session, count=changes, users=users))
        for _ in range(10 * rounds):
            times.append(1000 * _timed(database.read_now, lambda session: held_at(session, [1], changes)))
    return _medians(times, rounds)


def _medians(times: list[float], rounds: int) -> list[float]:
    size = len(times) // rounds
    return [sorted(times[place * size : (place + 1) * size])[size // 2] for place in range(rounds)]


def _timed(work: Callable[..., object], *arguments: object) -> float:
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def _make_copies(session: Session) -> None:
    """Empty tables with the same keys and indexes as those of the grants and changes."""
    for sql in SHAPES.scalars(session):
        _run(session, (re.sub(r"\b(grants|changes)\b|\b((?:grants|changes)_by_\w+)", r"copied_\1\2", sql),))


def _run(session: Session, statements: tuple[str, ...]) -> None:
    for statement in statements:
        session.connection().exec_driver_sql(statement)


def apply(database: Database, event: Event) -> None:
    """Write one event; raise the Problem that refuses it."""
    (answer,) = database.write_now(lambda session: apply_batch(session, [event], time.time_ns()))
    if isinstance(answer, Exception):
        raise answer


def told(number: int, type: str, data: dict[str, object]) -> Event:
    """A webhook of the directory, of the second `number` of a day."""
    moment = f"2026-01-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z"
    envelope = {"id": f"evt_{number}", "type": type, "occurred_at": moment, "organization_id": "org", "data": data}
    return from_webhook(f"msg_{number}", json.dumps(envelope).encode())


def asked(number: int, command: Command, organization: str | None = "org") -> Event:
    """A command of an administrator."""
    return from_command(f"cmd_{number}", "bench", command, organization, None)
