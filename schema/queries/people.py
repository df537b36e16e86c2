"""Users: by id, by key and in pages; and what hangs on them: groups, grants, assertions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from sqlmodel import Session

from schema.kinds import Kind
from schema.queries.paging import Page, Pages
from schema.queries.searching import contains, pattern
from schema.sql import Statement

COLUMNS = """u.key, u.id, u.organization_key, o.id, u.external_id, u.email, u.username, u.name, u.given_name,
    u.family_name, u.active, u.deleted, u.at"""
HOME = "o.key = u.organization_key"
OF_ORGANIZATION, OF_GROUP = "u.organization_key", "s.group_key"


class UserRow(NamedTuple):
    """A user with the wire id of their organization; `at` is when the directory last spoke of them, in nanoseconds."""

    key: int
    id: str
    organization_key: int
    organization_id: str
    external_id: str | None
    email: str | None
    username: str | None
    name: str | None
    given_name: str | None
    family_name: str | None
    active: bool
    deleted: bool
    at: int


class GrantRow(NamedTuple):
    """A reason for which a user holds a role. `kind` is a Kind; `ref` is the mapping's key for MAPPED, else 0."""

    user_key: int
    role_key: int
    kind: int
    ref: int
    since: int


class HandGrantRow(NamedTuple):
    """Who granted a role by hand, and until when (nanoseconds)."""

    user_key: int
    role_key: int
    actor: str
    note: str | None
    expires_at: int | None


class UserFilter(NamedTuple):
    """Which users to list; None means any.

    `roles` are role keys, of which one is held. `without_group_reason`: whether a role (one of `roles`, if given) is
    held that no group gives. `search` is part of a name, an address or the provider's id. `now`, in nanoseconds,
    decides which grants by hand are over; it is needed with `roles` and `without_group_reason`.
    """

    active: bool | None = None
    roles: tuple[int, ...] | None = None
    search: str | None = None
    without_group_reason: bool | None = None
    now: int = 0


ANY = UserFilter()
BY_KEY = Statement(
    f"SELECT {COLUMNS} FROM {{asked}} asked CROSS JOIN users u CROSS JOIN organizations o"
    f" WHERE u.key = asked.key AND {HOME}",
    asked="key bigint",
)
BY_ID = Statement(
    f"SELECT {COLUMNS} FROM {{asked}} asked CROSS JOIN users u CROSS JOIN organizations o"
    f" WHERE u.id = asked.id AND {HOME}",
    asked="id text",
)
GROUPS = Statement(
    """
    SELECT s.user_key, s.group_key FROM {users} asked CROSS JOIN memberships s CROSS JOIN groups g
    WHERE s.user_key = asked.key AND g.key = s.group_key AND NOT g.deleted ORDER BY s.user_key, s.group_key""",
    users="key bigint",
)
# A grant by hand is over at its very moment, although the sweep that ends it comes a little later.
STANDS = f"""NOT ({{grant}}.kind = {Kind.BY_HAND:d} AND EXISTS (
        SELECT 1 FROM hand_grants h
        WHERE h.user_key = {{grant}}.user_key AND h.role_key = {{grant}}.role_key AND h.expires_at <= :now))"""
GRANTS = Statement(
    f"""
    SELECT g.user_key, g.role_key, g.kind, g.ref, g.since FROM {{users}} asked CROSS JOIN grants g
    WHERE g.user_key = asked.key AND {STANDS.format(grant="g")} ORDER BY g.user_key, g.role_key, g.kind, g.ref""",
    users="key bigint",
)
BY_HAND = Statement(
    """
    SELECT h.user_key, h.role_key, h.actor, h.note, h.expires_at FROM {users} asked CROSS JOIN hand_grants h
    WHERE h.user_key = asked.key""",
    users="key bigint",
)
ASSERTED = Statement(
    """
    SELECT a.user_key, a.name FROM {users} asked CROSS JOIN assertions a
    WHERE a.user_key = asked.key ORDER BY a.user_key, a.name""",
    users="key bigint",
)
CREATORS = Statement(
    """
    SELECT c.organization_key, c.user_key FROM {asked} asked CROSS JOIN creators c
    WHERE c.organization_key = asked.key""",
    asked="key bigint",
)


def user_row(*columns: object) -> UserRow:
    """A row of COLUMNS; SQLite's booleans are numbers."""
    row = UserRow(*columns)  # type: ignore[arg-type]  # what the columns are, the table says
    return row._replace(active=bool(row.active and not row.deleted), deleted=bool(row.deleted))


