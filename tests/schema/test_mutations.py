from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from schema.graphql.context import Viewer, ViewerKind
from tests.schema.asker import ROOT, Asker, as_user, ask, coded, of
from tests.schema.company import another, company
from tests.world import World

PORTAL = Viewer(kind=ViewerKind.PORTAL, actor="portal:1", may_write=True, organization_id="org_acme")
WRITER = of("org_acme", may_write=True)
STRANGER = of("org_other", may_write=True)

SET_MAPPINGS = """mutation($input: SetMappingsInput!) { setMappings(input: $input) {
    version granted revoked cursor mappings { group { id } role { name } createdBy } event { type source actor } } }"""
MAP = 'mutation { mapGroup(groupId: "eng", role: "viewer") { version granted event { type changes { userId } } } }'
UNMAP = 'mutation { unmapGroup(groupId: "eng", role: "admin") { revoked mappings { role { name } } } }'
GRANT = """mutation { grantRole(userId: "ada", role: "viewer", note: "why", expiresAt: "2030-01-01T00:00:00Z") {
    cursor event { type }
    user { roles { role { name } reasons { ... on ManualGrant { actor note expiresAt } } } } } }"""
REVOKE = 'mutation { revokeRole(userId: "ada", role: "viewer") { user { roles { role { name } } } } }'
CREATOR = 'mutation { setCreator(organizationId: "org_acme", userId: "ada") { id creator { id } } }'
CREATE_ROLE = """mutation($input: CreateRoleInput!) { createRole(input: $input) {
    cursor event { id } role { name displayName organization { id } priority protected permissions { name } } } }"""
UPDATE_ROLE = """mutation($input: UpdateRoleInput!) { updateRole(input: $input) { role {
    displayName description priority extends { name } permissions { name } } } }"""
CREATE_PERMISSION = 'mutation { createPermission(name: "c:do", description: "Do.") { name description } }'
DEFAULTS = "mutation($input: DefaultRolesInput!) { setDefaultRoles(input: $input) { name defaultFor } }"


@pytest.fixture
def two(world: World) -> World:
    company(world).joins("ada", "eng")
    another(world)
    return world


