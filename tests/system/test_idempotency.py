"""Idempotency-Key, on a real server and each database: same key, same answer, one effect."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from api.app import create_app
from api.batch import apply_batch
from api.settings import Settings
from schema.problems import Unavailable
from tests.api.graphql.clients import events
from tests.processes import KEY, SECRET
from tests.serving import serving
from tests.system.directory import AUTHORIZATION, Outside, user_in
from tests.system.repeating import MAP, NEW_KEY, REPLAYED, ROLE, send
from tests.system.served import Served


def commands(outside: Outside) -> list[str]:
    """The types of the administrator's commands in the journal, newest first."""
    return [entry["type"] for entry in outside.journal() if entry["source"] == "ADMIN"]


def test_the_same_key_gets_the_same_answer_and_has_one_effect(served: Served) -> None:
    served.tell(user_in("ada", "eng"))
    served.role("deployer")
    first = send(served, "k1", MAP, group="eng", role="deployer")
    assert first.json()["data"]["mapGroup"]["granted"] == 1
    assert REPLAYED not in first.headers
    served.unmaps("eng", "deployer")
    again = send(served, "k1", MAP, group="eng", role="deployer")
    assert (again.status_code, again.json(), again.headers[REPLAYED]) == (200, first.json(), "true")
    assert served.roles("ada") == set(), "an answer is all that the repeat got"
    assert commands(served)[:2] == ["admin.unmap_group", "admin.map_group"]


def test_without_a_key_or_with_another_it_is_another_request(served: Served) -> None:
    send(served, "k1", ROLE, name="deployer")
    for key in (None, "k2"):
        assert send(served, key, ROLE, name="deployer").json()["errors"][0]["extensions"]["code"] == "CONFLICT"


def test_a_refusal_is_an_answer_too(served: Served) -> None:
    refused = send(served, "k1", MAP, group="eng", role="deployer")
    assert refused.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    served.tell(user_in("ada", "eng"))
    served.role("deployer")
    again = send(served, "k1", MAP, group="eng", role="deployer")
    assert (again.json(), again.headers[REPLAYED]) == (refused.json(), "true")
    assert "errors" not in send(served, "k2", MAP, group="eng", role="deployer").json()


def test_a_key_that_was_used_for_another_request_is_refused(served: Served) -> None:
    send(served, "k1", ROLE, name="deployer")
    for query, variables in ((ROLE, {"name": "seller"}), (ROLE + " ", {"name": "seller"}), (NEW_KEY, {})):
        refused = send(served, "k1", query, **variables)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["extensions"]["code"] == "BAD_INPUT"
        assert "used for another request" in refused.json()["errors"][0]["message"]
    assert commands(served) == ["admin.create_role"]


@pytest.mark.parametrize(
    "query", ["mutation {", "mutation { nothing }", ROLE], ids=["syntax", "validation", "variables"]
)
def test_a_request_that_cannot_run_claims_nothing(query: str, served: Served) -> None:
    for accept in ("", "text/event-stream"):
        assert "errors" in send(served, "k1", query, accept).text
    assert send(served, "k1", ROLE, name="deployer").json()["data"]["createRole"]["role"] == {"name": "deployer"}


def test_an_event_stream_gets_the_same_answer(served: Served) -> None:
    first = send(served, "k1", ROLE, name="deployer")
    again = send(served, "k1", ROLE, "text/event-stream", name="deployer")
    assert again.headers[REPLAYED] == "true"
    sent = list(events(again))
    assert [event["event"] for event in sent] == ["next", "complete"]
    assert json.loads(sent[0]["data"]) == first.json()


def test_queries_take_no_notice_of_the_key(served: Served) -> None:
    for name in ("deployer", "seller"):
        served.role(name)
        answer = send(served, "k1", "{ roles { name } }")
        assert {"name": name} in answer.json()["data"]["roles"]
        assert REPLAYED not in answer.headers
    assert send(served, "k1", ROLE, name="guest").json()["data"]


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, '""', "tab\there"])
def test_what_is_no_key_is_refused(key: str, served: Served) -> None:
    refused = send(served, key, ROLE, name="deployer")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["extensions"]["code"] == "BAD_INPUT"
    assert commands(served) == []


