from __future__ import annotations

from typing import Any

from schema.commands import SetCreator, SetDefaultRoles
from tests.schema.asker import ask, refusal
from tests.schema.company import EVERYTHING, company
from tests.world import World

LIST = """query($first: Int! = 50, $after: String, $where: UserFilter) {
    users(organizationId: "org_acme", first: $first, after: $after, where: $where) {
      totalCount pageInfo { hasNextPage endCursor } nodes { id } edges { cursor node { id } } } }"""


def listed(world: World, **where: Any) -> list[str]:
    users = ask(world.database, LIST, where=where)["users"]
    assert users["totalCount"] == len(users["nodes"])
    return [user["id"] for user in users["nodes"]]


def test_a_user_is_answered_with_everything_that_hangs_on_them(world: World) -> None:
    company(world).joins("ada", "eng", "ops").grants("ada", "viewer", note="for the audit")
    ada = ask(world.database, EVERYTHING, id="ada")["user"]
    assert [role["role"]["name"] for role in ada["roles"]] == ["admin", "viewer"]
    assert ada["primaryRole"] == {"name": "admin", "allPermissions": [{"name": "a:read"}, {"name": "b:write"}]}
    assert ada["permissions"] == [{"name": "a:read"}, {"name": "b:write"}]
    assert ada["roles"][0]["role"]["extends"] == {"name": "viewer", "permissions": [{"name": "a:read"}]}
    assert ada["organization"]["mappingsVersion"] == 2
    mapped, by_hand = ada["roles"][1]["reasons"]
    assert mapped["mappingId"] == ada["organization"]["mappings"][1]["id"]
    assert (mapped["groupId"], mapped["groupName"], mapped["group"]) == ("ops", "Ops", {"displayName": "Ops"})
    assert by_hand == {"__typename": "ManualGrant", "actor": "tester", "note": "for the audit", "expiresAt": None}


def test_a_change_says_who_what_when_and_why(world: World) -> None:
    company(world).joins("ada", "eng").joins("ada")
    changes = ask(world.database, EVERYTHING, id="ada")["user"]["changes"]
    assert changes["totalCount"] == 2
    granted, revoked = changes["nodes"]
    assert (granted["kind"], granted["roleName"], granted["userId"]) == ("GRANTED", "admin", "ada")
    assert granted["organizationId"] == "org_acme"
    assert granted["reasons"] == [{"__typename": "MappedGroup", "group": {"id": "eng"}}]
    assert granted["event"]["type"] == "organization.directory.user_updated"
    assert granted["event"]["payload"]["data"]["id"] == "ada"
    assert len(granted["event"]["changes"]) == 1
    assert (revoked["kind"], revoked["reasons"]) == ("REVOKED", [])


def test_an_asserted_role_names_the_only_directory_and_an_unknown_one_waits(world: World) -> None:
    company(world).send(world.event("organization.directory_enabled", {"id": "dir_1", "provider": "OKTA"}))
    world.asserts("bea", "viewer", "ghost")
    bea = ask(world.database, EVERYTHING, id="bea")["user"]
    assert bea["unknownRoles"] == ["ghost"]
    directory = {"id": "dir_1", "organization": {"id": "org_acme"}}
    assert bea["roles"][0]["reasons"] == [
        {"__typename": "DirectoryAssertion", "asserted": "viewer", "directory": directory}
    ]
    world.send(world.event("organization.directory_enabled", {"id": "dir_2"}))
    bea = ask(world.database, EVERYTHING, id="bea")["user"]
    assert bea["roles"][0]["reasons"][0]["directory"] is None


