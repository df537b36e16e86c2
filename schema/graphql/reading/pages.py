"""Lists with arguments, for many parents at once: the users, groups and changes of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from schema.cursors import parse_cursor
from schema.graphql.asking import Ask, parse_key
from schema.graphql.connections import Connection
from schema.graphql.objects import Group, RoleChange, User
from schema.graphql.reading.changes import changes_of
from schema.graphql.reading.connecting import connected, connection
from schema.graphql.reading.explaining import explanations
from schema.graphql.reading.filters import change_filter, parents, user_filter
from schema.graphql.reading.groups import groups_of
from schema.graphql.reading.history import roles_at
from schema.graphql.reading.reading import Reading
from schema.graphql.reading.users import users_of
from schema.graphql.wanted import Wanted
from schema.queries import changes, people
from schema.queries.changes import changes_head, count_of_changes, page_of_changes
from schema.queries.groups import GroupRow, count_of_groups, groups_by_key, page_of_groups
from schema.queries.horizon import horizon
from schema.queries.people import UserRow, count_of_users, page_of_users, users_by_id

C = TypeVar("C")


def users_of_organizations(
    reading: Reading, keys: Sequence[int], ask: Ask, wanted: Wanted
) -> dict[int, Connection[User]]:
    """The users of each organization; with a filter by group, that group's."""
    where, group = user_filter(reading, ask.where)
    if group is None:
        return _users(reading, people.OF_ORGANIZATION, {key: key for key in keys}, keys, ask, where, wanted)
    return _users(reading, people.OF_GROUP, parents(keys, group), keys, ask, where, wanted)


def members_of_groups(reading: Reading, keys: Sequence[int], ask: Ask, wanted: Wanted) -> dict[int, Connection[User]]:
    """The members of each group; a removed one has none."""
    there = {row.key: row.key for row in groups_by_key(reading.session, keys) if not row.deleted}
    return _users(reading, people.OF_GROUP, there, keys, ask, people.ANY, wanted)


def _users(
    reading: Reading,
    parent: str,
    of: Mapping[int, int],
    keys: Sequence[int],
    ask: Ask,
    where: people.UserFilter,
    wanted: Wanted,
) -> dict[int, Connection[User]]:
    after = parse_key(ask.after, default=0)
    session, asked = reading.session, list(of)

    def load(rows: list[UserRow], wanted: Wanted) -> list[User]:
        found = users_of(reading, rows, wanted)
        return [found[row.key] for row in rows]

    pages = connected(
        asked,
        wanted,
        read=lambda: page_of_users(session, parent, asked, after=after, first=ask.first, where=where),
        count=lambda: count_of_users(session, parent, asked, where),
        load=load,
    )
    return _for_each(keys, of, pages, connection((), (), False, 0))


def groups_of_organizations(
    reading: Reading, keys: Sequence[int], ask: Ask, wanted: Wanted
) -> dict[int, Connection[Group]]:
    """The groups of each organization; `ask.where` is the search."""
    after = parse_key(ask.after, default=0)

    def load(rows: list[GroupRow], wanted: Wanted) -> list[Group]:
        return list(groups_of(reading, rows, wanted).values())

    return connected(
        keys,
        wanted,
        read=lambda: page_of_groups(reading.session, keys, after=after, first=ask.first, search=ask.where),
        count=lambda: count_of_groups(reading.session, keys, ask.where),
        load=load,
    )


def changes_of_organizations(
    reading: Reading, keys: Sequence[int], ask: Ask, wanted: Wanted
) -> dict[int, Connection[RoleChange]]:
    """The changes of each organization; with a filter by user, that user's."""
    where, user = change_filter(reading, ask.where)
    if user is None:
        return _changes(reading, changes.OF_ORGANIZATION, {key: key for key in keys}, keys, ask, where, wanted)
    return _changes(reading, changes.OF_USER, parents(keys, user), keys, ask, where, wanted)


def changes_of_users(
    reading: Reading, keys: Sequence[int], ask: Ask, wanted: Wanted
) -> dict[int, Connection[RoleChange]]:
    """The changes of each user."""
    return _changes(reading, changes.OF_USER, {key: key for key in keys}, keys, ask, changes.ANY, wanted)


def _changes(
    reading: Reading,
    parent: str,
    of: Mapping[int, int],
    keys: Sequence[int],
    ask: Ask,
    where: changes.ChangeFilter,
    wanted: Wanted,
) -> dict[int, Connection[RoleChange]]:
    session, asked, after = reading.session, list(of), position_after(reading, ask.after)
    pages = connected(
        asked,
        wanted,
        read=lambda: page_of_changes(session, parent, asked, after=after, first=ask.first, where=where),
        count=lambda: count_of_changes(session, parent, asked, where),
        load=lambda rows, wanted: changes_of(reading, rows, wanted),
        cursor=reading.cursor,
    )
    return _for_each(keys, of, pages, connection((), (), False, 0))


def position_after(reading: Reading, cursor: str | None) -> int:
    """The position of a cursor, 0 without one; raise CursorExpired for one that this log never gave, or lets go of."""
    if cursor is None:
        return 0
    head, floor = changes_head(reading.session), horizon(reading.session).floor
    return parse_cursor(cursor, log=reading.catalogue.log, head=head, floor=floor)


def user_of_organizations(reading: Reading, keys: Sequence[int], ask: Ask, wanted: Wanted) -> dict[int, User | None]:
    """The user whose id `ask.where` is, for the organization they belong to."""
    rows = [
        row
        for row in users_by_id(reading.session, [ask.where])
        if row.organization_key in keys and reading.viewer.sees_user(row.id, row.organization_id)
    ]
    users = users_of(reading, rows, wanted)
    found = {row.organization_key: users[row.key] for row in rows}
    return {key: found.get(key) for key in keys}


def _for_each(keys: Sequence[int], of: Mapping[int, int], pages: Mapping[int, C], empty: C) -> dict[int, C]:
    found = {of[key]: page for key, page in pages.items()}
    return {key: found.get(key, empty) for key in keys}


NESTED: dict[str, Callable[[Reading, Sequence[int], Ask, Wanted], Mapping[int, Any]]] = {
    "Organization.user": user_of_organizations,
    "Organization.users": users_of_organizations,
    "Organization.groups": groups_of_organizations,
    "Organization.changes": changes_of_organizations,
    "Group.members": members_of_groups,
    "User.changes": changes_of_users,
    "User.explain": explanations,
    "User.rolesAt": roles_at,
}