def test_a_key_in_quotes_is_the_same_key_and_two_are_none(served: Served) -> None:
    first = send(served, '"k1"', ROLE, name="deployer")
    assert send(served, "k1", ROLE, name="deployer").json() == first.json()
    twice = [*AUTHORIZATION.items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    assert served.client.post("/graphql", json={"query": ROLE}, headers=twice).status_code == 400


def test_each_root_field_has_an_effect_of_its_own(served: Served) -> None:
    both = 'mutation { a: createPermission(name: "a") { name } b: createPermission(name: "b") { name } }'
    first = send(served, "k1", both)
    assert first.json() == {"data": {"a": {"name": "a"}, "b": {"name": "b"}}}
    assert send(served, "k1", both).json() == first.json()
    assert commands(served) == ["admin.create_permission"] * 2


def test_what_comes_at_once_waits_for_the_first_and_gets_its_answer(served: Served) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(served, "k1", ROLE, name="deployer"), range(8)))
    assert len({answer.text for answer in answers}) == 1
    assert sum(REPLAYED not in answer.headers for answer in answers) == 1
    assert commands(served) == ["admin.create_role"]


def test_a_reader_is_refused_and_claims_nothing(served: Served) -> None:
    made = served.ask('mutation { createApiKey(input: {name: "reader"}) { secret } }')["createApiKey"]["secret"]
    reader = {"Authorization": f"Bearer {made}", "Idempotency-Key": "k1"}
    for _ in range(2):
        answer = served.client.post("/graphql", json={"query": ROLE, "variables": {"name": "x"}}, headers=reader)
        assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert REPLAYED not in answer.headers


def test_a_new_keys_secret_comes_again_and_is_stored_nowhere(served: Served, url: str) -> None:
    first = send(served, "k1", NEW_KEY)
    again = send(served, "k1", NEW_KEY)
    assert again.json() == first.json()
    secret = first.json()["data"]["createApiKey"]["secret"]
    assert secret.startswith("rk_")
    with served.client.stream(
        "POST", "/graphql", json={"query": "{ viewer { mayWrite } }"}, headers={"Authorization": f"Bearer {secret}"}
    ) as answer:
        assert json.loads(answer.read())["data"]["viewer"] == {"mayWrite": True}
    if url.startswith("sqlite"):
        for file in Path(url.removeprefix("sqlite:///")).parent.iterdir():
            assert secret.encode() not in file.read_bytes(), file


@pytest.fixture
def breakable(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """While it is set, no event can be written."""
    broken = threading.Event()

    def apply(*arguments: object, **named: object) -> object:
        if broken.is_set():
            raise Unavailable("away")
        return apply_batch(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("api.ingest.apply_batch", apply)
    yield broken
    broken.clear()


def test_what_may_turn_out_better_is_not_kept(breakable: threading.Event, served: Served) -> None:
    breakable.set()
    assert send(served, "k1", ROLE, name="deployer").json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    breakable.clear()
    answer = send(served, "k1", ROLE, name="deployer")
    assert answer.json()["data"]["createRole"]["role"] == {"name": "deployer"}
    assert REPLAYED not in answer.headers


def test_two_processes_at_once_have_one_effect_and_give_one_answer(served: Served, url: str) -> None:
    served.tell(user_in("ada", "eng"))
    served.role("deployer")
    settings = Settings(database_url=SecretStr(url), webhook_secrets=(SecretStr(SECRET),), api_key=SecretStr(KEY))
    with serving(create_app(settings)) as other, Outside(other) as second, ThreadPoolExecutor(2) as pool:
        for round_ in range(5):
            asked = [pool.submit(send, each, f"k{round_}", ROLE, name=f"role{round_}") for each in (served, second)]
            one, two = (each.result().json() for each in asked)
            assert one == two
            assert "errors" not in one
    assert commands(served) == ["admin.create_role"] * 6
