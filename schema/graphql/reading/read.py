"""One read of the database for a root field, and one for all parents of a nested field with arguments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import psycopg
from sqlmodel import Session
from strawberry.dataloader import DataLoader

from schema.graphql.asking import Ask, Info
from schema.graphql.context import Context
from schema.graphql.objects import Directory, Event, Group, Organization, Role, User
from schema.graphql.reading.events import load_events
from schema.graphql.reading.groups import load_groups
from schema.graphql.reading.organizations import load_directories, load_organizations
from schema.graphql.reading.pages import NESTED
from schema.graphql.reading.reading import Reading
from schema.graphql.reading.roles import load_roles
from schema.graphql.reading.users import load_users
from schema.graphql.wanted import Wanted, wanted_by
from schema.problems import BadInput

T = TypeVar("T")
UNSTORABLE = (psycopg.DataError, UnicodeEncodeError)  # U+0000 in PostgreSQL, half a surrogate pair in both
LOADERS: dict[type[Any], Callable[[Reading, list[Any], Wanted], dict[Any, Any]]] = {
    Directory: load_directories,
    Event: load_events,
    Group: load_groups,
    Organization: load_organizations,
    Role: load_roles,
    User: load_users,
}


async def read(context: Context, work: Callable[[Reading], T]) -> T:
    """Run the work in one read, on one snapshot of the database, and return what it returns."""

    def run(session: Session) -> T:
        catalogue = context.catalogue.of(session)
        try:
            replicated = context.behind is not None
            return work(Reading(session, context.viewer, catalogue, LOADERS, nested, context.budget, replicated))
        except UNSTORABLE as error:
            raise BadInput("an argument is text that no database holds", detail=type(error).__name__) from error

    return await context.read(run)


async def nested(info: Info, field: str, parent: int, ask: Ask) -> Any:
    """See asking.Nested."""
    context, wanted = info.context, wanted_by(info)
    same = field, ask.words, repr(wanted)
    loader = context.loaders.get(same)
    if loader is None:
        batch = partial(_batch, context, same, ask, wanted)
        loader = context.loaders[same] = DataLoader(load_fn=batch)
    return await loader.load(parent)


def _batch(
    context: Context, same: tuple[str, str, str], ask: Ask, wanted: Wanted, keys: list[int]
) -> Awaitable[list[Any]]:
    """Read for all parents, and forget the loader: a socket's context outlives its operations, and facts change."""
    context.loaders.pop(same, None)

    def work(reading: Reading) -> list[Any]:
        found = NESTED[same[0]](reading, keys, ask, wanted)
        return [found[key] for key in keys]

    return read(context, work)
