from __future__ import annotations

from typing import Any

import pytest

from schema.commands import CreateRole, GrantRole
from schema.times import SECOND
from tests.schema.asker import as_user, ask, of, refusal, statements
from tests.schema.company import another, company
from tests.world import START, World

WARNINGS = "query($id: ID!) { organization(id: $id) { warnings { code message subject } } }"


def warnings(world: World, id: str = "org_acme", **more: Any) -> list[Any]:
    found: list[Any] = ask(world.database, WARNINGS, id=id, **more)["organization"]["warnings"]
    return found


def coded(world: World, code: str) -> list[str]:
    return [each["subject"] for each in warnings(world) if each["code"] == code]


def protected(world: World, *names: str) -> World:
    for name in names:
        world.send(world.command(CreateRole(name=name, protected=True), None))
    return world


def test_an_organization_in_order_has_none(world: World) -> None:
    protected(company(world), "owner").maps("heads", "owner").joins("ada", "heads", "eng")
    assert warnings(world) == []


def test_a_name_that_the_directory_asserts_and_nobody_registered_is_told_with_its_users(world: World) -> None:
    company(world).asserts("ada", "ghost", "viewer").asserts("bea", "ghost", "edtior").asserts("cleo", "ghost")
    world.leaves("cleo")
    assert [(each["message"], each["subject"]) for each in warnings(world)] == [
        ("the directory asserts edtior of 1 user, and no role of that name is registered", "edtior"),
        ("the directory asserts ghost of 2 users, and no role of that name is registered", "ghost"),
    ]
    assert {each["code"] for each in warnings(world)} == {"UNKNOWN_ROLE"}
    world.role("ghost", "edtior")
    assert warnings(world) == []


def test_another_organizations_own_role_registers_no_name_here(world: World) -> None:
    company(world).asserts("ada", "local")
    other = World(world.database, "org_other")
    other.seconds = world.seconds + 1000
    other.joins("eve").send(other.command(CreateRole(name="local", organization_id="org_other")))
    assert coded(world, "UNKNOWN_ROLE") == ["local"]


def test_a_mapping_whose_group_is_gone_waits_with_a_warning_until_it_returns(world: World) -> None:
    company(world).joins("ada", "eng").loses_group("eng")
    mapping = ask(world.database, '{ mappings(organizationId: "org_acme") { id } }')["mappings"][0]["id"]
    message = "group Eng, mapped to admin, was removed; the mapping waits for its return"
    assert warnings(world) == [{"code": "MAPPED_GROUP_GONE", "message": message, "subject": mapping}]
    world.group("eng")
    assert warnings(world) == []


def test_a_mapping_to_a_deleted_role_is_told(world: World) -> None:
    company(world).send(world.event("role.deleted", {"name": "admin"}))
    mapping = ask(world.database, '{ mappings(organizationId: "org_acme") { id } }')["mappings"][0]["id"]
    message = "role admin, which group Eng is mapped to, was deleted"
    assert warnings(world) == [{"code": "MAPPED_ROLE_GONE", "message": message, "subject": mapping}]


def test_a_protected_role_that_is_mapped_or_was_held_and_that_nobody_holds_is_told(world: World) -> None:
    protected(company(world), "mapped", "held", "unused").maps("heads", "mapped").joins("ada")
    world.grants("ada", "held")
    assert coded(world, "PROTECTED_ROLE_WITHOUT_HOLDER") == ["mapped"]
    world.leaves("ada")
    assert coded(world, "PROTECTED_ROLE_WITHOUT_HOLDER") == ["held", "mapped"]
    assert warnings(world)[0]["message"] == "nobody holds held, which is protected"
    world.joins("bea", "heads").grants("bea", "held")
    assert coded(world, "PROTECTED_ROLE_WITHOUT_HOLDER") == []


def test_who_holds_a_protected_role_elsewhere_or_no_longer_is_no_holder(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    protected(company(world), "owner").maps("heads", "owner").joins("ada")
    another(world).maps("their_heads", "owner").joins("eve", "their_heads")
    assert coded(world, "PROTECTED_ROLE_WITHOUT_HOLDER") == ["owner"]
    end = START + 5000 * SECOND
    world.send(world.command(GrantRole(user_id="ada", role="owner", expires_at=end)))
    for now, told in ((end - 1, []), (end, ["owner"])):
        monkeypatch.setattr("time.time_ns", lambda now=now: now)
        assert coded(world, "PROTECTED_ROLE_WITHOUT_HOLDER") == told


def test_only_the_first_hundred_of_a_code_are_told(world: World) -> None:
    company(world).asserts("ada", *(f"name{number:03}" for number in range(120))).loses_group("eng")
    assert coded(world, "UNKNOWN_ROLE") == [f"name{number:03}" for number in range(100)]
    assert len(coded(world, "MAPPED_GROUP_GONE")) == 1


def test_a_removed_organization_needs_no_looking_after(world: World) -> None:
    company(world).asserts("ada", "ghost").send(world.event("organization.deleted", {"id": "org_acme"}))
    assert warnings(world) == []


def test_warnings_are_an_organizations_own_and_no_users(world: World) -> None:
    another(company(world).asserts("ada", "ghost").joins("bea")).asserts("eve", "theirs")
    assert [each["subject"] for each in warnings(world, viewer=of("org_acme"))] == ["ghost"]
    assert ask(world.database, WARNINGS, of("org_other"), id="org_acme") == {"organization": None}
    nested = '{ user(id: "bea") { organization { warnings { code } } } }'
    assert refusal(world.database, nested, as_user("bea"))[0] == "FORBIDDEN"


def test_many_organizations_take_as_many_selects_as_one(world: World) -> None:
    another(company(world).asserts("ada", "ghost"))
    query = "query($first: Int!) { organizations(first: $first) { nodes { id warnings { code } } } }"
    costs = []
    for first in (1, 2):
        with statements() as found:
            assert len(ask(world.database, query, first=first)["organizations"]["nodes"]) == first
        costs.append(len(found))
    assert costs[0] == costs[1]
