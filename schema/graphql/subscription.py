"""What may be followed: changes and events as they are committed, each once and in order."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from typing import Any, TypeVar

import strawberry

from schema.graphql.asking import Info
from schema.graphql.context import Context, Stream
from schema.graphql.objects import Event, RoleChange, User
from schema.graphql.payloads import UserRoles
from schema.graphql.reading import pages, roots
from schema.graphql.reading.changes import changes_of
from schema.graphql.reading.read import read
from schema.graphql.reading.reading import Reading
from schema.graphql.rights import Right
from schema.graphql.scalars import Cursor
from schema.graphql.wanted import Wanted, wanted_by
from schema.problems import NotFound, TooComplex
from schema.queries.changes import ChangeRow, changes_after, changes_head
from schema.queries.journal import EventRow

T = TypeVar("T")
Row = TypeVar("Row")
ALL = 2**31  # a user's changes between two wake-ups are few


@strawberry.type(description="What may be followed.")
class Subscription:
    """The root of subscriptions. Refusals come when one is asked for, and it listens before the first answer."""

    @strawberry.subscription(
        description="Every role change after the cursor, once, in commit order, then live. Without a cursor: from now "
        "on. Without an organization or a user, environment-wide keys only."
    )
    async def role_changes(
        self,
        info: Info,
        organization_id: strawberry.ID | None = None,
        user_id: strawberry.ID | None = None,
        roles: list[str] | None = None,
        after: Cursor | None = None,
    ) -> AsyncGenerator[RoleChange, None]:
        context, wanted = info.context, wanted_by(info)
        now = context.feed.now().change  # before anything is awaited: what is committed from here on is not missed
        names = None if roles is None else frozenset(roles)
        cursor = after if context.last_event_id is None else context.last_event_id

        def look(reading: Reading) -> tuple[int | None, int | None, int]:
            organization, user = _whose(reading, organization_id, user_id)
            return organization, user, now if cursor is None else pages.position_after(reading, cursor)

        def work(rows: list[ChangeRow], reading: Reading) -> list[RoleChange]:
            entries = reading.catalogue.entries
            return changes_of(
                reading, [row for row in rows if names is None or entries[row.role_key].name in names], wanted
            )

        organization, user, position = await read(context, look)
        live = context.feed.changes(position, organization=organization, user=user)
        return _each(context, live, work)

    @strawberry.subscription(
        description="What the user holds now, then again each time that changes. No gap between the two."
    )
    async def user_roles(self, info: Info, user_id: strawberry.ID) -> AsyncGenerator[UserRoles, None]:
        context, wanted = info.context, wanted_by(info)
        now = context.feed.now().change
        key = await read(context, lambda reading: roots.user_row(reading, user_id).key)
        return _user_roles(context, context.feed.changes(now, user=key), key, wanted)

    @strawberry.subscription(description="The journal, live. Without an organization, environment-wide keys only.")
    async def events(self, info: Info, organization_id: strawberry.ID | None = None) -> AsyncGenerator[Event, None]:
        context, wanted = info.context, wanted_by(info)

        def look(reading: Reading) -> int | None:
            return _whose(reading, organization_id, None)[0]

        def work(rows: list[EventRow], reading: Reading) -> list[Event]:
            found = reading.load(Event, (row.position for row in rows), wanted)
            return [found[row.position] for row in rows]

        live = context.feed.events(None, organization=await read(context, look))
        return _each(context, live, work)


def _whose(reading: Reading, organization_id: str | None, user_id: str | None) -> tuple[int | None, int | None]:
    """The keys of the organization and the user to follow, if they are in sight."""
    if organization_id is None and user_id is None:
        reading.viewer.must(Right.EVERYWHERE)
    organization = None if organization_id is None else roots.organization_row(reading, organization_id).key
    if user_id is None:
        return organization, None
    row = roots.user_row(reading, user_id)
    if organization not in (None, row.organization_key):
        raise NotFound("no such user")
    return organization, row.key


async def _each(
    context: Context, live: Stream[Row], work: Callable[[list[Row], Reading], list[T]]
) -> AsyncGenerator[T, None]:
    """One read for each list of rows, then its objects one by one; the feed is let go of however this ends.

    What an answer may hold is each event's: rows that are too many together are read in halves.
    """
    async with aclosing(live):
        async for rows in live:
            waiting = [rows]
            while waiting:
                some = waiting.pop()
                try:
                    found = await _read(context, partial(work, some))
                except TooComplex:
                    if len(some) == 1:
                        raise
                    half = len(some) // 2
                    waiting += some[half:], some[:half]
                    continue
                for each in found:
                    yield each


async def _read(context: Context, work: Callable[[Reading], T]) -> T:
    context.budget = context.budget.anew()
    return await read(context, work)


async def _user_roles(context: Context, live: Stream[Any], key: int, wanted: Wanted) -> AsyncGenerator[UserRoles, None]:
    """The feed is followed from before the first read: what is committed after it wakes this again."""
    async with aclosing(live):
        position, news = await _read(context, partial(_holding, key=key, since=None, wanted=wanted))
        yield news[0]
        async for _ in live:
            position, news = await _read(context, partial(_holding, key=key, since=position, wanted=wanted))
            for each in news:
                yield each


def _holding(reading: Reading, *, key: int, since: int | None, wanted: Wanted) -> tuple[int, list[UserRoles]]:
    """The end of the log, and what the user holds there; nothing if nothing changed `since` that position."""
    head = changes_head(reading.session)
    rows = [] if since is None else changes_after(reading.session, since, ALL, user_key=key)
    if since is not None and not rows:
        return head, []
    roles = UserRoles(cursor=reading.cursor(head))
    if "user" in wanted:
        roles.user = reading.load(User, [key], wanted["user"])[key]
    if "changes" in wanted:
        roles.changes = changes_of(reading, rows, wanted["changes"])
    return head, [roles]
