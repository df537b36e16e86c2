"""Who may follow, what a slow or vanished subscriber costs, and what an administrator's command does at once."""

from __future__ import annotations

import json
import secrets
import socket as sockets
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from tests.api.graphql.clients import socket
from tests.processes import KEY, SECRET
from tests.system.directory import AUTHORIZATION, ORGANIZATION, Json, user_in
from tests.system.following import CHANGES, changes, code, over_sse, over_websocket, results
from tests.system.served import Served
from tests.system.waiting import listens, until
from tests.system.wire import Vanishing, frame, request, upgrade
from tests.world import World

FOLLOW = {"query": CHANGES, "variables": {"organization": ORGANIZATION}}
WIDE = """subscription ($organization: ID) { roleChanges(organizationId: $organization) {
    cursor kind userId roleName role { description } } }"""
CROWD, TURNS = 400, 9


# ---- who may


@pytest.mark.parametrize("authorization", [None, "", "Bearer", f"Basic {KEY}", "Bearer rk_unknown", f"Bearer {SECRET}"])
def test_without_a_known_credential_http_is_401_and_says_so_in_graphql(
    served: Served, authorization: str | None
) -> None:
    given = {} if authorization is None else {"Authorization": authorization}
    for accept in ("application/json", "application/graphql-response+json", "text/event-stream"):
        for query in ("{ viewer { kind } }", CHANGES):
            headers = {"Accept": accept} | given
            response = served.client.post("/graphql", json={"query": query}, headers=headers)
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == "Bearer"
            assert code(response.json()) == "UNAUTHENTICATED"
    assert served.service.feed.listeners() == 0


def test_without_a_known_credential_a_socket_is_closed_with_4403(served: Served) -> None:
    for payload in ({}, {"Authorization": "Bearer rk_unknown"}, {"Authorization": KEY}, {"authorization": 7}):
        with socket(served.url, token=None) as client:
            client.send({"type": "connection_init", "payload": payload})
            assert client.closed() == 4403
    with socket(served.url, token=None) as client:
        client.subscribe(CHANGES)
        assert client.closed() == 4401


def test_a_subscription_is_refused_for_an_organization_that_does_not_exist(company: Served) -> None:
    for variables in ({"organization": "org_none"}, {"user": "nobody"}, {"user": "ada", "organization": "org_none"}):
        with over_websocket(company.url, CHANGES, **variables) as payloads:
            assert code(next(payloads)) == "NOT_FOUND"


# ---- what a subscriber costs


def stuck(url: str) -> sockets.socket:
    """A connection whose kernel takes next to nothing: what is not read soon waits at the server."""
    where = urlsplit(url)
    connection = sockets.socket()
    connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 65536)
    connection.settimeout(10)
    connection.connect((where.hostname, where.port))
    return connection


@pytest.fixture
def crowded(company: Served) -> Served:
    """A crowd in one group, and a role whose description is so long that a few hundred answers fill every buffer."""
    description = secrets.token_hex(4000)
    company.ask(
        "mutation ($input: UpdateRoleInput!) { updateRole(input: $input) { cursor } }",
        input={"name": "seller", "description": description},
    )
    company.tell_at_once(user_in(f"user_{number}", "crowd") for number in range(CROWD))
    return company


def crowd_turns(company: Served, payloads: Iterator[Json]) -> list[Json]:
    """The changes of a crowd that gets the role and loses it, in turn, as somebody hears of them who reads."""
    heard: list[Json] = []
    for turn in range(TURNS):
        done = company.unmaps("crowd", "seller") if turn % 2 else company.maps("crowd", "seller")
        assert done["granted"] + done["revoked"] == CROWD
        heard += [change for _, change in zip(range(CROWD), changes(payloads), strict=False)]
    return heard


def test_who_does_not_read_is_told_lagged_and_resumes_without_gap_while_others_go_on(crowded: Served) -> None:
    company, start = crowded, crowded.head()
    asleep = stuck(company.url)
    with (
        socket(company.url, token=KEY, sock=asleep, max_queue=4, compression=None) as sleeper,
        over_websocket(company.url, CHANGES, organization=ORGANIZATION) as payloads,
    ):
        sleeper.subscribe(WIDE, variables={"organization": ORGANIZATION})
        listens(company, 2)
        logged = crowd_turns(company, payloads)
        assert logged == company.changes(start)
        listens(company, 1)  # the sleeper's place and buffer are free already, while it still sleeps

        asleep.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 1 << 20)
        *told, last = results(sleeper)
        assert code(last) == "LAGGED"
        seen = [payload["data"]["roleChanges"]["cursor"] for payload in told]
        assert len(seen) < len(logged)
    after = seen[-1] if seen else start
    with over_websocket(company.url, CHANGES, organization=ORGANIZATION, after=after) as payloads:
        rest = [change["cursor"] for _, change in zip(logged[len(seen) :], changes(payloads), strict=False)]
    assert seen + rest == [change["cursor"] for change in logged]


