from __future__ import annotations

from typing import Any

import pytest

from schema.commands import GrantRole
from schema.times import SECOND, format_time
from tests.schema.asker import as_user, ask, of, refusal
from tests.schema.company import another, company
from tests.world import START, World

CHECK = """query($user: ID!, $permission: String!, $at: DateTime) {
    check(userId: $user, permission: $permission, at: $at) {
      allowed through { since role { name } reasons { __typename ... on MappedGroup { groupName } } } } }"""


def decision(world: World, user: str, permission: str, **more: Any) -> tuple[bool, list[str]]:
    found = ask(world.database, CHECK, user=user, permission=permission, **more)["check"]
    return found["allowed"], [each["role"]["name"] for each in found["through"]]


def test_a_permission_comes_through_every_role_that_has_it_and_through_extends(world: World) -> None:
    company(world).joins("ada", "eng", "ops").joins("bea", "ops").joins("cleo")
    assert decision(world, "ada", "a:read") == (True, ["admin", "viewer"])
    assert decision(world, "ada", "b:write") == (True, ["admin"])
    assert decision(world, "bea", "b:write") == (False, [])
    assert decision(world, "cleo", "a:read") == (False, [])


def test_the_roles_that_allow_it_come_with_their_reasons(world: World) -> None:
    company(world).joins("ada", "eng")
    moment = format_time(START + world.seconds * SECOND)
    held = {
        "since": moment,
        "role": {"name": "admin"},
        "reasons": [{"__typename": "MappedGroup", "groupName": "Eng"}],
    }
    for at in (None, moment):
        found = ask(world.database, CHECK, user="ada", permission="b:write", at=at)["check"]
        assert found == {"allowed": True, "through": [held]}


def test_an_earlier_moment_is_decided_by_the_roles_of_then(world: World) -> None:
    company(world).joins("ada", "eng")
    then = format_time(START + world.seconds * SECOND)
    world.joins("ada", "ops").leaves("ada")
    assert decision(world, "ada", "b:write") == (False, [])
    assert decision(world, "ada", "b:write", at=then) == (True, ["admin"])
    assert decision(world, "ada", "b:write", at="1999-01-01T00:00:00Z") == (False, [])


def test_a_permission_or_a_user_that_nobody_knows_is_not_found(world: World) -> None:
    company(world).joins("ada", "eng")
    unknown = refusal(world.database, CHECK, user="ada", permission="c:fly")
    assert unknown == ("NOT_FOUND", "no permission named 'c:fly'")
    assert refusal(world.database, CHECK, user="nobody", permission="a:read") == ("NOT_FOUND", "no such user")


def test_a_user_out_of_sight_is_answered_as_one_that_does_not_exist(world: World) -> None:
    another(company(world).joins("ada", "eng"))
    for viewer in (of("org_acme"), as_user("ada")):
        assert decision(world, "ada", "a:read", viewer=viewer) == (True, ["admin"])
    for viewer in (of("org_other"), as_user("eve", "org_other"), as_user("bea")):
        for permission in ("a:read", "c:fly"):
            refused = refusal(world.database, CHECK, viewer, user="ada", permission=permission)
            assert refused == ("NOT_FOUND", "no such user")


LISTED = 'query($where: UserFilter) { users(organizationId: "org_acme", where: $where) { totalCount nodes { id } } }'
HELD = '{ user(id: "ada") { roles { role { name } } primaryRole { name } permissions { name } } }'


def test_no_read_shows_a_grant_by_hand_that_is_over_before_the_sweep(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    company(world).joins("ada").joins("bea", "ops")
    end = START + (world.seconds + 100) * SECOND
    for user in ("ada", "bea"):
        world.send(world.command(GrantRole(user_id=user, role="viewer", expires_at=end)))
    for now, there in ((end - 1, True), (end, False)):
        monkeypatch.setattr("time.time_ns", lambda now=now: now)
        ada = ask(world.database, HELD)["user"]
        assert [bool(each) for each in ada.values()] == [there] * 3
        assert decision(world, "ada", "a:read")[0] is there
        assert decision(world, "ada", "a:read", at=format_time(now))[0] is there
        assert decision(world, "bea", "a:read") == (True, ["viewer"])
        for where, ids in (
            ({"role": "viewer"}, ["ada", "bea"] if there else ["bea"]),
            ({"withoutGroupReason": True}, ["ada"] if there else []),
            ({"withoutGroupReason": False}, ["bea"] if there else ["ada", "bea"]),
            ({"role": "viewer", "withoutGroupReason": True}, ["ada"] if there else []),
        ):
            users = ask(world.database, LISTED, where=where)["users"]
            assert ([user["id"] for user in users["nodes"]], users["totalCount"]) == (ids, len(ids)), where
    assert world.roles("ada") == {"viewer"}  # nothing swept it
