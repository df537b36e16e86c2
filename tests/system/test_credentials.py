"""Credentials over real HTTP: what a user token shows, that guessers wait, and how many connections one may hold."""

from __future__ import annotations

from contextlib import ExitStack

from websockets.exceptions import ConnectionClosed

from tests.api.access.signers import JWT_SECRET, public_jwk, publishing, shared, signed
from tests.api.graphql.clients import socket, stream
from tests.processes import KEY
from tests.system.credentials import ask, bearer, how_a_socket_ends, mine, new_key
from tests.system.directory import ORGANIZATION, user_in
from tests.system.following import CHANGES, code
from tests.system.served import Served, served_at
from tests.system.waiting import until

# ---- what a user token shows


def test_a_user_sees_themselves_and_nobody_else_over_real_http(there: Served) -> None:
    query = """{ viewer { kind mayWrite expiresAt user { id } apiKey { id } }
        a: user(id: "ada") { id } user(id: "bob") { id } }"""
    data = ask(there, shared(sub="x", email="ADA@acme.example", oid=ORGANIZATION), query).json()["data"]
    assert data["a"] == {"id": "ada"}
    assert data["user"] is None
    assert data["viewer"]["kind"] == "USER"
    assert data["viewer"]["user"] == {"id": "ada"}
    assert data["viewer"]["expiresAt"] is not None
    assert (data["viewer"]["mayWrite"], data["viewer"]["apiKey"]) == (False, None)


def test_tokens_of_a_key_set_come_in_and_its_absence_is_503(url: str) -> None:
    with publishing(public_jwk("ES256", "k1")) as provider, served_at(url, jwks_url=provider.url) as served:
        served.tell(user_in("ada", "eng"))
        assert ask(served, signed("ES256", "k1")).status_code == 200
        assert ask(served, shared()).status_code == 401
        assert ask(served, KEY).status_code == 200
    with served_at(url, jwks_url=provider.url) as served:
        answer = ask(served, signed("ES256", "k1"))
        assert (answer.status_code, code(answer.json())) == (503, "UNAVAILABLE")
        assert int(answer.headers["retry-after"]) > 0
        assert "127.0.0.1" not in answer.text
        with socket(served.url, token=None) as client:
            client.send({"type": "connection_init", "payload": bearer(signed("ES256", "k1"))})
            assert how_a_socket_ends(client)[0] == 1013
        assert ask(served, KEY).status_code == 200


def test_two_secrets_of_user_tokens_are_good_during_a_rotation(url: str) -> None:
    old, new = "the-secret-of-yesterday-which-is-long", "the-secret-of-tomorrow-which-is-long-too"
    with served_at(url, ROLECAST_JWT_SECRET=f"{new} {old}") as served:
        served.tell(user_in("ada", "eng"))
        answers = [ask(served, shared(secret)).status_code for secret in (old, new, JWT_SECRET, f"{new} {old}")]
    assert answers == [200, 200, 401, 401]


def test_the_last_use_of_a_key_is_shown_at_once_and_written_soon(there: Served) -> None:
    id, secret = new_key(there)
    shown = ask(there, secret, "{ viewer { apiKey { lastUsedAt } } }").json()["data"]["viewer"]["apiKey"]
    assert shown["lastUsedAt"] is not None

    def written() -> object:
        rows = there.service.database.read_now(
            lambda session: session.connection().exec_driver_sql("SELECT id, last_used_at FROM api_keys").fetchall()
        )
        return dict(tuple(row) for row in rows)[id]

    until(lambda: written() is not None)


def test_a_deed_is_recorded_under_its_keys_id_whatever_the_key_is_called(there: Served) -> None:
    there.role("deployer")
    id, secret = new_key(there, name="ops", organizationId=None, write=True)
    other, imitation = new_key(there, name=f"{id}:ops", write=True)
    grant = 'mutation { grantRole(userId: "ada", role: "deployer") { event { actor } user { id } } }'
    actors = [
        ask(there, each, grant).json()["data"]["grantRole"]["event"]["actor"] for each in (secret, imitation, KEY)
    ]
    assert actors == [f"api_key:{id}:ops", f"api_key:{other}:{id}:ops", "api_key:ROLECAST_API_KEY"]


