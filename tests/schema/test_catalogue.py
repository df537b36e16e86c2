from __future__ import annotations

import asyncio
from typing import Any

from schema.commands import CreatePermission, CreateRole, SetDefaultRoles, UpdateRole
from schema.queries.catalogue import CatalogueCache
from schema.sql import Statement
from tests.schema.asker import ROOT, SCHEMA, Asker, ask, of, statements
from tests.schema.company import another, company
from tests.world import World

ROLES = """query($organization: ID) { roles(organizationId: $organization) {
    name displayName priority organization { id } permissions { name } allPermissions { name } defaultFor } }"""


def names(world: World, organization: str | None = None) -> list[str]:
    return [role["name"] for role in ask(world.database, ROLES, organization=organization)["roles"]]


def test_the_catalogue_is_ordered_by_priority_then_name(world: World) -> None:
    for name, priority in (("zed", 1), ("bob", 5), ("amy", 5)):
        world.send(world.command(CreateRole(name=name, priority=priority), None))
    world.role("last")
    assert names(world) == ["zed", "amy", "bob", "last"]


def test_an_organizations_own_roles_are_for_its_eyes_only_and_come_before_the_environments(world: World) -> None:
    company(world)
    another(world)
    world.send(world.command(CreateRole(name="local", organization_id="org_acme")))
    world.send(world.command(CreateRole(name="audit", display_name="Ours", organization_id="org_acme")))
    world.send(world.event("role.created", {"name": "audit"}))
    assert names(world) == names(world, "org_other") == ["admin", "viewer", "audit"]
    assert names(world, "org_acme") == ["admin", "viewer", "audit", "audit", "local"]
    query = '{ role(name: "audit", organizationId: "org_acme") { displayName organization { id } } }'
    ours = {"displayName": "Ours", "organization": {"id": "org_acme"}}
    assert ask(world.database, query, of("org_acme")) == {"role": ours}
    theirs = ask(world.database, query.replace("acme", "other"), of("org_other"))
    assert theirs == {"role": {"displayName": "audit", "organization": None}}


def test_permissions_follow_extends_and_a_circle_ends(world: World) -> None:
    company(world)
    world.send(world.event("role.updated", {"name": "viewer", "extends": "admin"}))
    roles = {role["name"]: role for role in ask(world.database, ROLES)["roles"]}
    both = [{"name": "a:read"}, {"name": "b:write"}]
    assert roles["admin"]["allPermissions"] == roles["viewer"]["allPermissions"] == both
    deep = '{ role(name: "admin") { extends { name extends { name extends { name } } } } }'
    found = ask(world.database, deep)["role"]
    assert found == {"extends": {"name": "viewer", "extends": {"name": "admin", "extends": {"name": "viewer"}}}}


def test_a_deleted_permission_is_allowed_by_nobody(world: World) -> None:
    company(world).joins("ada", "eng")
    world.send(world.event("permission.deleted", {"name": "b:write"}))
    query = """{ permissions { name } user(id: "ada") { permissions { name } }
        role(name: "admin") { permissions { name } } }"""
    assert ask(world.database, query) == {
        "permissions": [{"name": "a:read"}],
        "user": {"permissions": [{"name": "a:read"}]},
        "role": {"permissions": []},
    }


def test_a_deleted_role_keeps_its_name_in_history_and_is_nowhere_else(world: World) -> None:
    company(world).joins("ada", "eng")
    world.send(world.event("role.deleted", {"name": "admin"}))
    assert names(world) == ["viewer"]
    query = """{ role(name: "admin") { name } user(id: "ada") { roles { since } changes { nodes {
        kind roleName role { name } } } } }"""
    found = ask(world.database, query)
    assert (found["role"], found["user"]["roles"]) == (None, [])
    assert [(change["kind"], change["roleName"], change["role"]) for change in found["user"]["changes"]["nodes"]] == [
        ("GRANTED", "admin", None),
        ("REVOKED", "admin", None),
    ]
    log = '{ changes(organizationId: "org_acme", where: {role: "admin"}) { totalCount } }'
    assert ask(world.database, log) == {"changes": {"totalCount": 2}}


def test_an_organizations_own_member_role_is_its_default_and_the_environments_is_not(world: World) -> None:
    company(world)
    another(world)
    world.send(world.command(SetDefaultRoles(member="viewer", creator="admin"), None))
    world.send(world.command(SetDefaultRoles(organization_id="org_acme", member="admin")))

    def defaults(organization: str | None) -> dict[str, list[str]]:
        found: Any = ask(world.database, ROLES, organization=organization)["roles"]
        return {role["name"]: role["defaultFor"] for role in found}

    assert defaults(None) == defaults("org_other") == {"admin": ["CREATOR"], "viewer": ["MEMBER"]}
    assert defaults("org_acme") == {"admin": ["MEMBER", "CREATOR"], "viewer": []}


def test_the_catalogue_is_read_once_until_somebody_changes_it(world: World) -> None:
    company(world)
    cache = CatalogueCache()
    with statements() as found:
        first = world.database.read_now(cache.of)
        assert world.database.read_now(cache.of) is first
    assert len(found) == 6
    world.joins("ada", "eng")
    assert world.database.read_now(cache.of) is first
    for command in (
        CreatePermission(name="c"),
        CreateRole(name="c"),
        UpdateRole(name="c", permissions=("c",)),
        SetDefaultRoles(member="c"),
    ):
        before = world.database.read_now(cache.of)
        world.send(world.command(command, None))
        assert world.database.read_now(cache.of) is not before, command


def test_a_new_log_is_a_new_catalogue_whatever_its_version(world: World) -> None:
    cache = CatalogueCache()
    first = world.database.read_now(cache.of)
    world.database.write_now(lambda session: Statement("UPDATE log SET id = 'ffffffff'").run(session))
    assert world.database.read_now(cache.of) is not first


def test_a_process_shares_the_catalogue_between_requests(world: World) -> None:
    company(world)
    asker, cache = Asker(world.database), CatalogueCache()

    async def run() -> None:
        for _ in range(3):
            context = asker.context(ROOT)
            context.catalogue = cache
            await SCHEMA.execute("{ roles { name allPermissions { name } } }", context_value=context)

    with statements() as found:
        asyncio.run(run())
    assert len(found) == 3 + 4
