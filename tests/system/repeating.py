"""Mutations under an Idempotency-Key, to be sent again."""

from __future__ import annotations

import httpx

from tests.system.directory import AUTHORIZATION, Outside

ROLE = "mutation ($name: String!) { createRole(input: {name: $name}) { role { name } cursor event { id } } }"
MAP = """mutation ($group: ID!, $role: String!) {
    mapGroup(groupId: $group, role: $role) { granted revoked version cursor event { id } } }"""
NEW_KEY = 'mutation { createApiKey(input: {name: "ci", write: true}) { secret apiKey { id } } }'
REPLAYED = "idempotency-replayed"


def send(outside: Outside, key: str | None, query: str, accept: str = "", **variables: str) -> httpx.Response:
    """POST an operation under a key."""
    given = AUTHORIZATION | ({"Idempotency-Key": key} if key is not None else {})
    request = {"query": query, "variables": variables}
    return outside.client.post("/graphql", json=request, headers=given | ({"Accept": accept} if accept else {}))
