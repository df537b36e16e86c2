"""Words for tests of API keys: they are made, revoked and looked up in the journal, by any viewer."""

from __future__ import annotations

import asyncio
from typing import Any

from schema.graphql.context import Viewer
from tests.schema.asker import ROOT, Asker, coded
from tests.world import World

CREATE = """mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) {
    secret apiKey { id name organization { id } write createdAt expiresAt lastUsedAt revokedAt } } }"""
REVOKE = "mutation($id: ID!) { revokeApiKey(id: $id) { id name organization { id } revokedAt } }"
EVENTS = """query($of: ID) { events(organizationId: $of) {
    nodes { id type source actor organization { id } payload outcome } } }"""


def answers(world: World, *asked: tuple[Viewer, str, dict[str, Any]]) -> list[Any]:
    async def run() -> list[Any]:
        async with Asker(world.database).running() as asker:
            return [await asker.answer(query, viewer, **variables) for viewer, query, variables in asked]

    return asyncio.run(run())


def do(world: World, query: str, viewer: Viewer = ROOT, **variables: Any) -> Any:
    (result,) = answers(world, (viewer, query, variables))
    assert result.errors is None, result.errors
    return next(iter(result.data.values()))


def refused(world: World, query: str, viewer: Viewer = ROOT, **variables: Any) -> tuple[str, str]:
    return coded(answers(world, (viewer, query, variables))[0])


def make(world: World, viewer: Viewer = ROOT, **given: Any) -> Any:
    return do(world, CREATE, viewer, input={"name": "ci"} | given)


def journal(world: World, viewer: Viewer = ROOT, of: str | None = None) -> list[Any]:
    nodes: list[Any] = do(world, EVENTS, viewer, of=of)["nodes"]
    return [node for node in nodes if node["type"].endswith("_api_key")]
