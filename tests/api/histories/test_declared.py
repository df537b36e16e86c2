"""A catalogue is declared as a whole: what differs is changed in one event, and what is in use does not end."""

from __future__ import annotations

from typing import Any

import pytest

from api.declaration import differences
from api.facts.declared import stored_catalogue
from schema.commands import ApplyCatalogue, CreatePermission, CreateRole, DeclaredRole, SetDefaultRoles
from schema.problems import BadInput, Conflict, NotFound
from tests.world import World


def declares(world: World, **words: Any) -> ApplyCatalogue:
    """Apply the declaration, and see that nothing is left to change, that it holds in a rebuild and is no drift."""
    declared = ApplyCatalogue(**words)
    world.send(world.command(declared, None))
    assert left_to_change(world, declared) == []
    assert world.drift() == []
    tables = world.tables()
    assert world.rebuilds().tables() == tables
    return declared


def left_to_change(world: World, declared: ApplyCatalogue) -> list[str]:
    return differences(world.database.read_now(stored_catalogue), declared)


def refused(world: World, problem: type[Exception], match: str, **words: Any) -> None:
    before = world.tables()
    with pytest.raises(problem, match=match):
        world.send(world.command(ApplyCatalogue(**words), None))
    assert world.tables() == before


VIEWER = DeclaredRole(display_name="Viewer", priority=50, permissions=("doc:read",))
EDITOR = DeclaredRole(extends="viewer", permissions=("doc:write", "doc:read"), protected=True)
PERMISSIONS = {"doc:read": "Read", "doc:write": None}


def test_a_whole_catalogue_comes_with_one_event_in_whatever_order_its_roles_are(world: World) -> None:
    world.asserts("ada", "editor").joins("bob")
    journal = world.one("SELECT count(*) FROM journal")
    declares(world, permissions=PERMISSIONS, roles={"editor": EDITOR, "viewer": VIEWER}, member="viewer")
    assert world.one("SELECT count(*) FROM journal") == journal + 1
    assert (world.roles("ada"), world.roles("bob")) == ({"editor"}, {"viewer"})
    assert world.receipts[-1].granted == 2


def test_declared_again_it_changes_nothing(world: World) -> None:
    words: dict[str, Any] = {"permissions": PERMISSIONS, "roles": {"viewer": VIEWER, "editor": EDITOR}, "prune": True}
    declares(world.asserts("ada", "editor"), **words)
    before = {name: rows for name, rows in world.tables().items() if name != "journal"}
    declares(world, **words)
    assert {name: rows for name, rows in world.tables().items() if name != "journal"} == before


def test_what_differs_is_changed_and_what_is_left_out_of_a_role_is_the_default(world: World) -> None:
    declares(world, permissions=PERMISSIONS, roles={"viewer": VIEWER, "editor": EDITOR})
    declares(
        world, permissions={"doc:read": "Read it"}, roles={"viewer": DeclaredRole(extends="editor"), "editor": VIEWER}
    )
    assert world.one("SELECT extends FROM roles WHERE name = 'viewer'") == "editor"
    assert world.one("SELECT display_name FROM roles WHERE name = 'viewer'") is None
    assert world.one("SELECT description FROM permissions WHERE name = :name", name="doc:read") == "Read it"
    assert world.one("SELECT count(*) FROM role_permissions") == 1


def test_a_role_that_ended_comes_back_to_those_whom_the_directory_gives_it(world: World) -> None:
    world.asserts("ada", "editor")
    declares(world, roles={"editor": DeclaredRole()})
    world.send(world.event("role.deleted", {"name": "editor"}))
    assert world.roles("ada") == set()
    declares(world, roles={"editor": DeclaredRole()})
    assert world.roles("ada") == {"editor"}


