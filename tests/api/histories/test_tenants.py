"""Nothing crosses organizations but the environment's catalogue."""

from __future__ import annotations

import pytest

from schema.commands import CreateRole, GrantRole, MapGroup, SetDefaultRoles, SetMappings
from schema.events import Event
from schema.kinds import Outcome
from schema.problems import BadInput, NotFound
from tests.world import World


def test_a_default_is_given_in_its_own_organization_only(world: World) -> None:
    world.role("guest", "member").joins("ada")
    world.send(world.snapshot("bea", organization="org_beta"))
    world.send(world.command(SetDefaultRoles(organization_id="org_acme", member="guest")))
    assert (world.roles("ada"), world.roles("bea")) == ({"guest"}, set())
    world.send(world.command(SetDefaultRoles(member="member"), None))
    assert (world.roles("ada"), world.roles("bea")) == ({"guest"}, {"member"})
    world.send(world.command(SetDefaultRoles(organization_id="org_acme", member=None)))
    assert (world.roles("ada"), world.roles("bea")) == ({"member"}, {"member"})


def test_an_organization_has_no_creator_default_of_its_own(world: World) -> None:
    world.role("owner").joins("ada")
    with pytest.raises(BadInput):
        world.send(world.command(SetDefaultRoles(organization_id="org_acme", creator="owner")))


def test_an_organizations_own_role_comes_before_the_environments_of_that_name(world: World) -> None:
    world.asserts("ada", "admin").send(world.snapshot("bea", roles=["admin"], organization="org_beta"))
    world.send(world.command(CreateRole(name="admin", organization_id="org_acme")))
    assert (world.roles("ada"), world.roles("bea")) == ({"admin"}, set())
    world.role("admin")
    held = "SELECT count(*) FROM grants g JOIN roles r ON r.key = g.role_key WHERE r.organization_key IS NULL"
    assert world.one(held) == 1
    assert world.roles("bea") == {"admin"}


def foreign(world: World, what: str) -> Event:
    event = {
        "user": world.snapshot("ada", "beta_new", organization="org_beta"),
        "removal": world.event("organization.directory.user_deleted", {"id": "ada"}, organization="org_beta"),
        "membership": world.snapshot("bea", "beta_new", "eng", organization="org_beta"),
        "group": world.event("organization.directory.group_deleted", {"id": "eng"}, organization="org_beta"),
        "directory": world.event("organization.directory_disabled", {"id": "dir_1"}, organization="org_beta"),
    }
    return event[what]


@pytest.mark.parametrize("what", ["user", "removal", "membership", "group", "directory"])
def test_what_another_organization_named_first_is_not_ones_own_to_speak_of(world: World, what: str) -> None:
    world.maps("eng", "deployer").joins("ada", "eng").send(
        world.event("organization.directory_enabled", {"id": "dir_1"})
    )
    before = world.tables()
    world.send(foreign(world, what))
    assert world.outcome() is Outcome.REJECTED
    assert "another organization" in str(world.receipts[-1].problem)
    after = world.tables()
    assert {name for name in after if after[name] != before[name]} == {"journal"}
    assert world.rebuilds().tables() == after


def test_of_two_that_name_a_group_in_one_batch_the_first_has_it(world: World) -> None:
    world.send(world.snapshot("ada", "eng"), world.snapshot("bea", "eng", "own", organization="org_beta"))
    assert [receipt.outcome for receipt in world.receipts] == [Outcome.APPLIED, Outcome.REJECTED]
    assert world.one("SELECT count(*) FROM organizations") == world.one("SELECT count(*) FROM groups") == 1


def test_a_command_reaches_nothing_of_another_organization(world: World) -> None:
    world.role("admin").group("eng").joins("ada", "eng").send(world.snapshot("bea", organization="org_beta"))
    for command in (
        MapGroup(group_id="eng", role="admin"),
        GrantRole(user_id="ada", role="admin"),
        SetMappings(organization_id="org_beta", mappings=()),
    ):
        answers = world.submit(world.command(command, "org_beta"))
        assert isinstance(command, SetMappings) or isinstance(answers[0], NotFound)
    assert world.roles("ada") == set()


def test_replacing_mappings_leaves_another_organizations_alone(world: World) -> None:
    world.maps("eng", "deployer").joins("ada", "eng").send(world.snapshot("bea", organization="org_beta"))
    world.send(world.command(SetMappings(organization_id="org_beta", mappings=()), "org_beta"))
    assert world.roles("ada") == {"deployer"}


def test_an_envelope_and_its_data_must_speak_of_one_organization(world: World) -> None:
    world.send(world.snapshot("ada", organization_id="org_other"))
    assert world.outcome() is Outcome.REJECTED
