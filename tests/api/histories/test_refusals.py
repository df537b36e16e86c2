"""A refused command leaves nothing, wherever in a batch it stands."""

from __future__ import annotations

import pytest

from schema.commands import (
    Command,
    CreatePermission,
    CreateRole,
    GrantRole,
    MapGroup,
    Pair,
    RevokeRole,
    SetCreator,
    SetDefaultRoles,
    SetMappings,
    UnmapGroup,
    UpdateRole,
)
from schema.events import Receipt
from schema.problems import BadInput, Conflict, NotFound, Problem
from tests.world import START, World

GONE = START - 1
REFUSED: list[tuple[Command, type[Problem]]] = [
    (CreateRole(name="deployer"), Conflict),
    (CreateRole(name="new", extends="nothing"), NotFound),
    (CreateRole(name="new", permissions=("nothing",)), NotFound),
    (UpdateRole(name="nothing", display_name="x"), NotFound),
    (UpdateRole(name="deployer", extends="deployer"), BadInput),
    (CreatePermission(name="deploy"), Conflict),
    (MapGroup(group_id="nothing", role="deployer"), NotFound),
    (MapGroup(group_id="eng", role="nothing"), NotFound),
    (UnmapGroup(group_id="ops", role="deployer"), NotFound),
    (SetMappings(organization_id="org_acme", mappings=(Pair("nothing", "deployer"),)), NotFound),
    (SetMappings(organization_id="org_acme", mappings=(Pair("ops", "deployer"), Pair("eng", "nothing"))), NotFound),
    (SetMappings(organization_id="org_acme", mappings=(), expected_version=7), Conflict),
    (SetMappings(organization_id="org_acme", mappings=(), max_revocations=0), Conflict),
    (GrantRole(user_id="nobody", role="deployer"), NotFound),
    (GrantRole(user_id="gone", role="deployer"), NotFound),
    (GrantRole(user_id="ada", role="nothing"), NotFound),
    (GrantRole(user_id="ada", role="deployer", expires_at=GONE), BadInput),
    (RevokeRole(user_id="ada", role="deployer"), Conflict),
    (SetCreator(organization_id="org_acme", user_id="nobody"), NotFound),
    (SetDefaultRoles(member="nothing"), NotFound),
]
ENVIRONMENT = (CreateRole, UpdateRole, CreatePermission, SetDefaultRoles)


@pytest.fixture
def company(world: World) -> World:
    world.maps("eng", "deployer").group("ops").joins("ada", "eng").joins("gone").leaves("gone")
    return world.send(world.command(CreatePermission(name="deploy"), None))


@pytest.mark.parametrize(("command", "problem"), REFUSED, ids=lambda each: type(each).__name__)
def test_a_refused_command_leaves_nothing(company: World, command: Command, problem: type[Problem]) -> None:
    before = company.tables()
    event = company.command(command, None if isinstance(command, ENVIRONMENT) else "org_acme")
    (answer,) = company.submit(event)
    assert type(answer) is problem
    assert company.tables() == before


@pytest.mark.parametrize(("command", "problem"), REFUSED, ids=lambda each: type(each).__name__)
def test_a_refused_command_between_webhooks_leaves_no_hole(
    company: World, command: Command, problem: type[Problem]
) -> None:
    before, changed = company.one("SELECT max(position) FROM journal"), company.changes()[-1][0]
    refused = company.command(command, None if isinstance(command, ENVIRONMENT) else "org_acme")
    answers = company.submit(company.snapshot("bob", "eng"), refused, company.snapshot("cy", "eng"))
    assert [type(answer) for answer in answers] == [Receipt, problem, Receipt]
    assert [each.position for each in answers if isinstance(each, Receipt)] == [before + 1, before + 2]
    assert [change[0] for change in company.changes()][changed:] == [changed + 1, changed + 2]
    assert company.roles("bob") == company.roles("cy") == {"deployer"}
    assert company.drift() == []
    left = company.tables()
    assert company.rebuilds().tables() == left


def test_a_command_of_an_unknown_organization_does_not_bring_it_into_being(company: World) -> None:
    company.submit(company.command(MapGroup(group_id="eng", role="deployer"), "org_new"))
    assert company.one("SELECT count(*) FROM organizations") == 1


def test_more_revocations_than_allowed_change_nothing_and_as_many_are_done(company: World) -> None:
    company.joins("bob", "eng")
    everything_goes = SetMappings(organization_id="org_acme", mappings=(), max_revocations=1)
    (answer,) = company.submit(company.command(everything_goes))
    assert isinstance(answer, Conflict)
    assert "2" in str(answer)
    assert company.roles("ada") == {"deployer"}
    company.send(company.command(SetMappings(organization_id="org_acme", mappings=(), max_revocations=2)))
    assert company.roles("ada") == company.roles("bob") == set()


def test_a_role_that_is_kept_for_other_reasons_is_no_revocation(company: World) -> None:
    company.grants("ada", "deployer")
    company.send(company.command(SetMappings(organization_id="org_acme", mappings=(), max_revocations=0)))
    assert company.roles("ada") == {"deployer"}


def test_an_edit_of_mappings_that_somebody_else_edited_since_changes_nothing(company: World) -> None:
    version = company.one("SELECT mappings_version FROM organizations")
    company.maps("ops", "deployer")
    edit = SetMappings(organization_id="org_acme", mappings=(), expected_version=version)
    (answer,) = company.submit(company.command(edit))
    assert isinstance(answer, Conflict)
    assert company.one("SELECT count(*) FROM mappings") == 2
    fresh = SetMappings(organization_id="org_acme", mappings=(), expected_version=version + 1)
    assert isinstance(company.submit(company.command(fresh))[0], Receipt)
    assert company.one("SELECT count(*) FROM mappings") == 0


def test_an_edit_that_changes_nothing_is_no_new_version(company: World) -> None:
    version = company.one("SELECT mappings_version FROM organizations")
    company.maps("eng", "deployer").mappings(("eng", "deployer"))
    assert company.one("SELECT mappings_version FROM organizations") == version


def test_the_journal_says_who_changed_a_mapping_and_when(company: World) -> None:
    assert company.one("SELECT actor FROM journal WHERE type = 'admin.map_group'") == "tester"
    assert company.one("SELECT created_by FROM mappings") == "tester"
    made = company.one("SELECT received_at FROM journal WHERE type = 'admin.map_group'")
    assert company.one("SELECT created_at FROM mappings") == made
