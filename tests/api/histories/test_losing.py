"""Nobody keeps what they lost."""

from __future__ import annotations

from typing import Any

import pytest

from schema.commands import GrantRole, RevokeRole, SetCreator, SetDefaultRoles
from schema.kinds import Outcome, Turn
from tests.world import START, World

GRANTED, REVOKED, RETAINED = Turn.GRANTED, Turn.REVOKED, Turn.RETAINED


def test_leaving_a_group_ends_its_role(world: World) -> None:
    world.maps("eng", "deployer").joins("ada", "eng")
    assert world.roles("ada") == {"deployer"}
    world.joins("ada")
    assert world.roles("ada") == set()
    assert world.turns("ada") == [("deployer", GRANTED), ("deployer", REVOKED)]


def test_leaving_one_of_two_groups_keeps_the_role_both_give(world: World) -> None:
    world.maps("eng", "deployer").maps("ops", "deployer").joins("ada", "eng", "ops")
    world.joins("ada", "ops")
    assert world.roles("ada") == {"deployer"}
    assert world.turns("ada") == [("deployer", GRANTED), ("deployer", RETAINED)]


def test_moving_between_groups_of_one_role_keeps_it_and_when_it_began(world: World) -> None:
    world.maps("eng", "deployer").maps("ops", "deployer").joins("ada", "eng")
    began = world.one("SELECT since FROM grants")
    world.joins("ada", "ops")
    assert world.turns("ada") == [("deployer", GRANTED), ("deployer", RETAINED)]
    assert world.one("SELECT since FROM grants") == began


def test_a_role_lost_and_given_again_begins_anew(world: World) -> None:
    world.maps("eng", "deployer").joins("ada", "eng").joins("ada").joins("ada", "eng")
    assert world.one("SELECT since FROM grants") == world.changes()[-1][1]
    assert world.turns("ada") == [("deployer", GRANTED), ("deployer", REVOKED), ("deployer", GRANTED)]


def test_removing_a_mapping_ends_the_role_for_every_member(world: World) -> None:
    world.maps("eng", "deployer").joins("ada", "eng").joins("bob", "eng")
    world.unmaps("eng", "deployer")
    assert world.roles("ada") == world.roles("bob") == set()


def test_an_edited_mapping_takes_the_old_role_and_gives_the_new(world: World) -> None:
    world.role("viewer").maps("eng", "deployer").joins("ada", "eng")
    world.mappings(("eng", "viewer"))
    assert world.roles("ada") == {"viewer"}
    assert sorted(world.turns("ada")[1:]) == [("deployer", REVOKED), ("viewer", GRANTED)]


def test_a_mapping_moved_to_another_group_of_the_same_member_is_another_reason(world: World) -> None:
    world.group("ops").maps("eng", "deployer").joins("ada", "eng", "ops")
    world.mappings(("ops", "deployer"))
    assert world.turns("ada") == [("deployer", GRANTED), ("deployer", RETAINED)]
    assert '"group":"ops"' in world.changes()[-1][-1]


def test_a_deleted_group_ends_its_role_without_a_word_about_its_members(world: World) -> None:
    world.maps("eng", "deployer").joins("ada", "eng").loses_group("eng")
    assert world.roles("ada") == set()
    assert world.drift() == []


def test_a_group_that_comes_back_gives_its_members_their_role_again(world: World) -> None:
    world.maps("eng", "deployer").joins("ada", "eng").loses_group("eng").group("eng")
    assert world.roles("ada") == {"deployer"}
    world.loses_group("eng").joins("bob", "eng")
    assert world.roles("ada") == world.roles("bob") == {"deployer"}


def test_a_renamed_group_neither_gives_nor_takes(world: World) -> None:
    world.maps("eng", "deployer").joins("ada", "eng").renames("eng", "Platform")
    assert world.roles("ada") == {"deployer"}
    assert world.turns("ada") == [("deployer", GRANTED)]
    world.joins("ada")
    assert world.roles("ada") == set()


@pytest.mark.parametrize("roles", [{"roles": []}, {"roles": None}, {}])
def test_an_empty_a_null_and_an_absent_role_list_all_revoke(world: World, roles: dict[str, Any]) -> None:
    world.role("admin").asserts("ada", "admin")
    assert world.roles("ada") == {"admin"}
    world.send(world.event("organization.directory.user_updated", {"id": "ada"} | roles))
    assert world.roles("ada") == set()


@pytest.mark.parametrize("groups", [{"groups": []}, {"groups": None}, {}])
def test_an_empty_a_null_and_an_absent_group_list_all_revoke(world: World, groups: dict[str, Any]) -> None:
    world.maps("eng", "deployer").joins("ada", "eng")
    world.send(world.event("organization.directory.user_updated", {"id": "ada"} | groups))
    assert world.roles("ada") == set()


