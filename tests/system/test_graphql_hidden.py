"""A server that does not tell its schema, on every transport; and one that does, for comparison."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from graphql import get_introspection_query

from tests.api.graphql.clients import TRANSPORTS
from tests.system.directory import Json
from tests.system.served import Served, served_at

Run = Callable[[str, Json], list[Json]]
every = pytest.mark.parametrize("run", TRANSPORTS.values(), ids=TRANSPORTS)
CHANGES = 'query ($where: ChangeFilter) { changes(organizationId: "x", where: $where) { totalCount } }'
HINTED: dict[str, Json] = {
    "a field": {"query": "{ role { name } viewr { mayWrite } }"},
    "a field of a type": {"query": "{ viewer { mayWrit } }"},
    "a field of another type": {"query": '{ user(id: "x") { emial } }'},
    "an argument": {"query": '{ user(idd: "x") { id } }'},
    "a directive's argument": {"query": "{ viewer { mayWrite @include(iff: true) } }"},
    "a type": {"query": "query ($where: UserFiltr) { viewer { mayWrite } }"},
    "an input's field": {"query": '{ changes(organizationId: "x", where: {rol: "y"}) { totalCount } }'},
    "an enum's value": {"query": '{ changes(organizationId: "x", where: {kind: GRANTE}) { totalCount } }'},
    "an enum's value as text": {"query": '{ changes(organizationId: "x", where: {kind: "GRANTED"}) { totalCount } }'},
    "an input's field in a variable": {"query": CHANGES, "variables": {"where": {"rol": "y"}}},
    "an enum's value in a variable": {"query": CHANGES, "variables": {"where": {"kind": "GRANTE"}}},
}


pytestmark = pytest.mark.usefixtures("with_our_key")


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server without introspection."""
    with served_at(f"sqlite:///{tmp_path_factory.mktemp('silent')}/rolecast.db", introspection=False) as served:
        yield served


@every
@pytest.mark.parametrize(
    "query",
    [
        get_introspection_query(),
        "{ __schema { queryType { name } } }",
        '{ __type(name: "User") { name } }',
        "{ ...F } fragment F on Query { s: __schema { types { name } } }",
        "mutation { __schema { queryType { name } } }",
        "subscription { __schema { queryType { name } } }",
    ],
    ids=lambda query: query.strip()[:40],
)
def test_the_schema_is_not_told(run: Run, query: str, silent: Served) -> None:
    (result,) = run(silent.url, {"query": query})
    assert "data" not in result
    assert {error["extensions"]["code"] for error in result["errors"]} == {"BAD_INPUT"}


@every
def test_clients_still_learn_the_types_of_what_they_asked_for(run: Run, silent: Served) -> None:
    (result,) = run(silent.url, {"query": "{ __typename viewer { __typename } }"})
    assert result == {"data": {"__typename": "Query", "viewer": {"__typename": "Viewer"}}}


@every
@pytest.mark.parametrize("request_", HINTED.values(), ids=HINTED)
def test_no_error_says_what_is_there_instead(run: Run, request_: Json, silent: Served) -> None:
    (result,) = run(silent.url, request_)
    assert result["errors"]
    assert "Did you mean" not in str(result)


@pytest.mark.parametrize("request_", HINTED.values(), ids=HINTED)
def test_a_server_that_tells_its_schema_helps(request_: Json, junk_server: Served) -> None:
    (result,) = TRANSPORTS["POST"](junk_server.url, request_)
    assert "Did you mean" in str(result)


# Of each request, the names that it did not say and that a sentence of graphql-core's has.
UNSAID: dict[str, tuple[Json, set[str]]] = {
    "a selection is missing": ({"query": "{ viewer }"}, {"Viewer"}),
    "an argument is missing": ({"query": "{ user { id } }"}, {"ID"}),
    "an argument of another type": ({"query": '{ users(organizationId: "x", first: "y") { totalCount } }'}, {"Int"}),
    "a value of no enum": ({"query": HINTED["an enum's value"]["query"]}, {"RoleChangeKind"}),
    "a variable of another type": ({"query": "query ($x: Boolean) { user(id: $x) { id } }"}, {"ID"}),
    "an input that lacks a field": (
        {"query": "mutation { createRole(input: {}) { cursor } }"},
        {"CreateRoleInput", "name"},
    ),
    "a variable that lacks a field": (
        {"query": "mutation ($i: CreateRoleInput!) { createRole(input: $i) { cursor } }", "variables": {"i": {}}},
        {"name"},
    ),
}


@every
@pytest.mark.parametrize(("request_", "names"), UNSAID.values(), ids=UNSAID)
def test_an_error_names_nothing_that_the_request_did_not(
    run: Run, request_: Json, names: set[str], silent: Served
) -> None:
    said = [error["message"] for result in run(silent.url, request_) for error in result.get("errors", ())]
    assert not {name for name in names for message in said if name in re.findall(r"\w+", message)}
    assert "Did you mean" not in str(said)


@pytest.mark.parametrize(("request_", "names"), UNSAID.values(), ids=UNSAID)
def test_where_the_schema_is_told_the_error_names_it(request_: Json, names: set[str], junk_server: Served) -> None:
    said = str(TRANSPORTS["POST"](junk_server.url, request_))
    assert names <= set(re.findall(r"\w+", said)), said
