"""A directory, and an administrator: signed webhooks and GraphQL over real HTTP, as anyone outside sends them."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import httpx

from api.signing import sign
from tests.processes import KEY, SECRET

Json = dict[str, Any]
ORGANIZATION = "org_acme"
AUTHORIZATION = {"Authorization": f"Bearer {KEY}"}
WITHIN = 20.0  # seconds
START = 1_767_225_600  # 2026-01-01T00:00:00Z
_numbers = itertools.count(1)


def event(type: str, data: Json, *, id: str | None = None, second: int | None = None, **more: Any) -> Json:
    """An event's envelope; without a second of its own, it is later than all before."""
    number = next(_numbers)
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(START + (number if second is None else second)))
    envelope = {
        "spec_version": "1",
        "id": id or f"evt_{number:08}",
        "type": type,
        "occurred_at": f"{moment}.000001Z",
        "environment_id": "env_1",
        "organization_id": ORGANIZATION,
        "data": data,
    }
    return envelope | more


def user_in(user: str, *groups: str, **more: Any) -> Json:
    """A snapshot: the user is in these groups, and in no other."""
    data = {"id": user, "email": f"{user}@acme.example", "groups": [{"id": each} for each in groups], "roles": []}
    return event("organization.directory.user_updated", data, **more)


def group_deleted(group: str) -> Json:
    """The group is gone."""
    return event("organization.directory.group_deleted", {"id": group})


def headers(body: bytes, *, id: str = "msg_1", at: float | None = None, secret: str = SECRET) -> dict[str, str]:
    """The three headers of Standard Webhooks for a body, signed now unless told otherwise."""
    timestamp = int(time.time() if at is None else at)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, id, timestamp, body),
    }


class Outside:
    """Whoever speaks to a server from outside, as directory and as administrator."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = httpx.Client(base_url=url, timeout=WITHIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def post(self, body: bytes, given: dict[str, str] | None = None) -> httpx.Response:
        """Post bytes to the webhook, signed unless headers are given."""
        return self.client.post("/webhook", content=body, headers=headers(body) if given is None else given)

    def tell(self, *events: Json) -> list[Json]:
        """Send events one by one, and give their answers; each has to be taken."""
        answers = []
        for each in events:
            response = self.post(json.dumps(each).encode())
            assert response.status_code == 201, response.text
            answers.append(response.json())
        return answers

    def tell_at_once(self, events: Iterable[Json], senders: int = 16) -> None:
        """Send events side by side; each has to be taken. They arrive in any order."""
        with ThreadPoolExecutor(senders) as pool:
            for _ in pool.map(self.tell, events, timeout=60):
                pass

    def answer(self, query: str, **variables: Any) -> Json:
        """The whole answer to an operation."""
        request = {"query": query, "variables": variables}
        answer: Json = self.client.post("/graphql", json=request, headers=AUTHORIZATION).json()
        return answer

    def ask(self, query: str, **variables: Any) -> Json:
        """The data of an operation that must succeed."""
        answer = self.answer(query, **variables)
        assert "errors" not in answer, answer
        data: Json = answer["data"]
        return data

    def role(self, *names: str) -> None:
        """Register roles."""
        for name in names:
            self.ask(
                "mutation ($input: CreateRoleInput!) { createRole(input: $input) { cursor } }", input={"name": name}
            )

    def maps(self, group: str, role: str) -> Json:
        """Map a group to a role."""
        mutation = """mutation ($group: ID!, $role: String!) {
            mapGroup(groupId: $group, role: $role) { granted revoked version cursor event { id actor } } }"""
        payload: Json = self.ask(mutation, group=group, role=role)["mapGroup"]
        return payload

    def unmaps(self, group: str, role: str) -> Json:
        """End a mapping."""
        mutation = """mutation ($group: ID!, $role: String!) {
            unmapGroup(groupId: $group, role: $role) { granted revoked } }"""
        payload: Json = self.ask(mutation, group=group, role=role)["unmapGroup"]
        return payload

    def roles(self, user: str) -> set[str]:
        """The roles that a user holds."""
        found = self.ask("query ($id: ID!) { user(id: $id) { roles { role { name } } } }", id=user)["user"]
        return {held["role"]["name"] for held in found["roles"]}

    def head(self) -> str:
        """The cursor at the end of the change log."""
        asked = self.ask("query ($id: ID!) { organization(id: $id) { head } }", id=ORGANIZATION)
        head: str = asked["organization"]["head"]
        return head

    def changes(self, after: str | None = None) -> list[Json]:
        """The change log of the organization after a cursor, page by page."""
        query = """query ($id: ID!, $after: Cursor) { changes(organizationId: $id, first: 200, after: $after) {
            nodes { cursor kind userId roleName } pageInfo { hasNextPage } } }"""
        found: list[Json] = []
        while True:
            page = self.ask(query, id=ORGANIZATION, after=after)["changes"]
            found += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = found[-1]["cursor"]

    def journal(self) -> list[Json]:
        """The newest entries of the journal, newest first."""
        query = "{ events(first: 200) { nodes { id type source actor outcome problem } } }"
        nodes: list[Json] = self.ask(query)["events"]["nodes"]
        return nodes