def users_by_key(session: Session, keys: Sequence[int]) -> list[UserRow]:
    """The users of these keys, removed ones too, in any order."""
    return [user_row(*row) for row in BY_KEY.run(session, asked=keys)]


def users_by_id(session: Session, ids: Sequence[str]) -> list[UserRow]:
    """The users of these wire ids, removed ones too, in any order."""
    return [user_row(*row) for row in BY_ID.run(session, asked=ids)]


def groups_of_users(session: Session, users: Sequence[int]) -> list[tuple[int, int]]:
    """(user key, group key) of every membership in a group that is there."""
    return [(user, group) for user, group in GROUPS.run(session, users=users)]


def grants_of_users(session: Session, users: Sequence[int], now: int) -> list[GrantRow]:
    """Every role held with each of its reasons, ordered by user, role and kind.

    `now`, in nanoseconds since the epoch, decides which grants by hand are over.
    """
    return [GrantRow(*row) for row in GRANTS.run(session, users=users, now=now)]


def hand_grants_of_users(session: Session, users: Sequence[int]) -> list[HandGrantRow]:
    """What was granted by hand, expired or not."""
    return [HandGrantRow(*row) for row in BY_HAND.run(session, users=users)]


def asserted_names(session: Session, users: Sequence[int]) -> list[tuple[int, str]]:
    """(user key, role name) of everything the directory asserts, in the order of the names."""
    return [(user, name) for user, name in ASSERTED.run(session, users=users)]


def creators_of_organizations(session: Session, organizations: Sequence[int]) -> dict[int, int]:
    """The key of the user who created each organization, where that is known."""
    return dict(tuple(row) for row in CREATORS.run(session, asked=organizations))


CONDITIONS = {
    "active": "u.active = :active",
    "roles": "EXISTS (SELECT 1 FROM grants g WHERE g.user_key = u.key AND g.role_key IN {roles}"
    f" AND {STANDS.format(grant='g')})",
    "search": contains("u.name", "u.given_name", "u.family_name", "u.email", "u.username", "u.external_id"),
}
WITHOUT_GROUP = f"""EXISTS (
    SELECT 1 FROM grants g WHERE g.user_key = u.key {{among}} AND {STANDS.format(grant="g")} AND NOT EXISTS (
        SELECT 1 FROM grants m
        WHERE m.user_key = g.user_key AND m.role_key = g.role_key AND m.kind = {Kind.MAPPED:d}))"""


@cache
def _pages(parent: str, given: tuple[str, ...], without_group_reason: bool | None) -> Pages:
    conditions = ["NOT u.deleted", HOME, *(CONDITIONS[name] for name in given)]
    if without_group_reason is not None:
        among = "AND g.role_key IN {roles}" if "roles" in given else ""
        conditions.append(("" if without_group_reason else "NOT ") + WITHOUT_GROUP.format(among=among))
    tables, key = "users u CROSS JOIN organizations o", "u.key"
    if parent == OF_GROUP:
        tables, key, conditions = (
            f"memberships s CROSS JOIN {tables}",
            "s.user_key",
            ["u.key = s.user_key", *conditions],
        )
    declared = {"roles": "key bigint"} if "roles" in given else {}
    return Pages(COLUMNS, tables, parent=parent, key=key, where=conditions, **declared)


def _prepared(parent: str, where: UserFilter) -> tuple[Pages, dict[str, object]]:
    """One text for each set of filters, and the values that go with it."""
    values = {name: value for name, value in where._asdict().items() if value is not None and name in CONDITIONS}
    given = tuple(values)
    if where.roles is not None or where.without_group_reason is not None:
        values["now"] = where.now
    return _pages(parent, given, where.without_group_reason), values | pattern(where.search)


def page_of_users(
    session: Session, parent: str, keys: Sequence[int], *, after: int, first: int, where: UserFilter = ANY
) -> dict[int, Page[UserRow]]:
    """The first users after a user key in each parent (OF_ORGANIZATION or OF_GROUP), removed ones left out."""
    pages, values = _prepared(parent, where)
    return pages.read(session, keys, user_row, after=after, first=first, **values)


def count_of_users(session: Session, parent: str, keys: Sequence[int], where: UserFilter = ANY) -> dict[int, int]:
    """How many users each organization or group has; one without any is left out."""
    pages, values = _prepared(parent, where)
    return pages.count(session, keys, **values)
