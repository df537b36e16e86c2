"""Two organizations of one shape, Apple and Zebra, whose rows lie between each other's; whatever is Zebra's says so."""

from __future__ import annotations

from typing import Any

from schema.commands import CreateApiKey, CreateRole, GrantRole, MapGroup, SetCreator
from schema.graphql.context import Viewer, ViewerKind
from tests.schema.asker import as_user, of
from tests.world import World

APPLE = {
    "a key": of("org_apple", may_write=True),
    "a portal": Viewer(ViewerKind.PORTAL, "portal:apple", may_write=True, organization_id="org_apple"),
    "a user": as_user("apple_ann", "org_apple"),
}


def twins(world: World) -> tuple[World, World]:
    """Apple and Zebra, with everything an organization can have, told step by step in turn."""
    for name in ("viewer", "admin"):
        world.send(world.command(CreateRole(name=name), None))
    both = World(world.database, "org_apple"), World(world.database, "org_zebra")
    for each, start in zip(both, (1_000, 2_000), strict=True):
        each.seconds = start
    for step in range(len(_steps(both[0]))):
        for each in both:
            each.send(_steps(each)[step])
    return both


def fruit(world: World) -> str:
    """What every name of the organization begins with."""
    return world.organization.removeprefix("org_")


def _steps(world: World) -> list[Any]:
    name, home = fruit(world), world.organization
    engineers, operators, own, heir = f"{name}_eng", f"{name}_ops", f"{name}_own", f"{name}_heir"
    described = {"directory_type": "SCIM", "provider": f"{name}_idp", "enabled": True, "organization_id": home}
    return [
        world.event("organization.created", {"id": home, "display_name": name.title()}),
        world.event("organization.directory_enabled", {"id": f"dir_{name}", **described}),
        world.event("organization.directory.group_created", {"id": engineers, "display_name": engineers}),
        world.event("organization.directory.group_created", {"id": operators, "display_name": operators}),
        world.command(CreateRole(name=own, organization_id=home, extends="viewer")),
        world.command(CreateRole(name=heir, organization_id=home)),
        world.command(CreateRole(name="shared", organization_id=home, display_name=f"{name}'s")),
        world.command(MapGroup(group_id=engineers, role="admin")),
        world.command(MapGroup(group_id=operators, role=own)),
        world.snapshot(f"{name}_ann", engineers, roles=[f"{name}_unheard"], name=f"{name} Ann"),
        world.snapshot(f"{name}_bob", engineers, operators),
        world.snapshot(f"{name}_cleo", operators, roles=["shared"]),
        world.snapshot(f"{name}_idle"),
        world.command(GrantRole(user_id=f"{name}_ann", role="viewer", note=f"for {name}")),
        world.command(SetCreator(organization_id=home, user_id=f"{name}_ann")),
        world.command(CreateApiKey(name=f"{name}'s", organization_id=home, write=False, hash=f"hash of {name}")),
    ]
