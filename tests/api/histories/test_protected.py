"""No command takes a protected role from the last who holds it in an organization."""

from __future__ import annotations

import pytest

from schema.commands import (
    Command,
    CreateRole,
    RevokeRole,
    SetCreator,
    SetDefaultRoles,
    SetMappings,
    UnmapGroup,
    UpdateRole,
)
from schema.problems import Conflict
from tests.world import World


@pytest.fixture
def company(world: World) -> World:
    """Ada is the one admin of org_acme, Bea that of org_beta; for admins somebody has to be."""
    world.send(world.command(CreateRole(name="admin", protected=True), None)).role("viewer").maps("eng", "admin")
    return world.joins("ada", "eng").joins("bob").send(world.snapshot("bea", roles=["admin"], organization="org_beta"))


LAST = [UnmapGroup(group_id="eng", role="admin"), SetMappings(organization_id="org_acme", mappings=())]


@pytest.mark.parametrize("command", LAST, ids=lambda each: type(each).__name__)
def test_an_edit_that_leaves_no_admin_is_refused_and_changes_nothing(company: World, command: Command) -> None:
    before = company.tables()
    (answer,) = company.submit(company.command(command))
    assert isinstance(answer, Conflict)
    assert "admin" in str(answer)
    assert company.tables() == before


@pytest.mark.parametrize("command", LAST, ids=lambda each: type(each).__name__)
def test_the_same_edit_is_done_while_somebody_else_of_the_organization_is_admin(
    company: World, command: Command
) -> None:
    company.grants("bob", "admin").send(company.command(command))
    assert (company.roles("ada"), company.roles("bob")) == (set(), {"admin"})
    assert company.drift() == []


def test_the_last_grant_by_hand_is_not_ended(company: World) -> None:
    company.grants("bob", "admin").mappings()
    with pytest.raises(Conflict):
        company.send(company.command(RevokeRole(user_id="bob", role="admin")))
    assert company.roles("bob") == {"admin"}


def test_neither_are_defaults_taken_from_the_last(company: World) -> None:
    company.send(company.command(SetDefaultRoles(creator="admin"), None))
    company.send(company.command(SetCreator(organization_id="org_acme", user_id="bob"))).mappings()
    with pytest.raises(Conflict):
        company.send(company.command(SetDefaultRoles(creator="viewer"), None))
    company.send(company.command(SetCreator(organization_id="org_acme", user_id="ada")))
    assert (company.roles("ada"), company.roles("bob")) == ({"admin"}, set())


def test_a_role_that_is_protected_no_more_may_go(company: World) -> None:
    company.send(company.command(UpdateRole(name="admin", protected=False), None)).mappings()
    assert company.roles("ada") == set()


def test_the_directory_is_always_believed(company: World) -> None:
    company.joins("ada")
    assert company.roles("ada") == set()
    company.loses_group("eng").mappings()
    assert company.drift() == []
