from __future__ import annotations

import json
from typing import Any

import pytest

from schema.commands import CreateRole, SetDefaultRoles
from schema.events import from_webhook
from schema.graphql.context import Viewer
from tests.schema.asker import ROOT, as_user, of
from tests.schema.company import another, company
from tests.schema.test_mutations import PORTAL, STRANGER, WRITER, do, refused
from tests.world import World

DELETE_ROLE = """mutation($name: String!, $organization: ID, $heir: String) {
    deleteRole(name: $name, organizationId: $organization, reassignTo: $heir) {
        cursor role { name } event { id type source actor outcome changes { userId roleName kind } } } }"""
DELETE_PERMISSION = "mutation($name: String!) { deletePermission(name: $name) { name description } }"
REPLAY = """mutation($id: ID!) { replayEvent(id: $id) {
    id type source actor outcome problem payload organization { id } changes { userId roleName kind } } }"""


@pytest.fixture
def two(world: World) -> World:
    company(world).joins("ada", "eng")
    another(world)
    return world


def own(world: World, name: str) -> World:
    return world.send(world.command(CreateRole(name=name, organization_id="org_acme"), "org_acme"))


def rejected(world: World) -> str:
    """A snapshot of one organization's user who is another's: recorded, and of no effect."""
    world.send(world.snapshot("eve", "eng"))
    return world.receipts[-1].event


def replayed(world: World, id: str, viewer: Viewer = WRITER) -> Any:
    return do(world, REPLAY, viewer, id=id)["replayEvent"]


# ---- roles


def test_a_role_that_nothing_hangs_on_ends(two: World) -> None:
    own(two, "local")
    payload = do(two, DELETE_ROLE, name="local", organization="org_acme")["deleteRole"]
    assert payload["role"] is None
    event = payload["event"]
    assert (event["type"], event["source"], event["actor"]) == ("admin.delete_role", "ADMIN", "key:own")
    assert (event["outcome"], event["changes"]) == ("APPLIED", [])
    assert refused(two, DELETE_ROLE, name="local", organization="org_acme")[0] == "NOT_FOUND"


def test_a_successor_takes_over_and_the_answer_tells_whose_roles_turned(two: World) -> None:
    payload = do(two, DELETE_ROLE, ROOT, name="admin", heir="viewer")["deleteRole"]
    assert payload["role"] is None
    assert payload["event"]["changes"] == [
        {"userId": "ada", "roleName": "viewer", "kind": "GRANTED"},
        {"userId": "ada", "roleName": "admin", "kind": "REVOKED"},
    ]
    head = do(two, '{ organization(id: "org_acme") { head } }')["organization"]["head"]
    assert payload["cursor"] == head
    mappings = do(two, '{ mappings(organizationId: "org_acme") { group { id } role { name } } }')["mappings"]
    assert sorted((each["group"]["id"], each["role"]["name"]) for each in mappings) == [
        ("eng", "viewer"),
        ("ops", "viewer"),
    ]


def test_a_role_in_use_is_a_conflict_that_says_what_hangs_on_it(two: World) -> None:
    two.grants("ada", "viewer")
    two.send(two.command(SetDefaultRoles(creator="viewer"), None))
    before = two.tables()
    code, words = refused(two, DELETE_ROLE, ROOT, name="viewer")
    assert code == "CONFLICT"
    for use in ("held by 2", "mapped from 2", "granted by hand to 1", "a default role", "extended by admin"):
        assert use in words
    assert "reassignTo" in words
    assert two.tables() == before


def test_a_successor_must_be_there_and_another(two: World) -> None:
    assert refused(two, DELETE_ROLE, ROOT, name="admin", heir="nobody")[0] == "NOT_FOUND"
    assert refused(two, DELETE_ROLE, ROOT, name="admin", heir="admin")[0] == "BAD_INPUT"
    assert refused(two, DELETE_ROLE, ROOT, name="nobody")[0] == "NOT_FOUND"
    own(two, "local")
    assert refused(two, DELETE_ROLE, ROOT, name="admin", heir="local")[0] == "NOT_FOUND"  # one organization's only


def test_an_ended_role_of_an_organization_is_not_answered_with_the_environments_of_its_name(two: World) -> None:
    own(two, "local").send(two.command(CreateRole(name="local"), None))
    assert do(two, DELETE_ROLE, name="local", organization="org_acme")["deleteRole"]["role"] is None
    assert do(two, '{ role(name: "local", organizationId: "org_acme") { organization { id } } }')["role"] == {
        "organization": None
    }


