from __future__ import annotations

from typing import Any

import pytest

from schema.commands import CreateRole, GrantRole
from schema.queries.changes import first_position_at
from schema.times import SECOND, format_time
from tests.schema.asker import as_user, ask, of
from tests.schema.company import another, company
from tests.world import START, World

REASONS = """reasons { __typename ... on MappedGroup { groupName mappingId group { displayName removedAt } }
    ... on ManualGrant { note expiresAt } ... on DirectoryAssertion { asserted } ... on DefaultRole { of } }"""
AT = f"""query($id: ID!, $time: DateTime!) {{ user(id: $id) {{ rolesAt(time: $time) {{
    since role {{ name priority organization {{ id }} }} {REASONS} }} }} }}"""


def clock(world: World) -> str:
    """The moment of the last event, which is that of the changes it caused."""
    return format_time(START + world.seconds * SECOND)


def held(world: World, user: str, time: str) -> list[Any]:
    found: list[Any] = ask(world.database, AT, id=user, time=time)["user"]["rolesAt"]
    return found


def names(world: World, user: str, time: str) -> list[str]:
    return [each["role"]["name"] for each in held(world, user, time)]


def test_each_moment_has_the_roles_that_were_held_then_most_significant_first(world: World) -> None:
    company(world)
    moments = [clock(world)]
    for groups in (["ops"], ["ops", "eng"], [], ["eng"]):
        moments.append(clock(world.joins("ada", *groups)))
    assert [names(world, "ada", moment) for moment in moments] == [[], ["viewer"], ["admin", "viewer"], [], ["admin"]]
    assert names(world, "ada", "1970-01-01T00:00:00Z") == []
    assert names(world, "ada", "2200-01-01T00:00:00Z") == ["admin"]


def test_a_change_counts_from_its_very_moment(world: World) -> None:
    company(world).joins("ada", "eng")
    moment = START + world.seconds * SECOND
    assert names(world, "ada", format_time(moment)) == ["admin"]
    assert names(world, "ada", format_time(moment - 1)) == []


def test_since_is_when_the_role_was_granted_and_the_reasons_are_the_last_of_that_time(world: World) -> None:
    company(world).maps("sre", "viewer").joins("ada", "ops")
    granted = clock(world)
    both = clock(world.joins("ada", "ops", "sre"))
    one = clock(world.joins("ada", "sre"))
    again = clock(world.joins("ada").joins("ada", "ops"))
    at = {moment: held(world, "ada", moment)[0] for moment in (granted, both, one, again)}
    assert [each["since"] for each in at.values()] == [granted, granted, granted, again]
    assert [[why["groupName"] for why in each["reasons"]] for each in at.values()] == [
        ["Ops"],
        ["Ops", "Sre"],
        ["Sre"],
        ["Ops"],
    ]


def test_the_past_keeps_its_words_whatever_is_renamed_unmapped_or_removed_since(world: World) -> None:
    company(world).joins("ada", "eng")
    then = clock(world)
    before = held(world, "ada", then)
    world.renames("eng", "Builders").unmaps("eng", "admin").loses_group("eng")
    after = held(world, "ada", then)
    assert names(world, "ada", clock(world)) == []
    assert after[0]["reasons"][0].pop("group")["removedAt"] is not None
    assert before[0]["reasons"][0].pop("group") == {"displayName": "Eng", "removedAt": None}
    assert after == before
    assert after[0]["reasons"][0]["groupName"] == "Eng"


def test_a_deleted_role_and_a_removed_user_are_still_in_the_past(world: World) -> None:
    company(world).joins("ada", "eng", "ops")
    then = clock(world)
    world.send(world.event("role.deleted", {"name": "admin"})).leaves("ada")
    assert names(world, "ada", then) == ["admin", "viewer"]
    assert names(world, "ada", clock(world)) == []
    world.rebuilds()
    assert names(world, "ada", then) == ["admin", "viewer"]


