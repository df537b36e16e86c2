"""What the clients of docs/frontend.md make of refused tokens, lost connections and every other way of saying no."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.system.directory import Json, user_in
from tests.system.frontend import CHANGES, CLIENTS, NAME, Stage, compiled_document, set_up, token
from tests.system.node import Follower, needs_node, running

pytestmark = needs_node
every_client = pytest.mark.parametrize("client", CLIENTS)


@pytest.fixture(scope="module")
def compiled() -> Iterator[Path]:
    with compiled_document() as folder:
        yield folder


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, compiled: Path) -> Iterator[Stage]:
    """One for all: each test leaves the company as it found it."""
    with set_up(tmp_path_factory.mktemp("stage"), compiled) as stage:
        yield stage


@every_client
def test_a_token_that_expires_on_a_live_stream_is_replaced(stage: Stage, client: str) -> None:
    stage.backend.gives(lambda: token("ada", 2), lambda: token("ada"))
    with stage.page(client, CHANGES, user="ada", after=stage.company.head()) as page:
        stage.company.tell(user_in("ada"))
        assert page.change() == ("REVOKED", "ada", "deployer")
        time.sleep(2.5)  # the token is no good any more
        stage.company.tell(user_in("ada", "eng"))
        assert page.change() == ("GRANTED", "ada", "deployer")
        assert stage.backend.asked == 2


@every_client
def test_a_token_that_is_refused_again_ends_the_stream(stage: Stage, client: str) -> None:
    stage.backend.gives(lambda: "rk_nobody_was_given_this_key")
    with stage.page(client, CHANGES, user="ada") as page:
        assert page.next("error") in (4403, 401, "UNAUTHENTICATED")
        assert stage.backend.asked == 2


@pytest.mark.parametrize("client", ["fetch", "apollo", "urql", "relay"])
def test_a_query_replaces_a_refused_token_once(stage: Stage, client: str) -> None:
    stage.backend.gives(lambda: token("ada", -60), lambda: token("ada"))
    with stage.page(client, NAME, id="ada") as page:
        answer = page.next("next")
        assert isinstance(answer, dict)
        assert answer["data"]["user"]["id"] == "ada"
    stage.backend.gives(lambda: token("ada", -60))
    with stage.page(client, NAME, id="ada") as page:
        assert page.next("error") == "UNAUTHENTICATED"
        assert stage.backend.asked == 2


@every_client
def test_a_refusal_that_no_retry_helps_comes_with_its_code(stage: Stage, client: str) -> None:
    stage.backend.gives(lambda: token("ada"))
    with stage.page(client, CHANGES, user="bob") as page:
        assert page.next("error") == "NOT_FOUND"


def refusals(code: str, **more: object) -> list[Json]:
    return [{"message": "no", "extensions": {"code": code, **more}}]


@contextmanager
def script(compiled: Path, *ends: Json) -> Iterator[Follower]:
    """A page whose connections end one after the other as written; for what a server says when it is in trouble."""
    asked = {"query": CHANGES, "variables": {"user": "ada", "ends": ends}}
    with running(compiled / "out", "run.js", "scripted", json.dumps(asked)) as page:
        yield page


def test_lagged_unavailable_and_lost_streams_are_resumed_after_the_last_cursor(compiled: Path) -> None:
    ends = (
        {"next": {"cursor": "c1"}, "errors": refusals("LAGGED")},
        {"errors": refusals("UNAVAILABLE", retryAfter=2)},
        {"close": 1012},
        {"next": {"cursor": "c2"}, "close": 1006},
        {"close": 4400},
    )
    with script(compiled, *ends) as page:
        assert page.next("subscribed") == {"user": "ada"}
        assert page.next("next") == {"data": {"roleChanges": {"cursor": "c1"}}}
        assert page.next("subscribed") == {"user": "ada", "after": "c1"}
        began = time.monotonic()
        assert page.next("subscribed") == {"user": "ada", "after": "c1"}
        assert time.monotonic() - began > 1.5, "it has to wait as long as it was told"
        assert page.next("subscribed") == {"user": "ada", "after": "c1"}
        assert page.next("next") == {"data": {"roleChanges": {"cursor": "c2"}}}
        assert page.next("subscribed") == {"user": "ada", "after": "c2"}
        assert page.next("error") == 4400
        assert page.is_silent(1)


def test_a_server_that_stops_is_come_back_to_at_the_moment_it_named(compiled: Path) -> None:
    with script(compiled, {"close": 1001, "reason": "Going away: connect again in 2.5 s"}, {"close": 4400}) as page:
        assert page.next("subscribed") == {"user": "ada"}
        began = time.monotonic()
        assert page.next("subscribed") == {"user": "ada"}
        assert time.monotonic() - began > 2, "not after half a second, with everyone else"
        assert page.next("error") == 4400


@pytest.mark.parametrize("code", ["FORBIDDEN", "NOT_FOUND", "BAD_INPUT", "TOO_COMPLEX", "CURSOR_EXPIRED", "INTERNAL"])
def test_what_trying_again_cannot_help_ends_the_stream(compiled: Path, code: str) -> None:
    with script(compiled, {"errors": refusals(code)}) as page:
        assert page.next("subscribed") == {"user": "ada"}
        assert page.next("error") == code
        assert page.next("complete")
