"""What an administrator gave can be taken back, whatever has become of the user or the role since."""

from __future__ import annotations

import pytest

from schema.commands import GrantRole, RevokeRole
from schema.problems import BadInput, NotFound
from tests.world import World


def test_a_removed_users_grant_ends_and_does_not_come_back_with_them(world: World) -> None:
    world.role("admin").joins("ada").grants("ada", "admin").leaves("ada")
    with pytest.raises(NotFound):
        world.grants("ada", "admin")
    world.send(world.command(RevokeRole(user_id="ada", role="admin")))
    world.joins("ada")
    assert world.roles("ada") == set()


def test_a_mapping_and_a_grant_of_a_removed_role_can_be_ended(world: World) -> None:
    world.maps("eng", "editor").maps("ops", "viewer").joins("ada", "eng", "ops").grants("ada", "editor")
    world.send(world.event("role.deleted", {"name": "editor"}))
    world.mappings(("eng", "editor"), ("ops", "viewer"))
    world.unmaps("eng", "editor")
    world.send(world.command(RevokeRole(user_id="ada", role="editor")))
    world.send(world.event("role.created", {"name": "editor"}))
    assert world.roles("ada") == {"viewer"}
    assert world.drift() == []


def test_a_note_has_a_length(world: World) -> None:
    world.role("admin").joins("ada")
    with pytest.raises(BadInput, match="note"):
        world.send(world.command(GrantRole(user_id="ada", role="admin", note="x" * 1001)))
