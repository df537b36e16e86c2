"""Holders of API keys and user tokens, and how their connections end."""

from __future__ import annotations

import time

import httpx
from websockets.exceptions import ConnectionClosed

from tests.api.graphql.clients import Socket
from tests.system.directory import ORGANIZATION
from tests.system.served import Served

ENDS_WITHIN = 15.0  # seconds; five are promised, and the machine may be busy


def mine(user: str = "ada") -> str:
    """What a user's own application follows."""
    return f'subscription {{ roleChanges(userId: "{user}") {{ cursor kind roleName }} }}'


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def ask(served: Served, secret: str, query: str = "{ viewer { kind } }", **headers: str) -> httpx.Response:
    return served.client.post("/graphql", json={"query": query}, headers=bearer(secret) | headers)


def how_a_socket_ends(client: Socket) -> tuple[int, str]:
    """The close code and reason, when they come; what is told before is passed over."""
    deadline = time.monotonic() + ENDS_WITHIN
    while time.monotonic() < deadline:
        try:
            client._connection.recv(timeout=1)
        except TimeoutError:
            continue
        except ConnectionClosed as end:
            return (end.rcvd.code, end.rcvd.reason) if end.rcvd else (1006, "")
    raise AssertionError(f"the socket was not closed within {ENDS_WITHIN} s")


def new_key(served: Served, **more: object) -> tuple[str, str]:
    """(id, secret) of a new key of the organization."""
    mutation = "mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { id } secret } }"
    given = {"name": "a frontend", "organizationId": ORGANIZATION} | more
    made = served.ask(mutation, input=given)["createApiKey"]
    return made["apiKey"]["id"], made["secret"]
