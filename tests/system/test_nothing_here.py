"""Addresses and methods that nothing answers, and pages of other origins: on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.api.graphql.clients import socket
from tests.processes import KEY, SECRETS, Server
from tests.system.directory import AUTHORIZATION
from tests.system.served import Served, served_at
from tests.system.waiting import until

FRONTEND, FOREIGN = "https://app.example", "https://evil.example"
ASK = {"query": "{ __typename }"}


@pytest.fixture(scope="module")
def welcoming(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that welcomes one origin's pages."""
    url = f"sqlite:///{tmp_path_factory.mktemp('origins')}/rolecast.db"
    with served_at(url, allowed_origins=(FRONTEND,)) as served:
        yield served


@pytest.mark.parametrize("path", ["/", "/nothing", "/graphql/x", "/healthz/../etc", "/%00"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_address_is_a_refusal_in_json(method: str, path: str, junk_server: Served) -> None:
    answer = junk_server.client.request(method, path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"error": {"code": "NOT_FOUND", "message": "there is nothing at this address"}}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_the_webhook_by_another_method_is_a_refusal_in_json(method: str, junk_server: Served) -> None:
    answer = junk_server.client.request(method, "/webhook")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json() == {"error": {"code": "BAD_INPUT", "message": "not by this method"}}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_graphql_by_another_method_is_a_refusal_in_its_own_form(method: str, junk_server: Served) -> None:
    answer = junk_server.client.request(method, "/graphql", headers=AUTHORIZATION)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    (error,) = answer.json()["errors"]
    assert error["extensions"] == {"code": "BAD_INPUT"}


def preflight(served: Served, origin: str, headers: str) -> httpx.Response:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": headers}
    return served.client.options("/graphql", headers=asked)


def test_a_welcome_page_may_send_every_header_that_is_read_and_see_those_that_matter(welcoming: Served) -> None:
    allowed = preflight(welcoming, FRONTEND, "authorization,content-type,idempotency-key,last-event-id")
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, FRONTEND)
    answer = welcoming.client.post("/graphql", json=ASK, headers=AUTHORIZATION | {"Origin": FRONTEND})
    assert answer.headers["access-control-allow-origin"] == FRONTEND
    exposed = {name.strip() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert exposed == {"Idempotency-Replayed", "Retry-After"}
    assert "access-control-allow-credentials" not in answer.headers, "no cookie means anything here"


def test_a_foreign_page_is_allowed_nothing(welcoming: Served, junk_server: Served) -> None:
    for served in (welcoming, junk_server):
        refused = preflight(served, FOREIGN, "authorization,content-type")
        assert refused.status_code >= 400
        assert "access-control-allow-origin" not in refused.headers
        answer = served.client.post("/graphql", json=ASK, headers=AUTHORIZATION | {"Origin": FOREIGN})
        assert "access-control-allow-origin" not in answer.headers


def test_sockets_are_opened_by_pages_of_welcome_origins_and_by_none_but_its_own_otherwise(
    welcoming: Served, junk_server: Served
) -> None:
    for served, origin in (
        (welcoming, FRONTEND),
        (welcoming, welcoming.url),
        (junk_server, junk_server.url),
        (junk_server, None),
    ):
        with socket(served.url, token=KEY, origin=origin) as client:
            client.send({"type": "ping"})
            assert client.receive() == {"type": "pong"}
    for served, origin in ((welcoming, FOREIGN), (junk_server, FRONTEND), (junk_server, "null")):
        with pytest.raises(InvalidStatus) as refused, socket(served.url, token=KEY, origin=origin):
            pass
        assert refused.value.response.status_code == 403


def test_an_origin_in_the_settings_is_the_same_for_requests_and_sockets_however_it_is_written(tmp_path: Path) -> None:
    with served_at(f"sqlite:///{tmp_path}/rolecast.db", allowed_origins=("HTTPS://App.Example:443/",)) as served:
        allowed = preflight(served, FRONTEND, "authorization")
        assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, FRONTEND)
        with socket(served.url, token=KEY, origin=FRONTEND):
            pass


@pytest.mark.parametrize(
    ("scheme", "told", "welcome"),
    [
        ("https", "https", True),
        ("https", None, True),  # a proxy that ends TLS and says nothing
        ("http", None, True),
        ("http", "http", True),
        ("http", "https", False),
    ],
)
def test_a_page_of_this_host_is_of_this_origin_unless_it_came_in_the_clear_and_the_server_does_not(
    scheme: str, told: str | None, welcome: bool, junk_server: Served
) -> None:
    origin = junk_server.url.replace("http", scheme, 1)
    given = {} if told is None else {"X-Forwarded-Proto": told}
    if welcome:
        with socket(junk_server.url, token=KEY, origin=origin, additional_headers=given):
            return
    with pytest.raises(InvalidStatus), socket(junk_server.url, token=KEY, origin=origin, additional_headers=given):
        pass


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server whose database is not there."""
    environment = SECRETS | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    server = Server(tmp_path_factory.mktemp("closed"), environment=environment)
    server.start(ready=False)
    try:
        until(lambda: server.answers("/healthz"), 30)
        yield server.url
    finally:
        server.kill()


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json", "text/event-stream"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_a_database_graphql_is_refused_in_its_own_form(method: str, accept: str, closed: str) -> None:
    answer = httpx.request(method, f"{closed}/graphql", headers=AUTHORIZATION | {"Accept": accept})
    kind = "application/json" if accept == "application/json" else "application/graphql-response+json"
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
    (error,) = answer.json()["errors"]
    assert error["extensions"] == {"code": "UNAVAILABLE", "retryAfter": 5}
    assert httpx.post(f"{closed}/webhook").json()["error"]["code"] == "UNAVAILABLE"