def test_a_grant_by_hand_is_over_at_its_moment_in_the_past_too_although_the_log_has_it_longer(world: World) -> None:
    company(world).joins("ada", "ops").joins("bea")
    end = START + (world.seconds + 100) * SECOND
    for user in ("ada", "bea"):
        world.send(world.command(GrantRole(user_id=user, role="viewer", expires_at=end)))
    before, over = format_time(end - 1), format_time(end)
    assert [why["__typename"] for why in held(world, "ada", before)[0]["reasons"]] == ["MappedGroup", "ManualGrant"]
    assert [why["__typename"] for why in held(world, "ada", over)[0]["reasons"]] == ["MappedGroup"]
    assert (names(world, "bea", before), names(world, "bea", over)) == (["viewer"], [])


def test_an_organizations_own_role_says_whose_it_is(world: World) -> None:
    company(world).send(world.command(CreateRole(name="local", organization_id="org_acme"), "org_acme"))
    world.asserts("ada", "local")
    assert held(world, "ada", clock(world))[0]["role"]["organization"] == {"id": "org_acme"}


def test_the_past_is_shown_to_whom_the_present_is(world: World) -> None:
    another(company(world).joins("ada", "eng"))
    moment = "2200-01-01T00:00:00Z"
    for viewer in (of("org_acme"), as_user("ada")):
        assert ask(world.database, AT, viewer, id="ada", time=moment)["user"]["rolesAt"]
    for viewer in (of("org_other"), as_user("eve", "org_other")):
        assert ask(world.database, AT, viewer, id="ada", time=moment) == {"user": None}


NOW = """query($time: DateTime!) { users(organizationId: "org_acme") { nodes {
    roles { ...Held } rolesAt(time: $time) { ...Held } } } }
    fragment Held on HeldRole { since role { name } reasons { __typename
        ... on MappedGroup { groupId groupName mappingId } ... on ManualGrant { actor note expiresAt }
        ... on DirectoryAssertion { asserted } ... on DefaultRole { of } } }"""


def test_a_grant_by_hand_given_anew_with_another_end_or_note_is_recorded_anew(world: World) -> None:
    company(world).joins("ada")
    first, later = (START + (world.seconds + wait) * SECOND for wait in (100, 200))
    world.send(world.command(GrantRole(user_id="ada", role="viewer", note="a week", expires_at=first)))
    then = clock(world)
    world.send(world.command(GrantRole(user_id="ada", role="viewer", note="two weeks", expires_at=later)))
    assert held(world, "ada", then)[0]["reasons"][0]["note"] == "a week"
    (again,) = held(world, "ada", format_time(first))
    assert again["since"] == then
    assert again["reasons"][0]["note"] == "two weeks"
    assert names(world, "ada", format_time(later)) == []


@pytest.mark.parametrize("end", [None, 2**62])
def test_now_is_the_present(world: World, end: int | None) -> None:
    company(world).joins("ada", "eng", "ops").joins("bea").asserts("cleo", "viewer")
    world.send(world.command(GrantRole(user_id="bea", role="admin", expires_at=end)))
    users = ask(world.database, NOW, time=clock(world))["users"]["nodes"]
    assert [len(user["roles"]) for user in users] == [2, 1, 1]
    assert [user["roles"] for user in users] == [user["rolesAt"] for user in users]


def test_a_moment_is_found_in_the_log_by_halving(world: World) -> None:
    world.maps("eng", "deployer")
    for turn in range(12):
        world.joins("ada", *(["eng"] if turn % 2 == 0 else []))
    times = [row[1] for row in world.changes()]

    def first(time: int) -> int:
        return world.database.read_now(lambda session: first_position_at(session, time))

    assert [first(time) for time in times] == list(range(1, 13))
    assert [first(time + 1) for time in times] == list(range(2, 14))
    assert first(0) == 1