def vanishing_websocket(url: str) -> Vanishing:
    init = {"type": "connection_init", "payload": AUTHORIZATION}
    subscribe = {"type": "subscribe", "id": "1", "payload": FOLLOW}
    answers = {upgrade(): b"101", frame(json.dumps(init)): b"connection_ack", frame(json.dumps(subscribe)): b""}
    return Vanishing(url, answers)


def vanishing_sse(url: str) -> Vanishing:
    fields = {"accept": "text/event-stream", "content-type": "application/json"} | AUTHORIZATION
    return Vanishing(url, {request("POST", list(fields.items()), json.dumps(FOLLOW).encode(), "/graphql"): b"200 OK"})


@pytest.mark.parametrize("subscribe", [vanishing_websocket, vanishing_sse], ids=["WebSocket", "SSE"])
def test_subscribers_that_vanish_free_everything_within_seconds(
    company: Served, subscribe: Callable[[str], Vanishing]
) -> None:
    subscribers = [subscribe(company.url) for _ in range(20)]
    listens(company, 20)
    for each in subscribers:
        each.vanish()
    until(lambda: company.service.feed.listeners() == 0, seconds=5)
    company.tell(user_in("eve", "eng"))
    assert company.roles("eve") == {"deployer"}


def test_a_revoked_key_ends_what_it_follows(company: Served) -> None:
    revoke = "UPDATE api_keys SET revoked_at = 1"
    with (
        socket(company.url, token=KEY) as client,
        over_sse(company.url, CHANGES, organization=ORGANIZATION) as payloads,
    ):
        client.subscribe(CHANGES, variables={"organization": ORGANIZATION})
        listens(company, 2)
        company.service.database.write_now(lambda session: session.connection().exec_driver_sql(revoke))
        until(lambda: company.service.feed.listeners() == 0, seconds=12)
        assert client.closed() == 4403
        assert code(next(payloads)) == "UNAUTHENTICATED"


# ---- what a command does


def test_a_mutation_is_visible_to_the_next_query(company: Served) -> None:
    for number in range(20):
        company.role(f"role_{number}")
        found: Json = company.ask("query ($name: String!) { role(name: $name) { name } }", name=f"role_{number}")
        assert found["role"] == {"name": f"role_{number}"}
        company.maps("eng", f"role_{number}")
        assert f"role_{number}" in company.roles("ada")
        company.unmaps("eng", f"role_{number}")
        assert company.roles("ada") == {"deployer"}


def test_commands_are_in_the_journal_with_their_actor(company: Served) -> None:
    company.ask('mutation { grantRole(userId: "bob", role: "deployer", note: "on call") { cursor } }')
    newest, *_ = company.journal()
    assert newest["source"] == "ADMIN"
    assert newest["actor"] == "api_key:ROLECAST_API_KEY"
    assert newest["outcome"] == "APPLIED"
    commands = [entry for entry in company.journal() if entry["source"] == "ADMIN"]
    assert len(commands) == 5
    assert {entry["actor"] for entry in commands} == {"api_key:ROLECAST_API_KEY"}


def test_mapping_a_group_reaches_its_present_members_in_the_same_commit(company: Served) -> None:
    company.tell(*(user_in(f"user_{number}", "law") for number in range(30)))
    start = company.head()
    payload = company.maps("law", "seller")
    assert (payload["granted"], payload["revoked"]) == (30, 0)
    query = "query ($id: ID!, $after: Cursor) { changes(organizationId: $id, first: 200, after: $after) { nodes {"
    found = company.ask(f"{query} at cursor event {{ id }} }} }} }}", id=ORGANIZATION, after=start)["changes"]["nodes"]
    assert len(found) == 30
    assert {change["event"]["id"] for change in found} == {payload["event"]["id"]}
    assert len({change["at"] for change in found}) == 1
    assert found[-1]["cursor"] == payload["cursor"]
    assert World(company.service.database).drift() == []


def test_a_refused_command_leaves_nothing(company: Served) -> None:
    before = company.journal()
    answer = company.answer('mutation { createRole(input: {name: "deployer"}) { cursor } }')
    assert code(answer) == "CONFLICT"
    answer = company.answer('mutation { mapGroup(groupId: "nowhere", role: "deployer") { cursor } }')
    assert code(answer) == "NOT_FOUND"
    assert company.journal() == before