def running(world: World, work: Callable[[Asker], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with Asker(world.database).running() as asker:
            return await work(asker)

    return asyncio.run(run())


def do(world: World, query: str, viewer: Viewer = WRITER, **variables: Any) -> Any:
    return running(world, lambda asker: asker.ask(query, viewer, **variables))


def refused(world: World, query: str, viewer: Viewer = WRITER, **variables: Any) -> tuple[str, str]:
    return coded(running(world, lambda asker: asker.answer(query, viewer, **variables)))


def test_mappings_are_set_at_once_and_the_answer_tells_what_that_did(two: World) -> None:
    pairs = [{"groupId": "eng", "role": "viewer"}, {"groupId": "ops", "role": "viewer"}]
    given = {"organizationId": "org_acme", "mappings": pairs, "expectedVersion": 2}
    payload = do(two, SET_MAPPINGS, input=given)["setMappings"]
    assert (payload["version"], payload["granted"], payload["revoked"]) == (3, 1, 1)
    assert sorted((each["group"]["id"], each["role"]["name"]) for each in payload["mappings"]) == [
        ("eng", "viewer"),
        ("ops", "viewer"),
    ]
    assert payload["event"] == {"type": "admin.set_mappings", "source": "ADMIN", "actor": "key:own"}
    head = ask(two.database, '{ organization(id: "org_acme") { head } }')["organization"]["head"]
    assert payload["cursor"] == head
    assert refused(two, SET_MAPPINGS, input=given)[0] == "CONFLICT"


def test_a_group_is_mapped_and_unmapped(two: World) -> None:
    mapped = do(two, MAP)["mapGroup"]
    assert mapped == {
        "version": 3,
        "granted": 1,
        "event": {"type": "admin.map_group", "changes": [{"userId": "ada"}]},
    }
    assert do(two, UNMAP)["unmapGroup"]["revoked"] == 1
    assert two.roles("ada") == {"viewer"}


def test_a_role_is_granted_and_revoked_by_hand(two: World) -> None:
    payload = do(two, GRANT)["grantRole"]
    assert payload["event"] == {"type": "admin.grant_role"}
    by_hand = {"actor": "key:own", "note": "why", "expiresAt": "2030-01-01T00:00:00Z"}
    assert payload["user"]["roles"][1] == {"role": {"name": "viewer"}, "reasons": [by_hand]}
    assert do(two, REVOKE)["revokeRole"]["user"]["roles"] == [{"role": {"name": "admin"}}]


def test_a_role_is_registered_and_changed_field_by_field(two: World) -> None:
    given = {"name": "local", "organizationId": "org_acme", "displayName": "Local", "permissions": ["a:read"]}
    role = do(two, CREATE_ROLE, input=given)["createRole"]["role"]
    assert role == {
        "name": "local",
        "displayName": "Local",
        "organization": {"id": "org_acme"},
        "priority": 100,
        "protected": False,
        "permissions": [{"name": "a:read"}],
    }
    own = {"name": "local", "organizationId": "org_acme"}
    role = do(two, UPDATE_ROLE, input={**own, "description": "Here.", "extends": "viewer"})["updateRole"]["role"]
    assert (role["displayName"], role["description"], role["extends"]) == ("Local", "Here.", {"name": "viewer"})
    assert role["permissions"] == [{"name": "a:read"}]
    role = do(two, UPDATE_ROLE, input={**own, "displayName": None, "permissions": []})["updateRole"]["role"]
    assert (role["displayName"], role["permissions"], role["description"]) == ("local", [], "Here.")
    for name in ("priority", "permissions", "protected"):
        assert refused(two, UPDATE_ROLE, input={**own, name: None})[0] == "BAD_INPUT"


def test_the_environments_catalogue_needs_an_environment_wide_key(two: World) -> None:
    cases: list[tuple[str, dict[str, Any]]] = [
        (CREATE_ROLE, {"input": {"name": "new"}}),
        (UPDATE_ROLE, {"input": {"name": "viewer", "description": "x"}}),
        (CREATE_PERMISSION, {}),
        (DEFAULTS, {"input": {"member": "viewer"}}),
    ]
    for query, variables in cases:
        assert refused(two, query, **variables)[0] == "FORBIDDEN"
        assert do(two, query, ROOT, **variables)


def test_defaults_are_set_for_the_environment_or_one_organization(two: World) -> None:
    given = do(two, DEFAULTS, ROOT, input={"member": "viewer", "creator": "admin"})["setDefaultRoles"]
    assert given == [{"name": "viewer", "defaultFor": ["MEMBER"]}, {"name": "admin", "defaultFor": ["CREATOR"]}]
    own = do(two, DEFAULTS, input={"organizationId": "org_acme", "member": "admin"})["setDefaultRoles"]
    assert own == [{"name": "admin", "defaultFor": ["MEMBER", "CREATOR"]}]
    assert do(two, CREATOR)["setCreator"] == {"id": "org_acme", "creator": {"id": "ada"}}
    foreign = CREATOR.replace("ada", "eve")
    assert refused(two, foreign) == refused(two, foreign, ROOT) == ("NOT_FOUND", "no such user")


EDITS: list[tuple[str, dict[str, Any]]] = [
    (SET_MAPPINGS, {"input": {"organizationId": "org_acme", "mappings": []}}),
    (MAP, {}),
    (UNMAP, {}),
    (GRANT, {}),
    (REVOKE, {}),
    (CREATOR, {}),
    (CREATE_ROLE, {"input": {"name": "mine", "organizationId": "org_acme"}}),
    (UPDATE_ROLE, {"input": {"name": "mine", "organizationId": "org_acme"}}),
    (DEFAULTS, {"input": {"organizationId": "org_acme", "member": "viewer"}}),
]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("query", "variables"), EDITS)
def test_an_edit_is_for_those_who_may_write_in_that_organization(
    two: World, query: str, variables: dict[str, Any]
) -> None:
    before = two.tables()
    assert refused(two, query, of("org_acme"), **variables)[0] == "FORBIDDEN"
    assert refused(two, query, as_user("ada"), **variables)[0] == "FORBIDDEN"
    assert refused(two, query, STRANGER, **variables)[0] == "NOT_FOUND"
    if query not in (SET_MAPPINGS, MAP, UNMAP):
        assert refused(two, query, PORTAL, **variables)[0] == "FORBIDDEN"
    assert two.tables() == before


def test_text_that_the_journal_cannot_keep_is_refused(two: World) -> None:
    query = 'mutation($note: String!) { grantRole(userId: "ada", role: "viewer", note: $note) { cursor } }'
    for note in ("\0", "a\0b", "\ud800"):
        assert refused(two, query, note=note)[0] == "BAD_INPUT"
    assert do(two, query, note="a backslash and u: \\u0000")


def test_a_portal_edits_mappings(two: World) -> None:
    assert do(two, MAP, PORTAL)["mapGroup"]["granted"] == 1
    assert do(two, UNMAP, PORTAL)["unmapGroup"]["revoked"] == 1


def test_an_organization_cannot_map_another_ones_group(two: World) -> None:
    given = {"organizationId": "org_acme", "mappings": [{"groupId": "their_group", "role": "viewer"}]}
    assert refused(two, SET_MAPPINGS, input=given)[0] == "NOT_FOUND"
    assert refused(two, MAP.replace("eng", "their_group")) == refused(two, MAP.replace("eng", "none"))
