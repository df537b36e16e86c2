from __future__ import annotations

from typing import Any

import pytest

from schema.commands import CreateRole, GrantRole, RevokeRole, SetDefaultRoles
from schema.times import SECOND, format_time
from tests.schema.asker import as_user, ask, of, statements
from tests.schema.company import another, company
from tests.world import START, World

EXPLAIN = """query($id: ID!, $role: String!) { user(id: $id) { explain(role: $role) { held missing
    reasons { __typename ... on MappedGroup { groupId group { id } } ... on ManualGrant { note } } } } }"""


def explained(world: World, user: str, role: str, **more: Any) -> Any:
    return ask(world.database, EXPLAIN, id=user, role=role, **more)["user"]["explain"]


def missing(world: World, user: str, role: str, **more: Any) -> list[str]:
    found = explained(world, user, role, **more)
    assert (found["held"], found["reasons"]) == (False, [])
    said: list[str] = found["missing"]
    return said


def test_a_role_held_is_explained_by_its_reasons(world: World) -> None:
    company(world).joins("ada", "ops").grants("ada", "viewer", note="audit")
    assert explained(world, "ada", "viewer") == {
        "held": True,
        "missing": [],
        "reasons": [
            {"__typename": "MappedGroup", "groupId": "ops", "group": {"id": "ops"}},
            {"__typename": "ManualGrant", "note": "audit"},
        ],
    }


def test_who_is_in_no_mapped_group_is_told_which_there_are(world: World) -> None:
    company(world).role("editor").maps("platform", "editor").maps("engineering", "editor").joins("ada", "eng")
    assert missing(world, "ada", "editor") == [
        "member of no group mapped to editor; groups that are: Engineering, Platform"
    ]


def test_many_groups_are_named_in_part(world: World) -> None:
    world.role("editor").joins("ada")
    for number in range(12):
        world.maps(f"g{number:02}", "editor")
    (said,) = missing(world, "ada", "editor")
    assert said.endswith("G08, G09 and 2 more")


def test_a_role_to_which_no_group_is_mapped_says_so(world: World) -> None:
    company(world).role("editor").joins("ada", "eng")
    assert missing(world, "ada", "editor") == ["no group is mapped to editor"]


def test_who_is_inactive_or_removed_is_told_since_when_before_all_else(world: World) -> None:
    company(world).deactivates("ada", "eng").deactivates("bea")
    since = format_time(START + (world.seconds - 1) * SECOND)
    assert missing(world, "ada", "admin") == [f"inactive since {since}"]
    assert missing(world, "bea", "admin")[1:] == ["member of no group mapped to admin; groups that are: Eng"]
    world.leaves("ada")
    gone = format_time(START + world.seconds * SECOND)
    assert missing(world, "ada", "admin")[0] == f"removed from the directory since {gone}"


def test_a_removed_organization_is_what_is_missing(world: World) -> None:
    company(world).joins("ada", "eng").send(world.event("organization.deleted", {"id": "org_acme"}))
    assert missing(world, "ada", "admin") == ["the organization was removed"]


@pytest.mark.parametrize("asserted", ["edtior", "Editor", "EDITOR", "editors"])
def test_a_likely_misspelling_of_the_role_is_pointed_out(world: World, asserted: str) -> None:
    company(world).role("editor").asserts("ada", asserted, "quite_another")
    assert f"asserted as {asserted}, which is not registered" in missing(world, "ada", "editor")
    assert len(missing(world, "ada", "editor")) == 2


def test_a_similar_name_that_is_registered_is_no_misspelling(world: World) -> None:
    company(world).role("editor", "editors").asserts("ada", "editors")
    assert missing(world, "ada", "editor") == ["no group is mapped to editor"]