# ---- permissions


def test_a_permission_ends_and_is_taken_from_every_role(two: World) -> None:
    assert do(two, DELETE_PERMISSION, ROOT, name="a:read")["deletePermission"] == {
        "name": "a:read",
        "description": None,
    }
    roles = do(two, "{ permissions { name } roles { name allPermissions { name } } }", ROOT)
    assert roles["permissions"] == [{"name": "b:write"}]
    assert roles["roles"] == [
        {"name": "admin", "allPermissions": [{"name": "b:write"}]},
        {"name": "viewer", "allPermissions": []},
    ]
    assert refused(two, DELETE_PERMISSION, ROOT, name="a:read")[0] == "NOT_FOUND"


# ---- replay


def test_a_replay_is_answered_with_its_own_entry_and_the_replays_outcome(two: World) -> None:
    id = rejected(two)
    event = replayed(two, id)
    assert event["id"] != id
    assert (event["type"], event["source"], event["actor"]) == ("admin.replay_event", "ADMIN", "key:own")
    assert (event["outcome"], bool(event["problem"]), event["changes"]) == ("REJECTED", True, [])
    assert (event["payload"]["event_id"], event["organization"]) == (id, {"id": "org_acme"})


def test_a_replay_of_what_is_understood_by_now_takes_effect(two: World) -> None:
    event = two.snapshot("bob", "ops")
    missed = from_webhook(event.id, json.dumps({**json.loads(event.payload), "data": 7}).encode())
    two.send(type(event)(**{name: getattr(event, name) for name in event.__struct_fields__} | {"body": missed.body}))
    assert two.roles("bob") == set()
    answer = replayed(two, event.id)
    assert answer["outcome"] == "APPLIED"
    assert answer["changes"] == [{"userId": "bob", "roleName": "viewer", "kind": "GRANTED"}]
    assert replayed(two, event.id)["outcome"] == "SUPERSEDED"
    assert two.roles("bob") == {"viewer"}
    first = do(two, "query($id: ID!) { event(id: $id) { outcome } }", id=event.id)
    assert first["event"] == {"outcome": "REJECTED"}  # the journal is not written over


def test_what_is_no_directory_event_in_sight_is_not_replayed(two: World) -> None:
    before = two.tables()
    other = "SELECT key FROM organizations WHERE id = 'org_other'"
    theirs = two.one(f"SELECT id FROM journal WHERE source = :webhook AND organization_key = ({other})", webhook=1)
    assert theirs is not None
    assert refused(two, REPLAY, id=theirs) == refused(two, REPLAY, id="evt_none") == ("NOT_FOUND", "no such event")
    command = two.one("SELECT id FROM journal WHERE type = 'admin.map_group' ORDER BY position LIMIT 1")
    assert refused(two, REPLAY, id=command)[0] == "BAD_INPUT"
    assert two.tables() == before


# ---- who may


ENDINGS: list[tuple[str, dict[str, Any]]] = [
    (DELETE_ROLE, {"name": "local", "organization": "org_acme"}),
    (DELETE_PERMISSION, {"name": "a:read"}),
    (REPLAY, {}),
]


@pytest.mark.parametrize(("query", "variables"), ENDINGS)
def test_an_ending_is_for_those_who_may_write(two: World, query: str, variables: dict[str, Any]) -> None:
    own(two, "local")
    if query == REPLAY:
        variables = {"id": rejected(two)}
    before = two.tables()
    for viewer in (of("org_acme"), as_user("ada"), PORTAL):
        assert refused(two, query, viewer, **variables)[0] == "FORBIDDEN"
    assert refused(two, query, STRANGER, **variables)[0] == ("FORBIDDEN" if query == DELETE_PERMISSION else "NOT_FOUND")
    assert two.tables() == before


def test_what_is_the_environments_ends_by_an_environment_wide_key(two: World) -> None:
    before = two.tables()
    assert refused(two, DELETE_ROLE, name="admin", heir="viewer")[0] == "FORBIDDEN"
    assert refused(two, DELETE_PERMISSION, name="a:read")[0] == "FORBIDDEN"
    assert refused(two, DELETE_PERMISSION, name="none")[0] == "FORBIDDEN"
    assert two.tables() == before
