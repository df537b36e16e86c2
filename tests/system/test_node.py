"""The client that browsers use, graphql-ws for JavaScript, against a real server."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.processes import KEY
from tests.system.directory import ORGANIZATION, user_in
from tests.system.following import CHANGES
from tests.system.node import SOURCES, WITHIN, Follower, installed, needs_node, running
from tests.system.served import Served, served_at
from tests.system.waiting import listens, until

pytestmark = needs_node


@pytest.fixture(scope="module")
def node_folder() -> Path:
    folder = installed()
    shutil.copy(SOURCES / "follow.mjs", folder)
    return folder


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Served]:
    with served_at(f"sqlite:///{tmp_path}/rolecast.db") as served:
        served.tell(user_in("ada", "eng"))
        served.role("deployer")
        served.maps("eng", "deployer")
        yield served


def following(
    folder: Path, url: str, query: str, key: str = KEY, **variables: object
) -> AbstractContextManager[Follower]:
    address = url.replace("http", "ws", 1) + "/graphql"
    request = json.dumps({"query": query, "variables": variables})
    return running(folder, "follow.mjs", address, f"Bearer {key}", request)


def test_graphql_ws_follows_live_changes_until_it_unsubscribes(node_folder: Path, company: Served) -> None:
    with following(node_folder, company.url, CHANGES, organization=ORGANIZATION) as follower:
        assert follower.next("connected")
        listens(company)
        company.tell(user_in("eve", "eng"))
        assert follower.change() == ("GRANTED", "eve", "deployer")
        company.tell(user_in("eve"))
        assert follower.change() == ("REVOKED", "eve", "deployer")
        follower.unsubscribe()
        assert follower.next("complete")
        assert follower.next("closed") == 1000
        until(lambda: company.service.feed.listeners() == 0)
        assert follower.process.wait(WITHIN) == 0


def test_graphql_ws_resumes_after_a_cursor(node_folder: Path, company: Served) -> None:
    head = company.head()
    company.tell(user_in("ada"), user_in("eve", "eng"))
    with following(node_folder, company.url, CHANGES, organization=ORGANIZATION, after=head) as follower:
        assert follower.next("connected")
        assert [follower.change(), follower.change()] == [
            ("REVOKED", "ada", "deployer"),
            ("GRANTED", "eve", "deployer"),
        ]


def test_graphql_ws_runs_a_query_over_the_same_socket(node_folder: Path, company: Served) -> None:
    query = "query ($id: ID!) { user(id: $id) { roles { role { name } } } }"
    with following(node_folder, company.url, query, id="ada") as follower:
        assert follower.next("connected")
        assert follower.next("next") == {"data": {"user": {"roles": [{"role": {"name": "deployer"}}]}}}
        assert follower.next("complete")


def test_graphql_ws_hears_errors_with_their_codes(node_folder: Path, company: Served) -> None:
    with following(node_folder, company.url, CHANGES, organization=ORGANIZATION, after="garbage") as follower:
        assert follower.next("connected")
        assert follower.next("error") == ["CURSOR_EXPIRED"]


def test_graphql_ws_is_told_4403_for_an_unknown_key_and_does_not_try_again(node_folder: Path, company: Served) -> None:
    with following(node_folder, company.url, CHANGES, key="rk_unknown") as follower:
        assert follower.next("closed") == 4403
        assert follower.next("error") == 4403
        assert follower.process.wait(WITHIN) == 0