def test_defaults_are_set_cleared_or_left(world: World) -> None:
    world.joins("ada")
    declares(world, roles={"guest": DeclaredRole()}, member="guest", creator="guest")
    declares(world, roles={"guest": DeclaredRole()})
    assert world.roles("ada") == {"guest"}
    declares(world, member=None)
    assert world.roles("ada") == set()
    assert world.one("SELECT count(*) FROM default_roles") == 1


def test_a_default_that_moves_on_frees_the_role_to_end_in_the_same_event(world: World) -> None:
    world.role("old").joins("ada").send(world.command(SetDefaultRoles(member="old"), None))
    assert world.roles("ada") == {"old"}
    declares(world, roles={"new": DeclaredRole()}, member="new", prune=True)
    assert world.roles("ada") == {"new"}
    assert world.turns("ada")[-2:] == [("old", 2), ("new", 1)]


def test_without_prune_what_is_not_named_stays(world: World) -> None:
    world.role("old").send(world.command(CreatePermission(name="a:b"), None))
    declares(world, roles={"viewer": DeclaredRole(permissions=("a:b",))})
    assert world.one("SELECT count(*) FROM roles WHERE NOT deleted") == 2


def test_prune_ends_roles_that_extend_each_other_and_permissions_but_no_organizations_own_role(world: World) -> None:
    world.joins("ada").send(world.command(CreateRole(name="own", organization_id=world.organization)))
    declares(world, permissions=PERMISSIONS, roles={"viewer": VIEWER, "editor": EDITOR})
    declares(world, permissions={"doc:read": "Read"}, roles={"guest": DeclaredRole()}, prune=True)
    kept = "SELECT count(*) FROM {} WHERE NOT deleted"
    assert (world.one(kept.format("roles")), world.one(kept.format("permissions"))) == (2, 1)


@pytest.mark.parametrize(
    ("use", "why"),
    [
        ("held", "held by 1 users"),
        ("mapped", "mapped from 1 groups"),
        ("by hand", "granted by hand to 1 users"),
        ("default", "a default role"),
        ("extended", "extended by senior"),
    ],
)
def test_a_role_in_use_is_not_pruned_and_the_refusal_says_why(world: World, use: str, why: str) -> None:
    world.role("editor").joins("ada")
    if use == "held":
        world.asserts("ada", "editor")
    elif use == "mapped":
        world.maps("eng", "editor")
    elif use == "by hand":
        world.grants("ada", "editor").deactivates("ada")
    elif use == "default":
        world.send(world.command(SetDefaultRoles(member="editor"), None))
    kept = {"senior": DeclaredRole(extends="editor")} if use == "extended" else {}
    if kept:
        declares(world, roles=kept)
    refused(world, Conflict, f"'editor'.*{why}", roles=kept, prune=True)


def test_a_circle_names_its_path(world: World) -> None:
    roles = {each: DeclaredRole(extends=other) for each, other in ("ab", "bc", "ca")}
    refused(world, BadInput, "b -> c -> a|c -> a -> b|a -> b -> c", roles=roles)
    refused(world, BadInput, "solo -> solo", roles={"solo": DeclaredRole(extends="solo")})


def test_what_a_role_refers_to_must_be_there_and_stay(world: World) -> None:
    world.send(world.command(CreatePermission(name="a:b"), None))
    refused(world, NotFound, "'ghost'", roles={"viewer": DeclaredRole(extends="ghost")})
    refused(world, NotFound, "'x:y'", roles={"viewer": DeclaredRole(permissions=("x:y",))})
    refused(world, NotFound, "'a:b'", roles={"viewer": DeclaredRole(permissions=("a:b",))}, prune=True)
    refused(world, NotFound, "'ghost'", member="ghost")
    refused(world, BadInput, "name", roles={"no name": DeclaredRole()})


def test_two_roles_may_change_places(world: World) -> None:
    declares(world, roles={"a": DeclaredRole(extends="b"), "b": DeclaredRole()})
    declares(world, roles={"a": DeclaredRole(), "b": DeclaredRole(extends="a")})
