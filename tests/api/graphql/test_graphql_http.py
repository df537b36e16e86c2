"""GraphQL over HTTP: media types, statuses, and bodies that are no requests."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.graphql import Limits
from api.graphql.negotiation import JSON, RESPONSE_JSON
from schema.graphql.context import Credential
from tests.api.graphql.clients import AUTHORIZATION, post
from tests.api.graphql.throwaway import World, application
from tests.serving import serving

HELLO = {"query": "{ hello }"}


def raw(url: str, body: bytes, content_type: str | None = JSON, **headers: str) -> httpx.Response:
    given = AUTHORIZATION | ({"content-type": content_type} if content_type else {}) | headers
    return httpx.post(f"{url}/graphql", content=body, headers=given)


def code(response: httpx.Response) -> str:
    body = response.json()
    assert list(body) == ["errors"]
    answer: str = body["errors"][0]["extensions"]["code"]
    return answer


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer wrong", "Basic Z29vZA=="])
@pytest.mark.parametrize("body", [b"nonsense", b'{"query": "{ hello }"}'])
def test_without_a_good_credential_nothing_is_read(authorization: str | None, body: bytes, url: str) -> None:
    headers = {"authorization": authorization} if authorization is not None else {}
    response = httpx.post(f"{url}/graphql", content=body, headers=headers)
    assert (response.status_code, code(response)) == (401, "UNAUTHENTICATED")
    assert response.headers["www-authenticate"] == "Bearer"


def test_when_nobody_can_tell_who_asks_it_says_when_to_come_back(url: str, world: World) -> None:
    world.busy = True
    response = post(url, HELLO)
    assert (response.status_code, code(response), response.headers["retry-after"]) == (503, "UNAVAILABLE", "7")


def test_a_bug_while_authenticating_is_an_internal_error_in_json(world: World) -> None:
    async def authenticate(credential: Credential) -> Any:
        raise ZeroDivisionError("secret")

    world.authenticate = authenticate  # type: ignore[method-assign]
    with serving(application(world)) as url:
        response = post(url, HELLO)
    assert (response.status_code, code(response)) == (500, "INTERNAL")
    assert "secret" not in response.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b'"x"',
        b"null",
        b"7",
        b"[]",
        b'[{"query": "{ hello }"}]',
        b"{}",
        b'{"qeury": "{ hello }"}',
        b'{"query": null}',
        b'{"query": 7}',
        b'{"query": ["{ hello }"]}',
        b'{"query": "{ hello }", "variables": []}',
        b'{"query": "{ hello }", "variables": "{}"}',
        b'{"query": "{ hello }", "operationName": 7}',
        b'{"query": "{ hello }", "extensions": 7}',
        b'{"query": "{ hello }", "variables": {"a": NaN}}',
        b'{"query": "{ hello }", "variables": {"a": 1e999}}',
        b'{"query": "{ hello }", "variables": {"a": ' + b"9" * 5000 + b"}}",
        b'{"query": "\xff"}',
        b"\xff\xfe{\x00}\x00",
        b'{"query": "\\ud800"}',
        b'{"query": "{ hello }"} trailing',
        b'{"query": "{ hello }"',
        b"[" * 500_000,
        b'{"query": "{ hello }", "variables": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    ],
    ids=lambda body: repr(body[:40]),
)
@pytest.mark.parametrize("accept", [JSON, RESPONSE_JSON, "text/event-stream"])
def test_a_body_that_is_no_request_is_400(body: bytes, accept: str, url: str) -> None:
    response = raw(url, body, accept=accept)
    assert (response.status_code, code(response)) == (400, "BAD_INPUT")


def test_members_given_twice_do_not_upset_anything(url: str) -> None:
    response = raw(url, b'{"query": "{", "query": "{ hello }", "variables": {"a": 1, "a": 2}}')
    assert response.json() == {"data": {"hello": "hello world"}}


def test_batching_is_off_and_says_so(url: str) -> None:
    assert "batching is off" in post(url, [HELLO, HELLO]).json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("request_", "strict"),
    [
        ({"query": "{"}, 400),
        ({"query": "{ nothing }"}, 400),
        ({"query": "query A { hello } query B { hello }"}, 400),
        ({"query": "query ($n: String!) { hello(name: $n) }"}, 400),
        ({"query": '{ fails(kind: "missing") }'}, 200),
        ({"query": "{ wrong }"}, 200),
        (HELLO, 200),
    ],
    ids=str,
)
def test_request_errors_are_400_in_the_new_media_type_and_200_in_the_old(
    request_: dict[str, Any], strict: int, url: str
) -> None:
    for accept, status in ((RESPONSE_JSON, strict), (JSON, 200)):
        response = post(url, request_, accept=accept)
        assert response.status_code == status
        assert response.headers["content-type"] == f"{accept}; charset=utf-8"
        assert ("data" in response.json()) == (strict == 200)


@pytest.mark.parametrize("accept", ["text/html", "image/*", "*/*;q=0", "text/*"])
def test_an_accept_header_that_leaves_nothing_is_406(accept: str, url: str) -> None:
    response = post(url, HELLO, accept=accept)
    assert (response.status_code, code(response)) == (406, "BAD_INPUT")


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/graphql",
     "application/json; charset=latin-1", "application/jsonx", "nonsense"],
)  # fmt: skip
def test_a_body_that_a_foreign_page_could_send_unasked_is_415(content_type: str | None, url: str) -> None:
    response = raw(url, b'{"query": "{ hello }"}', content_type)
    assert (response.status_code, code(response)) == (415, "BAD_INPUT")


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"']
)
def test_plain_json_is_read_however_it_is_spelt(content_type: str, url: str) -> None:
    assert raw(url, b'{"query": "{ hello }"}', content_type).status_code == 200


def test_a_compressed_body_is_415(url: str) -> None:
    assert raw(url, b"\x1f\x8b", **{"content-encoding": "gzip"}).status_code == 415


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_405(method: str, url: str) -> None:
    response = httpx.request(method, f"{url}/graphql", headers=AUTHORIZATION)
    assert response.status_code == 405
    assert {"GET", "POST"} <= set(response.headers["allow"].split(", "))


def test_get_never_mutates(url: str, world: World) -> None:
    for accept in (JSON, RESPONSE_JSON, "text/event-stream"):
        params = {"query": 'mutation { remember(word: "x") }'}
        response = httpx.get(f"{url}/graphql", params=params, headers={**AUTHORIZATION, "accept": accept})
        assert (response.status_code, response.headers["allow"], code(response)) == (405, "POST", "BAD_INPUT")
    assert world.words == []


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"query": ""},
        {"query": "{ hello }", "variables": "{"},
        {"query": "{ hello }", "variables": "[]"},
        {"query": "{ hello }", "extensions": "7"},
        {"query": ["{ hello }", "{ hello }"]},
        {"query": "{ hello }", "variables": ["{}", "{}"]},
    ],
    ids=str,
)
def test_a_query_string_that_is_no_request_is_400(params: dict[str, Any], url: str) -> None:
    response = httpx.get(f"{url}/graphql", params=params, headers={**AUTHORIZATION, "accept": JSON})
    assert (response.status_code, code(response)) == (400, "BAD_INPUT")


def test_head_has_no_body(url: str) -> None:
    response = httpx.head(f"{url}/graphql", params=HELLO, headers=AUTHORIZATION)
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("accept", [JSON, RESPONSE_JSON, "*/*"])
def test_a_subscription_needs_a_transport_that_streams(accept: str, url: str) -> None:
    response = post(url, {"query": "subscription { ticks(to: 1) { value } }"}, accept=accept)
    assert (response.status_code, code(response)) == (400, "BAD_INPUT")
    assert "WebSocket" in response.text
    assert "text/event-stream" in response.text


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_a_body_above_the_limit_is_413(declared: bool, world: World) -> None:
    with serving(application(world, Limits(body_bytes=1000))) as url:
        body = b'{"query": "{ hello }", "x": "' + b"x" * 2000 + b'"}'
        content = body if declared else iter([body[:500], body[500:]])
        response = httpx.post(f"{url}/graphql", content=content, headers={**AUTHORIZATION, "content-type": JSON})
        assert (response.status_code, code(response)) == (413, "BAD_INPUT")
        assert post(url, HELLO).status_code == 200


def test_answers_are_not_kept_by_anyone_between(url: str) -> None:
    assert post(url, HELLO).headers["cache-control"] == "no-store"


def test_introspection_can_be_off(world: World) -> None:
    with serving(application(world, introspection=False)) as url:
        assert code(post(url, {"query": "{ __schema { queryType { name } } }"}, accept=JSON)) == "BAD_INPUT"
        assert post(url, {"query": "{ __typename }"}).json() == {"data": {"__typename": "Query"}}
