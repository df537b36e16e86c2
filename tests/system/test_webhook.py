"""`POST /webhook`, row by row of the README's table, over real sockets and on each database."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.processes import SECRET
from tests.system.directory import Json, Outside, event, headers, user_in
from tests.system.served import Served, served_at
from tests.system.wire import chunked, exchange, request

OTHER = "whsec_" + "YW5vdGhlciBzZWNyZXQgb2Ygc29tZSBsZW5ndGg="
MEBIBYTE = 1 << 20
CONTROL = re.compile(r"[\x01-\x08\x0b-\x1f\x7f]")


def body_of(given: Json) -> bytes:
    return json.dumps(given).encode()


def padded(size: int) -> bytes:
    """A snapshot of exactly so many bytes: space around JSON is part of what is signed."""
    body = body_of(user_in("ada", "eng"))
    return body + b" " * (size - len(body))


# ---- 201 and 202


def test_an_event_is_answered_with_its_id_outcome_and_position(served: Served) -> None:
    response = served.post(body_of(user_in("ada", "eng", id="evt_first")))
    assert response.status_code == 201
    assert response.json() == {
        "message": "Role processed",
        "event": "evt_first",
        "outcome": "APPLIED",
        "position": 1,
    }


def test_an_older_event_is_superseded(served: Served) -> None:
    served.tell(user_in("ada", "eng", second=100))
    (answer,) = served.tell(user_in("ada", "ops", second=50))
    assert (answer["outcome"], answer["position"]) == ("SUPERSEDED", 2)


def test_a_type_without_use_is_ignored_and_kept(served: Served) -> None:
    (answer,) = served.tell(event("organization.sso.session_created", {"id": "ses_1"}, id="evt_sso"))
    assert answer["outcome"] == "IGNORED"
    assert [entry["id"] for entry in served.journal()] == ["evt_sso"]


def test_a_repeat_is_answered_like_the_first_whatever_came_between(served: Served) -> None:
    first, between = user_in("ada", "eng", second=10), user_in("ada", "ops", second=20)
    (answer, _) = served.tell(first, between)
    assert served.tell(first, first) == [answer, answer]
    assert len(served.journal()) == 2


def test_what_is_genuine_but_not_understood_is_kept_with_its_problem(served: Served) -> None:
    body = body_of(event("organization.directory.user_updated", {"id": 7}, id="evt_odd"))
    response = served.post(body)
    assert response.status_code == 202
    answer = response.json()
    assert answer.keys() == {"message", "event", "outcome", "position", "problem"}
    assert (answer["event"], answer["outcome"], answer["position"]) == ("evt_odd", "REJECTED", 1)
    assert answer["problem"]
    assert served.post(body).json() == answer
    assert [(entry["id"], entry["problem"]) for entry in served.journal()] == [("evt_odd", answer["problem"])]


NONSENSE = [
    b"",
    b"{}",
    b"null",
    b'"x"',
    b"[1]",
    b"\xff\xfe",
    b"{",
    b"[" * 100_000,
    b'{"id": "' + b"e" * 300 + b'", "type": "x"}',
    b'{"id": null, "type": [], "data": {}}',
    b'{"id": "evt_\\ud800", "type": "role.created", "occurred_at": "2026-01-01T00:00:00Z", "data": {}}',
    b'{"id": "evt_t", "type": "role.created", "occurred_at": "99999-01-01T00:00:00Z", "data": {"name": "a"}}',
    b'{"id": "evt_n", "type": "role.created", "occurred_at": "2026-01-01T00:00:00Z", "data": {"name": "a\\u0000"}}',
    b'{"id": "evt_\\u0000", "type": "x\\u0000", "occurred_at": "2026-01-01T00:00:00Z", "data": {"x": "\\u0000"}}',
    b'{"id": "evt_e", "type": "role.created", "occurred_at": "2026-01-01T00:00:00Z", "data": {"name": "a b"}}',
]


def test_signed_nonsense_is_recorded_and_never_an_error(served: Served) -> None:
    for position, body in enumerate(NONSENSE, 1):
        response = served.post(body, headers(body, id=f"msg_{position}"))
        assert response.status_code in (201, 202), (body[:60], response.text)
        assert response.json()["outcome"] in ("REJECTED", "IGNORED")
        assert response.json()["position"] == position
    assert len(served.journal()) == len(NONSENSE)


def test_a_webhook_id_beyond_any_length_does_not_stop_a_genuine_event(served: Served) -> None:
    body = b"not json"
    assert served.post(body, headers(body, id="m" * 5000)).status_code == 202


def test_odd_spacing_and_escapes_are_signed_as_they_are(served: Served) -> None:
    text = json.dumps(user_in("ada", "eng"), indent=7, separators=(" , ", "  :\t")).replace("acme", "\\u0061cme")
    body = b" \r\n" + text.encode() + b"\n\n"
    assert served.post(body).status_code == 201
    again = json.dumps(json.loads(body)).encode()
    assert served.post(again, headers(body)).status_code == 401


def test_two_secrets_are_valid_at_once(url: str) -> None:
    with served_at(url, SECRET, OTHER) as served:
        for secret in (SECRET, OTHER):
            body = body_of(user_in("ada", "eng"))
            assert served.post(body, headers(body, secret=secret)).status_code == 201
            both = headers(body, secret=secret)
            both["webhook-signature"] = f"v1a,ed25519 v1,bm90IHRoaXM= {both['webhook-signature']} v2,x"
            assert served.post(body, both).status_code == 201


# ---- 401

BODY = body_of(user_in("mallory", "eng"))
NOW = int(time.time())
SIGNED = {"webhook-id", "webhook-timestamp", "webhook-signature"}


def bent(**changes: str | None) -> list[tuple[str, str]]:
    """Good headers, but for these (underscores for hyphens); None leaves one out."""
    good: dict[str, str | None] = dict(headers(BODY))
    good |= {name.replace("_", "-"): value for name, value in changes.items()}
    return [(name, value) for name, value in good.items() if value is not None]


def signature() -> str:
    return headers(BODY)["webhook-signature"]


JUNK: dict[str, Callable[[], list[tuple[str, str]]]] = {
    "unsigned": lambda: [],
    "no id": lambda: bent(webhook_id=None),
    "no timestamp": lambda: bent(webhook_timestamp=None),
    "no signature": lambda: bent(webhook_signature=None),
    "empty id": lambda: bent(webhook_id=""),
    "empty timestamp": lambda: bent(webhook_timestamp=""),
    "empty signature": lambda: bent(webhook_signature=""),
    "two ids": lambda: [*bent(), ("webhook-id", "msg_2")],
    "two timestamps": lambda: [*bent(), ("webhook-timestamp", str(NOW))],
    "two signatures": lambda: [*bent(), ("webhook-signature", "v1,x")],
    "the good one of two signatures last": lambda: [("webhook-signature", "v1,x"), *bent()],
    "other id": lambda: bent(webhook_id="msg_2"),
    "non-ASCII id": lambda: bent(webhook_id="m\xe9"),
    "non-ASCII timestamp": lambda: bent(webhook_timestamp="\xb2\xb3"),
    "non-ASCII signature": lambda: bent(webhook_signature="v1,\xff\xfe"),
    "a word for a time": lambda: bent(webhook_timestamp="now"),
    "a signed time": lambda: bent(webhook_timestamp=f"+{int(time.time())}"),
    "a broken time": lambda: bent(webhook_timestamp=f"{int(time.time())}.5"),
    "a time of many digits": lambda: bent(webhook_timestamp="9" * 5000),
    "stale": lambda: list(headers(BODY, at=time.time() - 330).items()),
    "future": lambda: list(headers(BODY, at=time.time() + 330).items()),
    "other version": lambda: bent(webhook_signature=signature().replace("v1,", "v2,")),
    "no version": lambda: bent(webhook_signature=signature().removeprefix("v1,")),
    "truncated base64": lambda: bent(webhook_signature=signature()[:-3]),
    "no base64 at all": lambda: bent(webhook_signature="v1,%%%"),
    "only commas": lambda: bent(webhook_signature=",,, v1 v1, ,v1"),
    "wrong secret": lambda: list(headers(BODY, secret=OTHER).items()),
}


@pytest.mark.parametrize("name", JUNK)
def test_junk_in_the_headers_is_refused_and_leaves_nothing(junk_server: Outside, name: str) -> None:
    answer = exchange(junk_server.url, request("POST", JUNK[name](), BODY))
    assert answer.status == 401
    assert json.loads(answer.body)["error"]["code"] == "UNAUTHENTICATED"
    assert SECRET.encode() not in answer.body
    assert junk_server.journal() == []


values = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=120)
names = st.sampled_from(("webhook-id", "webhook-timestamp", "webhook-signature", "content-type", "x-other"))


@settings(max_examples=120)
@given(kept=st.sets(names), fields=st.lists(st.tuples(names, values), max_size=6), body=st.binary(max_size=300))
def test_no_headers_and_no_body_are_an_error_of_the_server(
    junk_server: Outside, kept: set[str], fields: list[tuple[str, str]], body: bytes
) -> None:
    good = [(name, value) for name, value in headers(body).items() if name in kept]
    answer = exchange(junk_server.url, request("POST", good + fields, body))
    spoilt = len(kept & SIGNED) < 3 or SIGNED & {name for name, _ in fields}
    no_http = any(CONTROL.search(value) for _, value in fields)  # the server's parser refuses it before we see it
    assert answer.status in {401 if spoilt else 202} | ({400} if no_http else set()), answer


def test_a_signature_is_good_for_five_minutes_both_ways(served: Served) -> None:
    for offset in (-280, 280):
        body = body_of(user_in("ada", "eng"))
        assert served.post(body, headers(body, at=time.time() + offset)).status_code == 201


# ---- 405 and 413


def test_only_post_is_allowed(served: Served) -> None:
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        response = served.client.request(method, "/webhook")
        assert (response.status_code, response.headers["allow"]) == (405, "POST")


def test_exactly_one_mebibyte_is_accepted(served: Served) -> None:
    body = padded(MEBIBYTE)
    assert served.post(body).status_code == 201
    body = padded(MEBIBYTE)
    answer = exchange(served.url, chunked(list(headers(body).items()), body))
    assert answer.status == 201


def test_one_byte_more_is_refused_by_its_announced_length_without_being_read(served: Served) -> None:
    answer = exchange(served.url, request("POST", bent(content_length=str(MEBIBYTE + 1)), b""))
    assert answer.status == 413
    assert json.loads(answer.body)["error"].keys() == {"code", "message"}


def test_one_byte_more_is_refused_in_chunks_too(served: Served) -> None:
    body = padded(MEBIBYTE + 1)
    assert exchange(served.url, chunked(list(headers(body).items()), body)).status == 413
    assert served.journal() == []


def test_a_chunked_body_without_end_is_refused_as_soon_as_it_is_too_long(served: Served) -> None:
    endless = chunked(bent(), b" " * (2 * MEBIBYTE)).removesuffix(b"0\r\n\r\n")
    assert exchange(served.url, endless).status == 413


def test_refusals_say_nothing_of_the_inside(served: Served) -> None:
    response = served.post(b"{}", {})
    assert re.fullmatch(r'\{"error":\{"code":"UNAUTHENTICATED","message":"[^"]+"\}\}', response.text)
    assert "server" not in {name.lower() for name in response.headers} or "uvicorn" in response.headers["server"]
