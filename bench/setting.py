"""What is there before anything is measured: a company of 5,000, 40 roles with permissions, and every group mapped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from bench import processes
from bench.company import API_KEY, GROUPS, ORGANIZATION, ROLES, USERS, group_id
from bench.load import FirstUsers, Webhooks, load
from bench.processes import Server

PERMISSIONS = 60
PATIENCE = 60.0  # seconds for one command; to map every group settles every user


class Pair:
    """Rolecast with its company, and the bare route."""

    def __init__(self, rolecast: Server, bare: Server) -> None:
        self.rolecast = rolecast
        self.bare = bare


@contextmanager
def pair() -> Iterator[Pair]:
    """Both servers, warm, for as long as the block lasts."""
    with processes.rolecast() as rolecast, processes.bare() as bare:
        _found(rolecast)
        load(bare, Webhooks("warm"), connections=8, seconds=0.5)
        yield Pair(rolecast, bare)


def graphql(server: Server, query: str, **variables: Any) -> Any:
    """Ask, and give the data; raise RuntimeError for an answer with errors."""
    headers = {"authorization": f"Bearer {API_KEY}"}
    request = {"query": query, "variables": variables}
    answer = httpx.post(f"{server.url}/graphql", json=request, headers=headers, timeout=PATIENCE).json()
    if "errors" in answer:
        raise RuntimeError(f"GraphQL answered {answer['errors']}")
    return answer["data"]


def journaled(server: Server) -> int:
    """How many webhooks the journal holds."""
    data = graphql(server, "{ events(first: 1, where: {source: WEBHOOK}) { totalCount } }")
    total: int = data["events"]["totalCount"]
    return total


def _found(server: Server) -> None:
    first = load(server, FirstUsers(), connections=64, seconds=60)
    if first.answered != USERS:
        raise RuntimeError(f"only {first.answered} of {USERS} users could be told of within a minute")
    for number in range(PERMISSIONS):
        graphql(server, "mutation($name: String!) { createPermission(name: $name) { name } }", name=f"area:act{number}")
    create = "mutation($input: CreateRoleInput!) { createRole(input: $input) { role { name } } }"
    for number in range(ROLES):
        allowed = [f"area:act{(number * 3 + each) % PERMISSIONS}" for each in range(4)]
        role = {"name": f"role_{number}", "displayName": f"Role {number}", "priority": number, "permissions": allowed}
        graphql(server, create, input=role)
    mappings = [{"groupId": group_id(each), "role": f"role_{each % ROLES}"} for each in range(GROUPS)]
    graphql(
        server,
        "mutation($input: SetMappingsInput!) { setMappings(input: $input) { version } }",
        input={"organizationId": ORGANIZATION, "mappings": mappings},
    )