# ---- too many


def test_who_guesses_waits_and_who_was_good_lately_does_not(there: Served) -> None:
    assert ask(there, KEY).status_code == 200
    for number in range(5):
        assert ask(there, f"rk_guess_{number}").status_code == 401
    _, fresh = new_key(there)
    refused = ask(there, fresh)
    assert (refused.status_code, code(refused.json())) == (429, "UNAUTHENTICATED")
    seconds = int(refused.headers["retry-after"])
    assert 1 <= seconds <= 60
    assert 1 <= refused.json()["errors"][0]["extensions"]["retryAfter"] <= 60
    with socket(there.url, token=None) as client:
        client.send({"type": "connection_init", "payload": bearer(fresh)})
        closed, reason = how_a_socket_ends(client)
    assert closed == 4403
    assert reason.startswith("Forbidden: too many unknown credentials from this address; try again in ")
    assert ask(there, KEY).status_code == 200
    with socket(there.url, token=KEY), socket(there.url, token=shared(fresh=True)):
        pass


def test_one_credential_holds_so_many_connections_and_no_more(there: Served) -> None:
    with ExitStack() as held:
        held.enter_context(socket(there.url, token=shared()))
        held.enter_context(stream(there.url, {"query": mine()}, **bearer(shared())))
        held.enter_context(socket(there.url, token=shared(x=1)))  # another token of hers is still hers
        with socket(there.url, token=None) as client:
            client.send({"type": "connection_init", "payload": bearer(shared())})
            closed, reason = how_a_socket_ends(client)
        assert closed == 1013
        assert "3 connections" in reason
        answer = ask(there, shared(), mine(), Accept="text/event-stream")
        assert answer.json()["errors"][0]["extensions"] == {"code": "UNAVAILABLE", "retryAfter": 10}
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
        assert ask(there, shared()).status_code == 200  # a query holds nothing open
        with socket(there.url, token=shared(sub="bob")), socket(there.url, token=KEY):
            pass
    until(lambda: has_room_for_three(there))


def has_room_for_three(there: Served) -> bool:
    """Whether her credential may hold three sockets at once."""
    with ExitStack() as held:
        for _ in range(3):
            client = held.enter_context(socket(there.url, token=None))
            client.send({"type": "connection_init", "payload": bearer(shared())})
            try:
                assert client.receive()["type"] == "connection_ack"
            except ConnectionClosed:
                return False
    return True


def test_connections_give_their_place_back_however_they_end(there: Served) -> None:
    for _ in range(3):  # more than three in all: each ends in a way of its own
        with socket(there.url, token=shared()) as client:
            client.subscribe(mine())
        with socket(there.url, token=shared()) as client:
            client.send("nonsense")
            assert how_a_socket_ends(client)[0] == 4400
        with stream(there.url, {"query": mine()}, **bearer(shared())):
            pass
        with stream(there.url, {"query": "{ viewer { kind } }"}, **bearer(shared())) as events:
            assert [each["event"] for each in events] == ["next", "complete"]
        with stream(
            there.url, {"query": CHANGES, "variables": {"organization": "nowhere"}}, **bearer(shared())
        ) as events:
            list(events)
    with ExitStack() as all_three:

        def opens() -> bool:
            client = all_three.enter_context(socket(there.url, token=None))
            client.send({"type": "connection_init", "payload": bearer(shared())})
            try:
                return bool(client.receive()["type"] == "connection_ack")
            except ConnectionClosed:
                return False

        for _ in range(3):
            until(opens)


def test_a_socket_has_so_many_operations_and_no_more(there: Served) -> None:
    with socket(there.url, token=shared()) as client:
        for id in ("1", "2", "3"):
            client.subscribe(mine(), id=id)
        message = client.receive()
        assert (message["id"], message["type"]) == ("3", "error")
        assert message["payload"][0]["extensions"]["code"] == "TOO_COMPLEX"