def test_defaults_are_reasons_too(world: World) -> None:
    company(world).joins("ada").joins("bea")
    world.send(world.command(SetDefaultRoles(member="viewer", creator="admin"), None))
    world.send(world.command(SetCreator(organization_id="org_acme", user_id="ada")))
    ada = ask(world.database, EVERYTHING, id="ada")["user"]
    bea = ask(world.database, EVERYTHING, id="bea")["user"]
    assert ada["roles"][0]["reasons"] == [{"__typename": "DefaultRole", "of": "CREATOR"}]
    assert ada["roles"][0]["role"]["defaultFor"] == ["CREATOR"]
    assert bea["roles"][0]["reasons"] == [{"__typename": "DefaultRole", "of": "MEMBER"}]
    assert bea["organization"]["creator"] == {"id": "ada"}
    assert bea["organization"]["defaultMemberRole"] == {"name": "viewer"}


def test_a_removed_user_is_in_no_list_but_their_history_stays_readable(world: World) -> None:
    company(world).joins("ada", "eng").joins("bea", "eng").leaves("ada")
    assert listed(world) == ["bea"]
    ada = ask(world.database, EVERYTHING, id="ada")["user"]
    assert (ada["active"], ada["roles"], ada["groups"], ada["permissions"]) == (False, [], [], [])
    assert ada["removedAt"] == ada["updatedAt"]
    assert [change["kind"] for change in ada["changes"]["nodes"]] == ["GRANTED", "REVOKED"]


def test_pages_of_users_follow_one_another_without_a_gap(world: World) -> None:
    company(world)
    for number in range(7):
        world.joins(f"user{number}", "eng")
    found, after, pages = [], None, 0
    while True:
        users = ask(world.database, LIST, first=3, after=after)["users"]
        assert users["totalCount"] == 7
        assert [edge["node"] for edge in users["edges"]] == users["nodes"]
        found += [user["id"] for user in users["nodes"]]
        after, pages = users["pageInfo"]["endCursor"], pages + 1
        if not users["pageInfo"]["hasNextPage"]:
            break
    assert found == [f"user{number}" for number in range(7)]
    assert pages == 3


def test_a_page_is_one_to_two_hundred_long_and_its_cursor_is_one_of_ours(world: World) -> None:
    company(world)
    for first in (0, -1, 201):
        assert refusal(world.database, LIST, first=first)[0] == "BAD_INPUT"
    for after in ("nonsense", "aw", "", "k1", "\ud800", "a" * 1000):
        assert refusal(world.database, LIST, after=after)[0] == "BAD_INPUT"


def test_filters_of_users_hold_together(world: World) -> None:
    company(world).joins("ada", "eng").joins("bea", "ops").joins("cleo", "eng", "ops")
    world.send(world.snapshot("dora", "eng", active=False))
    assert listed(world, active=True) == ["ada", "bea", "cleo"]
    assert listed(world, active=False) == ["dora"]
    assert listed(world, role="admin") == ["ada", "cleo"]
    assert listed(world, role="nothing") == []
    assert listed(world, groupId="eng") == ["ada", "cleo", "dora"]
    assert listed(world, groupId="eng", role="viewer") == ["cleo"]
    assert listed(world, groupId="nowhere") == []
    assert listed(world, active=True, groupId="eng", search="CLEO@") == ["cleo"]


def test_who_holds_a_role_that_no_group_gives_can_be_asked(world: World) -> None:
    company(world).joins("ada", "eng").joins("bea").joins("cleo", "ops")
    world.grants("ada", "viewer").grants("bea", "admin").grants("cleo", "viewer")
    assert listed(world, withoutGroupReason=True) == ["ada", "bea"]
    assert listed(world, withoutGroupReason=False) == ["cleo"]
    assert listed(world, withoutGroupReason=True, role="admin") == ["bea"]


def test_search_finds_a_part_of_a_name_and_takes_signs_as_they_are(world: World) -> None:
    company(world)
    world.send(world.snapshot("ada", given_name="Ada", family_name="Ärzte 100%"))
    world.send(world.snapshot("bea", name="Bea_Smith"))
    assert listed(world, search="ada Ärz") == ["ada"]
    assert listed(world, search="100%") == ["ada"]
    assert listed(world, search="a_s") == ["bea"]
    assert listed(world, search="!") == []
    assert listed(world, search="%") == ["ada"]
