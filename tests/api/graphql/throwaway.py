"""A small schema that is nobody's product, and the application around it, to try transports with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, cast

import strawberry
from starlette.applications import Starlette

from api.graphql import Limits, graphql_routes
from api.graphql.documents import Documents
from api.graphql.engine import Engine
from schema.graphql.context import Context, Credential, Viewer, ViewerKind
from schema.problems import Lagged, NotFound, Unauthenticated, Unavailable


@dataclass
class World:
    """What a test sees of the server's inside, and may change: tokens, sources of subscriptions, what was written."""

    tokens: dict[str, Viewer] = field(default_factory=lambda: {"good": Viewer(ViewerKind.API_KEY, "ada", True)})
    contexts: int = 0
    opened: int = 0
    closed: int = 0
    words: list[str] = field(default_factory=list)
    busy: bool = False

    async def authenticate(self, credential: Credential) -> Viewer:
        if self.busy:
            raise Unavailable("try again", retry_after=7)
        viewer = self.tokens.get((credential.authorization or "").removeprefix("Bearer "))
        if viewer is None:
            raise Unauthenticated("no such credential")
        return viewer

    def context(self, viewer: Viewer) -> Context:
        self.contexts += 1
        nobody = cast("Any", None)
        return Inside(viewer=viewer, read=nobody, command=nobody, feed=nobody, world=self)

    def wait_for(self, what: str, value: object, within: float = 3.0) -> None:
        deadline = time.monotonic() + within
        while getattr(self, what) != value:
            assert time.monotonic() < deadline, f"{what} is {getattr(self, what)}, not {value}, after {within} s"
            time.sleep(0.005)


@dataclass(slots=True)
class Inside(Context):
    """The context, with the world, and what an event stream resumes from."""

    world: World = field(default_factory=World)
    last_event_id: str | None = None


Info = strawberry.Info[Inside, None]


@strawberry.type
class Person:
    name: str

    @strawberry.field
    def friends(self, first: int = 50) -> People:
        return People(nodes=[Person(name=f"{self.name}'s friend")])

    @strawberry.field
    def teams(self) -> list[Person]:
        return [self]


@strawberry.type
class People:
    nodes: list[Person]


@strawberry.type
class Tick:
    cursor: str
    value: int

    @strawberry.field
    def actor(self, info: Info) -> str:
        return info.context.viewer.actor


def _raise(kind: str) -> str:
    raise {"missing": NotFound("no such thing"), "bug": ZeroDivisionError("secret"), "lag": Lagged("too slow")}[kind]


@strawberry.type
class Query:
    @strawberry.field
    async def hello(self, info: Info, name: str = "world") -> str:
        await asyncio.sleep(0)
        return f"hello {name}"

    @strawberry.field
    def extension(self, info: Info) -> str:
        return str(info.input_extensions.get("trace"))

    @strawberry.field
    def fails(self, kind: str) -> str | None:
        return _raise(kind)

    @strawberry.field
    def wrong(self) -> int:
        return cast("int", "secret")

    @strawberry.field
    def people(self, first: int = 50) -> People:
        return People(nodes=[Person(name="ada")])


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def remember(self, info: Info, word: str, after: float = 0.0) -> int:
        info.context.world.opened += 1
        await asyncio.sleep(after)
        info.context.world.words.append(word)
        return len(info.context.world.words)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self, info: Info, to: int, after: str | None = None) -> AsyncGenerator[Tick, None]:
        start = int(info.context.last_event_id or after or 0)
        for value in range(start + 1, to + 1):
            await asyncio.sleep(0)
            yield Tick(cursor=str(value), value=value)

    @strawberry.subscription
    async def endless(self, info: Info) -> AsyncGenerator[int, None]:
        world = info.context.world
        world.opened += 1
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # a source may need the loop to close: a cancelled task must still let it
            world.closed += 1

    @strawberry.subscription
    async def flood(self, info: Info) -> AsyncGenerator[str, None]:
        info.context.world.opened += 1
        try:
            while True:
                yield "x" * 10_000
        finally:
            info.context.world.closed += 1

    @strawberry.subscription
    async def breaks(self, kind: str) -> AsyncGenerator[int, None]:
        yield 1
        _raise(kind)

    @strawberry.subscription
    async def refused(self) -> AsyncGenerator[int, None]:
        _raise("missing")
        yield 1


SCHEMA = strawberry.Schema(Query, Mutation, Subscription)


def application(world: World, limits: Limits | None = None, *, introspection: bool = True, **options: Any) -> Starlette:
    """An application of nothing but `/graphql`; the options are for its routes."""
    engine = Engine(SCHEMA, Documents(SCHEMA, limits or Limits(), introspection=introspection), world.context)
    return Starlette(routes=graphql_routes(engine, authenticate=world.authenticate, **options))