def test_every_asserted_role_counts_not_only_the_first(world: World) -> None:
    world.role("admin", "viewer").asserts("ada", "admin", "viewer")
    assert world.roles("ada") == {"admin", "viewer"}
    world.asserts("ada", "viewer")
    assert world.roles("ada") == {"viewer"}


def test_a_deactivated_user_holds_nothing_and_gets_all_back_when_active_again(world: World) -> None:
    world.role("admin").maps("eng", "deployer").joins("ada", "eng").grants("ada", "admin")
    world.deactivates("ada", "eng")
    assert world.roles("ada") == set()
    world.joins("ada", "eng")
    assert world.roles("ada") == {"admin", "deployer"}


def test_a_removed_user_holds_nothing_and_comes_back_with_their_hand_grants(world: World) -> None:
    world.role("admin").maps("eng", "deployer").joins("ada", "eng").grants("ada", "admin").leaves("ada")
    assert world.roles("ada") == set()
    world.joins("ada")
    assert world.roles("ada") == {"admin"}


def test_a_hand_grant_survives_every_sync(world: World) -> None:
    world.role("admin").maps("eng", "deployer").joins("ada", "eng").grants("ada", "admin")
    world.joins("ada").mappings().loses_group("eng").asserts("ada")
    assert world.roles("ada") == {"admin"}


def test_ending_a_hand_grant_leaves_what_the_directory_gives(world: World) -> None:
    world.maps("eng", "deployer").joins("ada", "eng").grants("ada", "deployer")
    world.send(world.command(RevokeRole(user_id="ada", role="deployer")))
    assert world.roles("ada") == {"deployer"}
    assert [turn for _, turn in world.turns("ada")] == [GRANTED, RETAINED, RETAINED]


def test_a_hand_grant_ends_with_its_time(world: World) -> None:
    world.role("admin").joins("ada")
    end = START + 10**12
    world.send(world.command(GrantRole(user_id="ada", role="admin", expires_at=end)))
    world.send(world.snapshot("ada"), clock=end - 1)
    assert world.roles("ada") == {"admin"}
    world.send(world.snapshot("ada"), clock=end)
    assert world.roles("ada") == set()
    left = world.tables()
    assert world.rebuilds().tables() == left


def test_a_deleted_role_is_held_by_nobody_until_it_is_registered_again(world: World) -> None:
    world.role("admin").maps("eng", "deployer").joins("ada", "eng").grants("ada", "admin")
    world.send(world.event("role.deleted", {"name": "deployer"}), world.event("role.deleted", {"name": "admin"}))
    assert world.roles("ada") == set()
    world.role("deployer", "admin")
    assert world.roles("ada") == {"admin", "deployer"}


def test_nobody_of_a_deleted_organization_holds_anything_until_it_is_described_again(world: World) -> None:
    world.maps("eng", "deployer").joins("ada", "eng")
    world.send(world.event("organization.deleted", {"id": world.organization}))
    assert world.roles("ada") == set()
    world.joins("ada", "eng").joins("bob", "eng").group("eng")
    assert world.roles("ada") == world.roles("bob") == set()
    world.send(world.event("organization.updated", {"id": world.organization}))
    assert world.roles("ada") == world.roles("bob") == {"deployer"}


def test_an_organization_deleted_before_anything_else_was_heard_of_it_stays_so(world: World) -> None:
    world.role("admin").send(world.event("organization.deleted", {"id": world.organization}))
    world.asserts("ada", "admin")
    assert world.roles("ada") == set()


def test_the_default_fills_in_only_where_nothing_else_is_held(world: World) -> None:
    world.role("member").maps("eng", "deployer").joins("ada", "eng").joins("bob")
    world.send(world.command(SetDefaultRoles(member="member"), None))
    assert (world.roles("ada"), world.roles("bob")) == ({"deployer"}, {"member"})
    world.joins("ada").joins("bob", "eng")
    assert (world.roles("ada"), world.roles("bob")) == ({"member"}, {"deployer"})
    world.send(world.command(SetDefaultRoles(member=None), None))
    assert world.roles("ada") == set()


def test_a_new_creator_takes_the_role_from_the_one_before(world: World) -> None:
    world.role("owner").joins("ada").joins("bob")
    world.send(world.command(SetDefaultRoles(creator="owner"), None))
    world.send(world.command(SetCreator(organization_id=world.organization, user_id="ada")))
    assert (world.roles("ada"), world.roles("bob")) == ({"owner"}, set())
    world.send(world.command(SetCreator(organization_id=world.organization, user_id="bob")))
    assert (world.roles("ada"), world.roles("bob")) == (set(), {"owner"})
    assert world.outcome() is Outcome.APPLIED
