from __future__ import annotations

from typing import Any

import pytest

from schema.graphql.context import Viewer, ViewerKind
from tests.schema.asker import as_user, ask, of, refusal
from tests.schema.company import EVERYTHING, another, company
from tests.world import World

OTHER = of("org_other")
PORTAL = Viewer(kind=ViewerKind.PORTAL, actor="portal:1", may_write=True, organization_id="org_acme")

SINGLE = {
    "user": '{ found: user(id: "ada") { id } }',
    "group": '{ found: group(id: "eng") { id } }',
    "organization": '{ found: organization(id: "org_acme") { id } }',
    "event": '{ found: event(id: "evt_000007") { id } }',
}
LISTS = {
    "users": '{ users(organizationId: "org_acme") { totalCount } }',
    "groups": '{ groups(organizationId: "org_acme") { totalCount } }',
    "mappings": '{ mappings(organizationId: "org_acme") { id } }',
    "changes": '{ changes(organizationId: "org_acme") { totalCount } }',
    "events": '{ events(organizationId: "org_acme") { totalCount } }',
    "roles": '{ roles(organizationId: "org_acme") { name } }',
    "role": '{ role(name: "admin", organizationId: "org_acme") { name } }',
}


@pytest.fixture
def two(world: World) -> World:
    company(world).joins("ada", "eng").joins("bea", "eng")
    another(world)
    return world


@pytest.mark.parametrize("name", SINGLE)
def test_another_organizations_object_is_null_as_one_that_does_not_exist(two: World, name: str) -> None:
    assert ask(two.database, SINGLE[name])["found"] is not None
    assert ask(two.database, SINGLE[name], of("org_acme"))["found"] is not None
    assert ask(two.database, SINGLE[name], OTHER) == {"found": None}
    assert ask(two.database, SINGLE[name], as_user("eve", "org_other")) == {"found": None}


@pytest.mark.parametrize("name", LISTS)
def test_another_organizations_list_is_refused_in_the_words_for_one_that_does_not_exist(two: World, name: str) -> None:
    assert ask(two.database, LISTS[name], of("org_acme"))
    foreign = refusal(two.database, LISTS[name], OTHER)
    missing = refusal(two.database, LISTS[name].replace("org_acme", "org_none"))
    assert foreign == missing == ("NOT_FOUND", "no such organization")


def test_a_nested_user_of_another_organization_is_null(two: World) -> None:
    query = '{ organization(id: "org_other") { user(id: "ada") { id } } }'
    assert ask(two.database, query) == {"organization": {"user": None}}
    assert ask(two.database, query.replace("ada", "eve")) == {"organization": {"user": {"id": "eve"}}}


def test_filters_do_not_reach_into_another_organization(two: World) -> None:
    users = (
        'query($where: UserFilter) { users(organizationId: "org_other", where: $where) { totalCount nodes { id } } }'
    )
    nobody = {"users": {"totalCount": 0, "nodes": []}}
    assert ask(two.database, users, OTHER, where={"groupId": "eng"}) == nobody
    changes = '{ changes(organizationId: "org_other", where: {userId: "ada"}) { totalCount nodes { roleName } } }'
    assert ask(two.database, changes, OTHER) == {"changes": {"totalCount": 0, "nodes": []}}


def test_everything_at_once_needs_an_environment_wide_key(two: World) -> None:
    for query in ("{ organizations { totalCount } }", "{ events { totalCount } }"):
        assert ask(two.database, query)
        for viewer in (OTHER, PORTAL, as_user("ada")):
            assert refusal(two.database, query, viewer)[0] == "FORBIDDEN"


def test_an_event_of_the_environment_shows_an_organization_its_own_changes_only(two: World) -> None:
    two.send(two.event("role.deleted", {"name": "viewer"}))
    query = (
        '{ changes(organizationId: "org_other", where: {kind: REVOKED}) { nodes { event { id changes { userId } } } } }'
    )
    (change,) = ask(two.database, query, OTHER)["changes"]["nodes"]
    assert change["event"]["changes"] == [{"userId": "eve"}]
    event = f'{{ event(id: "{change["event"]["id"]}") {{ changes {{ userId }} }} }}'
    assert ask(two.database, event, OTHER) == {"event": None}
    assert ask(two.database, event) == {"event": {"changes": [{"userId": "eve"}]}}


MINE = """{ viewer { kind mayWrite user { id } organization { id } }
    user(id: "ada") { roles { role { name } reasons { ... on MappedGroup { group { id } } } } groups { displayName }
      organization { displayName roles { name } user(id: "ada") { id } }
      changes { nodes { event { type actor } } } } }"""


def test_a_user_sees_themselves_their_changes_and_the_catalogue(two: World) -> None:
    found = ask(two.database, MINE, as_user("ada"))
    assert found["viewer"] == {
        "kind": "USER",
        "mayWrite": False,
        "user": {"id": "ada"},
        "organization": {"id": "org_acme"},
    }
    assert found["user"]["roles"][0]["role"] == {"name": "admin"}
    assert len(found["user"]["changes"]["nodes"]) == 1
    assert ask(two.database, "{ roles { name } permissions { name } }", as_user("ada"))["permissions"]


@pytest.mark.parametrize(
    "hidden",
    [
        "organization { users { totalCount } }",
        "organization { groups { totalCount } }",
        "organization { changes { totalCount } }",
        "organization { mappings { id } }",
        "organization { creator { id } }",
        "organization { directories { id } }",
        "groups { members { totalCount } }",
        "groups { memberCount }",
        "groups { mappings { id } }",
        "changes { nodes { event { payload } } }",
    ],
)
def test_a_user_does_not_see_others_through_themselves(two: World, hidden: str) -> None:
    assert refusal(two.database, f'{{ user(id: "ada") {{ {hidden} }} }}', as_user("ada"))[0] == "FORBIDDEN"


def test_a_user_sees_of_a_shared_event_their_own_part(two: World) -> None:
    two.unmaps("eng", "admin")
    query = '{ user(id: "ada") { changes { nodes { kind event { changes { userId } } } } } }'
    revoked = ask(two.database, query, as_user("ada"))["user"]["changes"]["nodes"][1]
    assert revoked == {"kind": "REVOKED", "event": {"changes": [{"userId": "ada"}]}}
    everything = ask(two.database, query)["user"]["changes"]["nodes"][1]
    assert [change["userId"] for change in everything["event"]["changes"]] == ["ada", "bea"]


def test_no_user_sees_another(two: World) -> None:
    assert ask(two.database, '{ user(id: "bea") { id } }', as_user("ada")) == {"user": None}
    nested = '{ user(id: "ada") { organization { user(id: "bea") { id } } } }'
    assert ask(two.database, nested, as_user("ada")) == {"user": {"organization": {"user": None}}}
    for query in (*SINGLE.values(),):
        if "user" not in query:
            assert ask(two.database, query, as_user("ada")) == {"found": None}
    for name in ("users", "groups", "mappings", "changes", "events"):
        for organization in ("org_acme", "org_other", "org_none"):
            query = LISTS[name].replace("org_acme", organization)
            words = "FORBIDDEN", "this credential shows its own user only"
            assert refusal(two.database, query, as_user("ada")) == words


def test_a_viewer_without_an_organization_is_not_thereby_everywhere(two: World) -> None:
    for kind in (ViewerKind.USER, ViewerKind.PORTAL):
        nobody: Any = Viewer(kind=kind, actor="?", may_write=False)
        assert ask(two.database, SINGLE["group"], nobody) == {"found": None}
        assert ask(two.database, EVERYTHING, nobody, id="ada") == {"user": None}
