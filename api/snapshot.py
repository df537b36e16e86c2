"""A snapshot: every derived row as of one position of the journal, in compressed parts that a rebuild begins with."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import BigInteger, Boolean, Integer
from sqlmodel import Session, SQLModel

import schema.retention
import schema.tables  # noqa: F401  # fills the metadata that parts are declared by
from schema.kinds import Turn
from schema.queries.horizon import horizon
from schema.sql import Statement

# Children before parents, so that no row is left pointing at nothing. The journal and access are not derived.
DERIVED = (
    "changes grants hand_grants mappings creators default_roles role_permissions assertions memberships"
    " permissions roles groups users directories organizations"
).split()
COUNTERS = "log"  # the part that is no table's: the last mapping's key
ROWS = 5000  # in a part
# What the present and every later moment are told from. Of a role that is held: its last change, and the grant that
# goes back to. Of one that was lost as a grant by hand ended: how that was, for `explain` says so. And the last change
# of each role in each organization, for a warning asks whether anybody ever held it; the log's very last is one of
# these, and has to stay: the log is numbered on from there.
BASE = f"""
    WITH words AS (
        SELECT max(position) AS last, max(CASE WHEN turn <> {Turn.REVOKED:d} THEN position END) AS held,
               max(CASE WHEN turn = {Turn.GRANTED:d} THEN position END) AS granted
        FROM changes GROUP BY user_key, role_key),
    ended AS (
        SELECT w.last, w.held FROM words w CROSS JOIN changes c
        WHERE w.last <> w.held AND c.position = w.held AND c.reasons LIKE '%"expires_at"%')
    SELECT {{columns}} FROM changes WHERE position IN (
        SELECT last FROM words WHERE last = held UNION SELECT granted FROM words WHERE last = held
        UNION SELECT last FROM ended UNION SELECT held FROM ended
        UNION SELECT max(position) FROM changes GROUP BY organization_key, role_key)
    ORDER BY position"""
MAPPINGS = Statement("SELECT mappings FROM log")
SET_MAPPINGS = Statement("UPDATE log SET mappings = :mappings, catalogue = catalogue + 1")
PARTS = Statement("SELECT part, data FROM snapshot_parts WHERE position = :position AND name = :name ORDER BY part")
ALL_PARTS = Statement("SELECT name, part, data FROM snapshot_parts WHERE position = :position ORDER BY name, part")
ENTRY = Statement("SELECT payload FROM journal WHERE position = :position AND type = 'system.snapshot'")
# Roles held since before history is whole, without the change that granted them.
WITHOUT_HISTORY = Statement(f"""
    SELECT count(*) FROM grants g WHERE g.since <= :since AND NOT EXISTS (
        SELECT 1 FROM changes c WHERE c.user_key = g.user_key AND c.role_key = g.role_key
            AND c.turn = {Turn.GRANTED:d} AND c.at = g.since)""")
STORE = Statement("""
    INSERT INTO snapshot_parts (position, name, part, data) VALUES (:position, :name, :part, :data)
    ON CONFLICT (position, name, part) DO NOTHING""")


class Part(NamedTuple):
    """Some rows of a table, as they are stored."""

    name: str
    part: int
    data: bytes


class _Said(msgspec.Struct):
    """What the snapshot's entry says of its parts."""

    parts: int
    sha256: str


_said = msgspec.json.Decoder(_Said)


class Imprint:
    """A hash over parts, whatever the order they are taken in."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def take(self, part: Part) -> None:
        """Take a part in."""
        self._found.append(f"{part.name}/{part.part}:{hashlib.sha256(part.data).hexdigest()}")

    def hexdigest(self) -> str:
        """The hash of what was taken in."""
        return hashlib.sha256("\n".join(sorted(self._found)).encode()).hexdigest()


def dump(session: Session, position: int) -> Iterator[tuple[Part, int]]:
    """Every part of the state that the session's SQLite database is in, with its number of rows.

    `position` is the journal's that the snapshot will stand at: the cause that its changes then name.
    """
    driver: Any = session.connection().connection.driver_connection
    for name in DERIVED:
        names = [column.name for column in SQLModel.metadata.tables[name].columns]
        columns = ", ".join(names)
        if name == "changes":
            sql = BASE.format(columns=columns.replace("event_position", f"{position:d} AS event_position"))
        else:
            sql = f"SELECT {columns} FROM {name} ORDER BY 1, 2"
        cursor = driver.execute(sql)
        number = 0
        while rows := cursor.fetchmany(ROWS):
            yield _part(name, number, rows), len(rows)
            number += 1
    yield _part(COUNTERS, 0, MAPPINGS.run(session)), 1


def _part(name: str, number: int, rows: list[Any]) -> Part:
    return Part(name, number, zlib.compress(msgspec.json.encode([tuple(row) for row in rows])))


def load(session: Session) -> int:
    """Fill the derived tables, which are empty, with the snapshot; give the position of the last change it stands for.

    Does nothing, and gives 0, in a database that was never compacted.
    """
    beginning = horizon(session)
    if not beginning.snapshot:
        return 0
    for name in reversed(DERIVED):
        for rows in rows_of(session, beginning.snapshot, name):
            _fill(name).run(session, rows=rows)
    for rows in rows_of(session, beginning.snapshot, COUNTERS):
        SET_MAPPINGS.run(session, mappings=rows[0][0])
    return beginning.floor


def rows_of(session: Session, position: int, name: str) -> Iterator[list[Any]]:
    """The rows of a table in the snapshot at the position, part by part."""
    for _, data in PARTS.run(session, position=position, name=name):
        yield msgspec.json.decode(zlib.decompress(data))


def faults(session: Session) -> Iterator[str]:
    """What is wrong with the snapshot that the journal begins with, a sentence each."""
    beginning = horizon(session)
    if not beginning.snapshot:
        return
    entry = ENTRY.scalars(session, position=beginning.snapshot)
    if not entry:
        yield f"the journal was compacted, and its snapshot at position {beginning.snapshot} is not there"
    elif _said.decode(bytes(entry[0])) != _Said(*imprint(session, beginning.snapshot)):
        yield f"the snapshot at position {beginning.snapshot} is not what was stored: a rebuild would lose what it held"
    if count := WITHOUT_HISTORY.scalars(session, since=beginning.since)[0]:
        yield f"{count} grants are older than what is kept, and the log lacks the change that they began with"


def imprint(session: Session, position: int) -> tuple[int, str]:
    """How many parts the snapshot at the position has, and the hash over them."""
    found, count = Imprint(), 0
    for row in ALL_PARTS.run(session, position=position):
        found.take(Part(row[0], row[1], bytes(row[2])))
        count += 1
    return count, found.hexdigest()


@cache
def _fill(name: str) -> Statement:
    declared = {column.name: _kind(column.type) for column in SQLModel.metadata.tables[name].columns}
    columns = ", ".join(declared)
    rows = ", ".join(f"{column} {kind}" for column, kind in declared.items())
    return Statement(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {{rows}} r", rows=rows)


def _kind(type_: Any) -> str:
    """A column's type as a Statement declares it."""
    if isinstance(type_, Boolean):
        return "boolean"
    if isinstance(type_, BigInteger):
        return "bigint"
    return "integer" if isinstance(type_, Integer) else "text"
