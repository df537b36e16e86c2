"""Live rights: a subscription ends, saying why, when its token expires, its key is revoked or its user is gone."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest

from tests.api.access.signers import shared
from tests.api.graphql.clients import socket
from tests.system.credentials import ENDS_WITHIN, ask, bearer, how_a_socket_ends, mine, new_key
from tests.system.directory import ORGANIZATION, event, user_in
from tests.system.following import code, results
from tests.system.served import Served
from tests.system.waiting import listens, until

OURS = f'subscription {{ roleChanges(organizationId: "{ORGANIZATION}") {{ cursor kind roleName }} }}'
Ending = Callable[[], object]


def ends_over_websocket(served: Served, secret: str, query: str, end: Ending) -> str:
    with socket(served.url, token=secret) as client:
        client.subscribe(query)
        listens(served)
        end()
        closed, reason = how_a_socket_ends(client)
    assert closed == 4403
    assert reason.startswith("Forbidden: ")
    return reason.removeprefix("Forbidden: ")


def ends_over_sse(served: Served, secret: str, query: str, end: Ending) -> str:
    headers = bearer(secret) | {"Accept": "text/event-stream"}
    request = {"query": query}
    with httpx.stream("POST", f"{served.url}/graphql", json=request, headers=headers, timeout=ENDS_WITHIN) as answer:
        listens(served)
        end()
        told = httpx.Response(200, content=answer.read()).text
    *_, last, complete = [each for each in told.split("\n\n") if each and not each.startswith(":")]
    assert complete == "event: complete\ndata:"
    error = httpx.Response(200, content=last.partition("data: ")[2]).json()
    assert code(error) == "UNAUTHENTICATED"
    message: str = error["errors"][0]["message"]
    return message


ends = pytest.mark.parametrize("ended", [ends_over_websocket, ends_over_sse], ids=["WebSocket", "SSE"])
Ended = Callable[[Served, str, str, Ending], str]


@ends
def test_when_its_token_expires(there: Served, ended: Ended) -> None:
    token = shared(exp=int(time.time()) + 3)
    assert ended(there, token, mine(), lambda: None) == "this token has expired"
    until(lambda: there.service.feed.listeners() == 0)
    assert ask(there, token).json()["errors"][0]["message"] == "this token has expired"


@ends
def test_when_its_key_is_revoked(there: Served, ended: Ended) -> None:
    id, secret = new_key(there)

    def revoke() -> None:
        there.ask("mutation ($id: ID!) { revokeApiKey(id: $id) { revokedAt } }", id=id)
        assert ask(there, secret).status_code == 401  # at once, in this process

    assert ask(there, secret).status_code == 200
    assert ended(there, secret, OURS, revoke) == "this API key was revoked"


@ends
def test_when_its_user_is_deactivated(there: Served, ended: Ended) -> None:
    def deactivate() -> None:
        there.tell(user_in("ada") | {"data": {"id": "ada", "active": False, "groups": []}})
        assert ask(there, shared()).status_code == 401

    assert ask(there, shared()).status_code == 200
    assert ended(there, shared(), mine(), deactivate) == "this token's user was deactivated"


@ends
def test_when_its_user_is_deleted(there: Served, ended: Ended) -> None:
    def delete() -> None:
        there.tell(event("organization.directory.user_deleted", {"id": "ada"}))

    assert ended(there, shared(), mine(), delete) == "this token's user was deleted"


@ends
def test_when_another_process_revokes_its_key(there: Served, ended: Ended) -> None:
    _, secret = new_key(there)
    sql = "UPDATE api_keys SET revoked_at = 1 WHERE name = 'a frontend'"

    def revoke() -> None:
        there.service.database.write_now(lambda session: session.connection().exec_driver_sql(sql))

    assert ended(there, secret, OURS, revoke) == "this API key was revoked"


def test_the_others_go_on(there: Served) -> None:
    with (
        socket(there.url, token=shared()) as ada,
        socket(there.url, token=shared(sub="bob")) as bob,
    ):
        ada.subscribe(mine())
        bob.subscribe(mine("bob"))
        listens(there, 2)
        there.tell(event("organization.directory.user_deleted", {"id": "ada"}))
        assert how_a_socket_ends(ada)[0] == 4403
        there.role("deployer")
        there.maps("eng", "deployer")
        told = next(results(bob))
        assert told["data"]["roleChanges"]["roleName"] == "deployer"
