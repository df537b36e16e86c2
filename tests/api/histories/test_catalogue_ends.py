"""Roles and permissions end, and what hung on a role goes on to its successor."""

from __future__ import annotations

import pytest

from schema.commands import (
    CreatePermission,
    CreateRole,
    DeletePermission,
    DeleteRole,
    GrantRole,
    SetDefaultRoles,
    UpdateRole,
)
from schema.problems import BadInput, Conflict, NotFound
from tests.world import World


def deletes(world: World, name: str, successor: str | None = None) -> None:
    world.send(world.command(DeleteRole(name=name, reassign_to=successor), None))


def extends(world: World, name: str) -> str | None:
    found: str | None = world.one("SELECT extends FROM roles WHERE name = :name", name=name)
    return found


def test_a_role_that_nothing_hangs_on_ends(world: World) -> None:
    world.role("editor")
    deletes(world, "editor")
    with pytest.raises(NotFound):
        world.maps("eng", "other").send(world.command(GrantRole(user_id="ada", role="editor")))


@pytest.mark.parametrize("use", ["held", "mapped", "by hand", "default", "extended"])
def test_a_role_in_use_does_not_end_without_a_successor_and_says_why(world: World, use: str) -> None:
    world.role("editor", "heir").joins("ada")
    if use == "held":
        world.asserts("ada", "editor")
    elif use == "mapped":
        world.maps("eng", "editor")
    elif use == "by hand":
        world.grants("ada", "editor")
    elif use == "default":
        world.send(world.command(SetDefaultRoles(creator="editor"), None))
    else:
        world.send(world.command(CreateRole(name="senior", extends="editor"), None))
    before = world.tables()
    with pytest.raises(Conflict, match="reassignTo"):
        deletes(world, "editor")
    assert world.tables() == before


def test_a_successor_takes_over_mappings_hand_grants_defaults_and_extensions(world: World) -> None:
    world.role("heir").maps("eng", "editor").joins("ada", "eng").joins("bob").joins("cleo")
    world.grants("bob", "editor")
    world.send(world.command(SetDefaultRoles(member="editor"), None))
    world.send(world.command(CreateRole(name="senior", extends="editor"), None))
    version = world.one("SELECT mappings_version FROM organizations WHERE id = :id", id=world.organization)
    deletes(world, "editor", "heir")
    assert [world.roles(user) for user in ("ada", "bob", "cleo")] == [{"heir"}] * 3
    assert extends(world, "senior") == "heir"
    assert world.one("SELECT mappings_version FROM organizations WHERE id = :id", id=world.organization) == version + 1
    assert world.drift() == []
    left = world.tables()
    assert world.rebuilds().tables() == left


def test_an_heir_that_extended_the_role_extends_what_that_extended(world: World) -> None:
    world.role("viewer")
    world.send(world.command(CreateRole(name="editor", extends="viewer"), None))
    world.send(world.command(CreateRole(name="heir", extends="editor"), None))
    deletes(world, "editor", "heir")
    assert extends(world, "heir") == "viewer"


def test_an_heir_that_extended_the_role_through_another_leaves_no_circle(world: World) -> None:
    world.role("viewer")
    for name, parent in (("editor", "viewer"), ("middle", "editor"), ("heir", "middle")):
        world.send(world.command(CreateRole(name=name, extends=parent), None))
    deletes(world, "editor", "heir")
    assert (extends(world, "heir"), extends(world, "middle")) == ("middle", "viewer")


def test_of_two_hand_grants_the_longer_stays(world: World) -> None:
    world.role("editor", "heir").joins("ada").joins("bob")
    end = 4_000_000_000_000_000_000
    world.grants("ada", "editor", note="for ever").grants("ada", "heir", expires_at=end)
    world.grants("bob", "editor", expires_at=end).grants("bob", "heir", expires_at=end + 1)
    deletes(world, "editor", "heir")
    kept = "SELECT expires_at FROM hand_grants h JOIN users u ON u.key = h.user_key WHERE u.id = :user"
    assert (world.one(kept, user="ada"), world.one(kept, user="bob")) == (None, end + 1)


def test_a_role_is_not_its_own_successor_and_a_successor_must_be_there(world: World) -> None:
    world.maps("eng", "editor")
    with pytest.raises(BadInput):
        deletes(world, "editor", "editor")
    with pytest.raises(NotFound):
        deletes(world, "editor", "nobody")
    with pytest.raises(NotFound):
        deletes(world, "nobody")


def test_a_permission_that_ended_and_came_back_is_in_no_role(world: World) -> None:
    world.send(world.command(CreatePermission(name="doc:read"), None))
    world.send(world.command(CreateRole(name="viewer", permissions=("doc:read",)), None))
    world.send(world.command(DeletePermission(name="doc:read"), None))
    with pytest.raises(NotFound):
        world.send(world.command(UpdateRole(name="viewer", permissions=("doc:read",)), None))
    world.send(world.command(CreatePermission(name="doc:read"), None))
    assert world.one("SELECT count(*) FROM role_permissions") == 0
    with pytest.raises(NotFound):
        world.send(world.command(DeletePermission(name="doc:write"), None))
