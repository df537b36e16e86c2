"""Queries on a real replica: whoever quotes a mutation's cursor never reads from before it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from tests.replicas import Replicated, replicated
from tests.system.directory import AUTHORIZATION, ORGANIZATION, Json, event, user_in
from tests.system.following import CHANGES, changes, over_websocket
from tests.system.served import Served, served_at

ROLES = "{ roles { name } }"
HELD = '{ user(id: "ada") { roles { role { name } } } }'


@pytest.fixture(scope="module")
def pair() -> Iterator[Replicated]:
    with replicated() as pair:
        yield pair


@pytest.fixture
def served(pair: Replicated) -> Iterator[Served]:
    with served_at(pair.original, read_url=SecretStr(pair.copy)) as served:
        pair.catches_up()
        yield served


def asked(served: Served, query: str, at_least: str | None = None) -> Json:
    headers = AUTHORIZATION if at_least is None else AUTHORIZATION | {"Rolecast-At-Least": at_least}
    answer: Json = served.client.post("/graphql", json={"query": query}, headers=headers).json()
    return answer


def test_a_mutations_cursor_is_read_by_the_next_query_whether_it_changed_a_role_or_not(
    pair: Replicated, served: Served
) -> None:
    create = 'mutation { createRole(input: {name: "deployer"}) { cursor } }'
    with pair.paused():
        cursor = served.ask(create)["createRole"]["cursor"]
        assert asked(served, ROLES)["data"] == {"roles": []}, "a query that quotes nothing may be behind"
        assert asked(served, ROLES, cursor)["data"] == {"roles": [{"name": "deployer"}]}
        served.tell(user_in("ada", "eng"), event("organization.created", {"id": ORGANIZATION, "display_name": "Acme"}))
        granted = served.maps("eng", "deployer")
        assert asked(served, HELD)["data"] == {"user": None}
        assert asked(served, HELD, granted["cursor"])["data"]["user"]["roles"] == [{"role": {"name": "deployer"}}]
        assert granted["cursor"] > cursor
    pair.catches_up()
    assert asked(served, HELD)["data"]["user"]["roles"] == [{"role": {"name": "deployer"}}]


def test_the_cursor_of_a_mutation_goes_on_as_any_other(pair: Replicated, served: Served) -> None:
    served.role("reader")
    served.tell(user_in("bob", "law"))
    cursor = served.maps("law", "reader")["cursor"]
    with pair.paused(), over_websocket(served.url, CHANGES, organization=ORGANIZATION, after=cursor) as payloads:
        served.tell(user_in("eve", "law"))
        change = next(changes(payloads))
        assert change["userId"] == "eve", "what is followed never waits for the replica"
        assert change["cursor"] > cursor
        assert served.changes(change["cursor"]) == [], "a cursor that the replica does not know is read elsewhere"


def test_what_is_no_cursor_is_refused_with_what_to_send(served: Served) -> None:
    (error,) = asked(served, ROLES, "yesterday")["errors"]
    assert (error["extensions"]["code"], "mutation's answer" in error["message"]) == ("BAD_INPUT", True)
