"""Groups: by id, by key and in pages, and how many belong to them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from sqlmodel import Session

from schema.queries.paging import Page, Pages
from schema.queries.people import OF_GROUP, count_of_users
from schema.queries.searching import contains, pattern
from schema.sql import Statement

COLUMNS = """g.key, g.id, g.organization_key, o.id, g.directory_key, g.external_id,
    coalesce(g.display_name, g.named, g.id), g.deleted, CASE WHEN g.at = 0 THEN g.seen_at ELSE g.at END, g.seen_at"""
HOME = "o.key = g.organization_key"


class GroupRow(NamedTuple):
    """A group with the wire id of its organization.

    `name` is its own, else the one in a snapshot, else its id. `at` is when it was described, else first heard of;
    `seen_at` when its existence was last told, which for a deleted one is when it was removed. Nanoseconds.
    """

    key: int
    id: str
    organization_key: int
    organization_id: str
    directory_key: int | None
    external_id: str | None
    name: str
    deleted: bool
    at: int
    seen_at: int


BY_KEY = Statement(
    f"SELECT {COLUMNS} FROM {{asked}} asked CROSS JOIN groups g CROSS JOIN organizations o"
    f" WHERE g.key = asked.key AND {HOME}",
    asked="key bigint",
)
BY_ID = Statement(
    f"SELECT {COLUMNS} FROM {{asked}} asked CROSS JOIN groups g CROSS JOIN organizations o"
    f" WHERE g.id = asked.id AND {HOME}",
    asked="id text",
)


def group_row(*columns: object) -> GroupRow:
    """A row of COLUMNS; SQLite's booleans are numbers."""
    row = GroupRow(*columns)  # type: ignore[arg-type]  # what the columns are, the table says
    return row._replace(deleted=bool(row.deleted))


def groups_by_key(session: Session, keys: Sequence[int]) -> list[GroupRow]:
    """The groups of these keys, removed ones too, in any order."""
    return [group_row(*row) for row in BY_KEY.run(session, asked=keys)]


def groups_by_id(session: Session, ids: Sequence[str]) -> list[GroupRow]:
    """The groups of these wire ids, removed ones too, in any order."""
    return [group_row(*row) for row in BY_ID.run(session, asked=ids)]


def member_counts(session: Session, groups: Sequence[int]) -> dict[int, int]:
    """How many users, inactive ones too, belong to each group; one without members is left out."""
    return count_of_users(session, OF_GROUP, groups)


@cache
def _pages(search: bool) -> Pages:
    where = ["NOT g.deleted", HOME]
    where += [contains("g.display_name", "g.named", "g.external_id")] if search else []
    return Pages(COLUMNS, "groups g CROSS JOIN organizations o", parent="g.organization_key", key="g.key", where=where)


def page_of_groups(
    session: Session, organizations: Sequence[int], *, after: int, first: int, search: str | None = None
) -> dict[int, Page[GroupRow]]:
    """The first groups after a group key in each organization, removed ones left out."""
    return _pages(search is not None).read(
        session, organizations, group_row, after=after, first=first, **pattern(search)
    )


def count_of_groups(session: Session, organizations: Sequence[int], search: str | None = None) -> dict[int, int]:
    """How many groups each organization has; one without any is left out."""
    return _pages(search is not None).count(session, organizations, **pattern(search))
