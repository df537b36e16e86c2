"""Asks the schema over a real database, as any viewer, and counts the statements that an answer takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from unittest.mock import patch

from sqlmodel import Session
from strawberry.types import ExecutionResult

from api.commands import Submit
from api.database import Database
from api.feed import Feed
from api.ingest import Ingest
from schema.graphql.build import build_schema
from schema.graphql.context import Context, Viewer, ViewerKind
from schema.problems import Problem
from schema.sql import Statement

SCHEMA = build_schema()
ROOT = Viewer(kind=ViewerKind.API_KEY, actor="key:root", may_write=True)


def of(organization: str, *, may_write: bool = False) -> Viewer:
    """A key of one organization."""
    return Viewer(kind=ViewerKind.API_KEY, actor="key:own", may_write=may_write, organization_id=organization)


def as_user(user: str, organization: str = "org_acme") -> Viewer:
    """A user's own token."""
    return Viewer(kind=ViewerKind.USER, actor="user", may_write=False, organization_id=organization, user_id=user)


class Followed:
    """A subscription as its client has it: the next result is always waited for."""

    def __init__(self, stream: AsyncGenerator[ExecutionResult, None]) -> None:
        self.stream = stream
        self.next = asyncio.ensure_future(anext(stream))

    async def result(self) -> ExecutionResult:
        """The next result, which may be a refusal."""
        result = await self.next
        self.next = asyncio.ensure_future(anext(self.stream))
        return result

    async def told(self) -> Any:
        """The next value of the one field."""
        result = await self.result()
        assert result.errors is None, result.errors
        assert result.data is not None
        return next(iter(result.data.values()))

    async def end(self) -> None:
        """Stop listening."""
        self.next.cancel()
        await asyncio.gather(self.next, return_exceptions=True)
        await self.stream.aclose()


class Asker:
    """The schema with everything it asks of the world, running."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.feed = Feed(database.read)
        self.ingest = Ingest(database, clock=time.time_ns, size=100, committed=self.feed.committed)
        self.command = Submit(database, self.ingest)

    def context(self, viewer: Viewer) -> Context:
        """The context of one request."""
        return Context(viewer=viewer, read=self.database.read, command=self.command, feed=self.feed)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Asker]:
        """The writer and the feed at work."""
        await self.feed.look()
        tasks = [asyncio.create_task(self.ingest.run()), asyncio.create_task(self.feed.run())]
        try:
            yield self
        finally:
            await self.ingest.stop()
            tasks[1].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def answer(self, query: str, viewer: Viewer = ROOT, **variables: Any) -> ExecutionResult:
        """The whole result of one operation."""
        return await SCHEMA.execute(query, variable_values=variables, context_value=self.context(viewer))

    async def ask(self, query: str, viewer: Viewer = ROOT, **variables: Any) -> Any:
        """The data of one operation, which must have no error."""
        result = await self.answer(query, viewer, **variables)
        assert result.errors is None, result.errors
        return result.data

    async def follow(self, query: str, viewer: Viewer = ROOT, **variables: Any) -> Followed:
        """A subscription that listens, or is refused, by the time this returns."""
        before = self.feed.listeners()
        stream: Any = await SCHEMA.subscribe(query, variable_values=variables, context_value=self.context(viewer))
        followed = Followed(stream)
        while self.feed.listeners() == before and not followed.next.done():  # noqa: ASYNC110  # nothing tells who joins
            await asyncio.sleep(0.005)
        return followed


def ask(database: Database, query: str, viewer: Viewer = ROOT, **variables: Any) -> Any:
    """The data of a query."""
    return asyncio.run(Asker(database).ask(query, viewer, **variables))


def refusal(database: Database, query: str, viewer: Viewer = ROOT, **variables: Any) -> tuple[str, str]:
    """The code and the message of the one error of a query."""
    return coded(asyncio.run(Asker(database).answer(query, viewer, **variables)))


def coded(result: ExecutionResult) -> tuple[str, str]:
    """The code and the message of the one error of a result."""
    assert result.errors is not None
    assert len(result.errors) == 1
    problem: BaseException | None = result.errors[0].original_error
    while problem is not None and not isinstance(problem, Problem):
        problem = getattr(problem, "original_error", None) or problem.__cause__
    assert isinstance(problem, Problem), result.errors
    return problem.code, str(problem)


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """The statements that read while the block runs, in any thread, each with its parameters."""
    found: list[tuple[str, Any]] = []
    execute = Statement._execute

    def note(statement: Statement, session: Session, values: dict[str, Any]) -> Any:
        text = statement.text(session.connection().dialect.name)
        if text.lstrip().startswith(("SELECT", "WITH")):
            found.append((text, values))
        return execute(statement, session, values)

    with patch.object(Statement, "_execute", note):
        yield found