def test_a_role_that_is_not_registered_says_so_whether_it_is_asserted_or_not(world: World) -> None:
    company(world).asserts("ada", "ghost").joins("bea")
    assert missing(world, "ada", "ghost") == ["asserted as ghost, which is not registered"]
    assert missing(world, "bea", "ghost") == ["ghost is not registered"]
    assert missing(world, "bea", "x" * 100_000) == ["x" * 100_000 + " is not registered"]
    assert missing(world, "bea", "a\x00b") == ["a\x00b is not registered"]
    world.send(world.event("role.deleted", {"name": "admin"}))
    assert missing(world, "bea", "admin") == ["admin is not registered"]


def test_a_mapped_group_that_was_removed_is_named(world: World) -> None:
    company(world).joins("ada", "eng").joins("bea").loses_group("eng")
    assert missing(world, "ada", "admin") == ["its group Eng (mapped) was removed"]
    assert missing(world, "bea", "admin") == ["its group Eng (mapped) was removed"]


def test_a_grant_by_hand_that_is_over_tells_when_it_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    company(world).joins("ada")
    end = START + (world.seconds + 100) * SECOND
    world.send(world.command(GrantRole(user_id="ada", role="admin", expires_at=end)))
    monkeypatch.setattr("time.time_ns", lambda: end - 1)
    assert explained(world, "ada", "admin")["held"]
    monkeypatch.setattr("time.time_ns", lambda: end)
    over = f"granted by hand until {format_time(end)}, which is over"
    assert over in missing(world, "ada", "admin")  # before the sweep
    world.send(world.snapshot("ada"), clock=end + 1)  # settling ends it, as the sweep does
    monkeypatch.setattr("time.time_ns", lambda: end + 2)
    assert world.roles("ada") == set()
    assert over in missing(world, "ada", "admin")


def test_a_grant_that_was_revoked_before_its_end_is_not_called_over(world: World) -> None:
    company(world).joins("ada")
    end = START + 1000 * SECOND
    world.send(world.command(GrantRole(user_id="ada", role="viewer", expires_at=end)))
    world.send(world.command(RevokeRole(user_id="ada", role="viewer")))
    assert not [said for said in missing(world, "ada", "viewer") if "by hand" in said]


def test_a_default_is_for_who_has_no_other_role(world: World) -> None:
    company(world).joins("ada", "eng").send(world.command(SetDefaultRoles(member="viewer"), None))
    assert missing(world, "ada", "viewer")[-1] == (
        "viewer is held by default only by active members without another role"
    )


def test_an_organizations_own_role_is_meant_before_the_environments(world: World) -> None:
    another(company(world))
    world.send(world.command(CreateRole(name="local", organization_id="org_acme"), "org_acme")).joins("ada")
    assert missing(world, "ada", "local") == ["no group is mapped to local"]
    assert missing(world, "eve", "local") == ["local is not registered"]


def test_no_other_organizations_groups_are_named_and_none_at_all_to_a_user(world: World) -> None:
    another(company(world).joins("ada", "eng"))
    assert missing(world, "ada", "viewer", viewer=of("org_acme")) == [
        "member of no group mapped to viewer; groups that are: Ops"
    ]
    assert missing(world, "ada", "viewer", viewer=as_user("ada")) == ["member of no group mapped to viewer"]
    world.loses_group("ops")
    assert missing(world, "ada", "viewer", viewer=as_user("ada")) == ["no group is mapped to viewer"]


def test_sixty_users_are_explained_in_as_many_selects_as_three(world: World) -> None:
    company(world).role("editor").maps("platform", "editor")
    world.send(*(world.snapshot(f"user{number}", "eng") for number in range(60)))
    query = """query($first: Int!) { users(organizationId: "org_acme", first: $first) { nodes {
        explain(role: "editor") { held missing } rolesAt(time: "2200-01-01T00:00:00Z") { role { name } } } } }"""
    costs = []
    for first in (3, 60):
        with statements() as found:
            users = ask(world.database, query, first=first)["users"]["nodes"]
        assert len(users) == first
        assert all(user["explain"]["missing"] and user["rolesAt"] for user in users)
        costs.append(len(found))
    assert costs[0] == costs[1]
