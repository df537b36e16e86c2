"""Organizations and their directories."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from sqlmodel import Session

from schema.kinds import Source
from schema.queries.paging import Page
from schema.queries.searching import contains, pattern
from schema.sql import Statement

COLUMNS = "o.key, o.id, o.display_name, o.deleted, o.at, o.mappings_version"


class OrganizationRow(NamedTuple):
    """An organization; `at` is when it was last described or removed, in nanoseconds, or 0."""

    key: int
    id: str
    display_name: str | None
    deleted: bool
    at: int
    mappings_version: int


class DirectoryRow(NamedTuple):
    """A connection to an organization's provider."""

    key: int
    id: str
    organization_key: int
    provider: str | None
    enabled: bool


BY_KEY = Statement(
    f"SELECT {COLUMNS} FROM {{asked}} asked CROSS JOIN organizations o WHERE o.key = asked.key", asked="key bigint"
)
BY_ID = Statement(
    f"SELECT {COLUMNS} FROM {{asked}} asked CROSS JOIN organizations o WHERE o.id = asked.id", asked="id text"
)
DIRECTORY = "SELECT d.key, d.id, d.organization_key, d.provider, d.enabled FROM {asked} asked CROSS JOIN directories d"
DIRECTORIES = Statement(f"{DIRECTORY} WHERE d.key = asked.key", asked="key bigint")
DIRECTORIES_OF = Statement(f"{DIRECTORY} WHERE d.organization_key = asked.key ORDER BY d.key", asked="key bigint")
NEWEST = f"""(
        SELECT j.occurred_at FROM {{}} j
        WHERE j.organization_key = asked.key AND j.source = {Source.WEBHOOK:d} ORDER BY j.position DESC LIMIT 1)"""
HEARD = Statement(
    f"SELECT asked.key, coalesce({NEWEST.format('journal')}, {NEWEST.format('archived')}) FROM {{asked}} asked",
    asked="key bigint",
)


def _row(*columns: object) -> OrganizationRow:
    row = OrganizationRow(*columns)  # type: ignore[arg-type]  # what the columns are, the table says
    return row._replace(deleted=bool(row.deleted))


def _directory(*columns: object) -> DirectoryRow:
    row = DirectoryRow(*columns)  # type: ignore[arg-type]  # what the columns are, the table says
    return row._replace(enabled=bool(row.enabled))


def organizations_by_key(session: Session, keys: Sequence[int]) -> list[OrganizationRow]:
    """The organizations of these keys, removed ones too, in any order."""
    return [_row(*row) for row in BY_KEY.run(session, asked=keys)]


def organizations_by_id(session: Session, ids: Sequence[str]) -> list[OrganizationRow]:
    """The organizations of these wire ids, removed ones too, in any order."""
    return [_row(*row) for row in BY_ID.run(session, asked=ids)]


def directories_by_key(session: Session, keys: Sequence[int]) -> list[DirectoryRow]:
    """The directories of these keys, in any order."""
    return [_directory(*row) for row in DIRECTORIES.run(session, asked=keys)]


def directories_of_organizations(session: Session, organizations: Sequence[int]) -> list[DirectoryRow]:
    """Every directory of these organizations, in the order first heard of."""
    return [_directory(*row) for row in DIRECTORIES_OF.run(session, asked=organizations)]


def last_heard(session: Session, organizations: Sequence[int]) -> dict[int, int | None]:
    """When the newest webhook of each organization occurred, in nanoseconds; None where there was none."""
    return dict(tuple(row) for row in HEARD.run(session, asked=organizations))


@cache
def _list(columns: str, search: bool, rest: str) -> Statement:
    where = f" AND {contains('o.display_name', 'o.id', 'o.external_id')}" if search else ""
    return Statement(f"SELECT {columns} FROM organizations o WHERE NOT o.deleted{where} {rest}")


def page_of_organizations(
    session: Session, *, after: int, first: int, search: str | None = None
) -> Page[OrganizationRow]:
    """The first organizations after an organization key, removed ones left out."""
    statement = _list(COLUMNS, search is not None, "AND o.key > :after ORDER BY o.key LIMIT :limit")
    rows = [_row(*row) for row in statement.run(session, after=after, limit=first + 1, **pattern(search))]
    return Page([row.key for row in rows[:first]], rows[:first], len(rows) > first)


def count_of_organizations(session: Session, search: str | None = None) -> int:
    """How many organizations there are, removed ones left out."""
    return int(_list("count(*)", search is not None, "").scalars(session, **pattern(search))[0])
