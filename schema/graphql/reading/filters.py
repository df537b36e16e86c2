"""Filters as the contract has them, turned into keys; a filter by one user or group narrows the list to theirs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from schema.graphql import inputs
from schema.graphql.reading.reading import Reading
from schema.kinds import Turn
from schema.queries.changes import ChangeFilter, must_be_listed
from schema.queries.groups import groups_by_id
from schema.queries.people import UserFilter, users_by_id


class Narrowed(NamedTuple):
    """The one parent a list is really of, and the organization that it belongs to."""

    key: int
    organization_key: int


NOWHERE = Narrowed(-1, -1)  # what was named does not exist: the list is empty


def user_filter(reading: Reading, where: inputs.UserFilter | None) -> tuple[UserFilter, Narrowed | None]:
    """The filter of users in keys, and the group that it names, if any."""
    if where is None:
        return UserFilter(), None
    group = None
    if where.group_id is not None:
        rows = groups_by_id(reading.session, [where.group_id])
        group = next((Narrowed(row.key, row.organization_key) for row in rows if not row.deleted), NOWHERE)
    filters = UserFilter(
        active=where.active,
        roles=None if where.role is None else reading.catalogue.keys_named(where.role),
        search=where.search,
        without_group_reason=where.without_group_reason,
        now=reading.now,
    )
    return filters, group


def change_filter(reading: Reading, where: inputs.ChangeFilter | None) -> tuple[ChangeFilter, Narrowed | None]:
    """The filter of changes in keys, and the user that it names, if any.

    Raises CursorExpired for moments before the log is whole.
    """
    if where is None:
        return ChangeFilter(), None
    user = None
    if where.user_id is not None:
        rows = users_by_id(reading.session, [where.user_id])
        user = next((Narrowed(row.key, row.organization_key) for row in rows), NOWHERE)
    filters = ChangeFilter(
        roles=None if where.role is None else reading.catalogue.keys_named(where.role),
        turn=None if where.kind is None else Turn[where.kind.name],
        since=where.since,
        until=where.until,
    )
    must_be_listed(reading.session, filters)
    return filters, user


def parents(keys: Iterable[int], narrowed: Narrowed | None) -> dict[int, int]:
    """For each parent whose rows are to be read, the parent that they are for: itself, unless the list was narrowed."""
    if narrowed is None:
        return {key: key for key in keys}
    return {narrowed.key: narrowed.organization_key} if narrowed.organization_key in keys else {}
