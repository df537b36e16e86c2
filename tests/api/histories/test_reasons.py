"""Every role can say why, now and at any past moment."""

from __future__ import annotations

from typing import Any

from schema.commands import GrantRole, SetCreator, SetDefaultRoles
from schema.kinds import Kind, Turn
from schema.reasons import AssertedBy, ByDefault, ByHand, Mapped, Why, decode_reasons
from tests.world import START, World


def why(world: World) -> list[list[Why]]:
    return [decode_reasons(change[-1]) for change in world.changes()]


def test_a_change_names_the_mapping_and_the_group_as_it_was_called_then(world: World) -> None:
    world.maps("eng", "deployer").renames("eng", "Engineering").joins("ada", "eng").renames("eng", "Platform").joins(
        "ada"
    )
    mapping = world.one("SELECT key FROM mappings")
    assert why(world) == [[Mapped(mapping, "eng", "Engineering")], []]


def test_a_group_only_named_in_snapshots_is_called_what_they_call_it(world: World) -> None:
    world.role("deployer").joins("ada", "eng").maps("eng", "deployer")
    assert isinstance(why(world)[0][0], Mapped)
    world.send(world.snapshot("bob", groups=[{"id": "eng", "name": "Engineering"}]))
    found = why(world)[-1][0]
    assert isinstance(found, Mapped)
    assert found.name == "Engineering"


def test_a_name_given_in_a_batch_outlasts_what_gives_none(world: World) -> None:
    world.send(world.snapshot("ada", groups=[{"id": "eng", "name": "Engineering"}]), world.snapshot("bob", "eng"))
    assert world.one("SELECT named FROM groups") == "Engineering"


def test_a_group_renamed_within_a_batch_is_called_by_its_old_name_before_and_its_new_name_after(world: World) -> None:
    world.maps("eng", "deployer")
    renamed = {"id": "eng", "display_name": "New"}
    world.send(
        world.snapshot("ada", "eng"),
        world.event("organization.directory.group_updated", renamed),
        world.snapshot("bob", "eng"),
    )
    assert [found.name for (found,) in why(world) if isinstance(found, Mapped)] == ["Eng", "New"]


def test_every_reason_at_once_is_one_change_with_all_of_them(world: World) -> None:
    world.role("admin").maps("eng", "admin")
    world.send(world.snapshot("ada", "eng", roles=["admin"]))
    (reasons,) = why(world)
    assert [type(reason) for reason in reasons] == [Mapped, AssertedBy]
    world.grants("ada", "admin", note="on call", expires_at=START + 10**15)
    world.send(world.command(SetCreator(organization_id="org_acme", user_id="ada")))
    world.send(world.command(SetDefaultRoles(creator="admin"), None))
    hand = ByHand("tester", "on call", START + 10**15)
    assert why(world)[-1][2:] == [hand, ByDefault("CREATOR")]
    assert [turn for _, turn in world.turns("ada")] == [Turn.GRANTED, Turn.RETAINED, Turn.RETAINED]
    assert {row[0] for row in rows(world, "SELECT since FROM grants")} == {world.changes()[0][1]}


def test_a_default_says_that_it_is_one(world: World) -> None:
    world.role("member").joins("ada").send(world.command(SetDefaultRoles(member="member"), None))
    assert why(world) == [[ByDefault("MEMBER")]]


def test_a_hand_grant_given_anew_says_nothing_new_of_who_holds_what(world: World) -> None:
    world.role("admin").joins("ada").grants("ada", "admin")
    world.send(world.command(GrantRole(user_id="ada", role="admin", note="for longer")))
    assert world.turns("ada") == [("admin", Turn.GRANTED), ("admin", Turn.RETAINED)]  # its new words are history
    assert world.one("SELECT note FROM hand_grants") == "for longer"


def test_a_change_points_at_the_event_that_caused_it(world: World) -> None:
    world.maps("eng", "deployer")
    events = [world.snapshot("ada", "eng"), world.snapshot("bob", "eng"), world.snapshot("cy", "eng")]
    world.send(*events)
    world.send(gone := world.event("organization.directory.group_deleted", {"id": "eng"}))
    causes = [(change[2], change[3]) for change in world.changes()]
    ends = [(gone.id, user) for user in ("ada", "bob", "cy")]
    assert causes == [*((event.id, user) for event, user in zip(events, ("ada", "bob", "cy"), strict=True)), *ends]


def test_positions_have_no_holes_and_times_are_those_of_recording(world: World) -> None:
    world.maps("eng", "deployer").joins("ada", "eng", at=1).joins("bob", "eng").loses_group("eng").joins("ada")
    assert [change[0] for change in world.changes()] == [1, 2, 3, 4]
    recorded = dict(rows(world, "SELECT id, received_at FROM journal"))
    assert all(at == recorded[event] for _, at, event, *_ in world.changes())


def test_a_receipt_counts_what_was_granted_and_revoked(world: World) -> None:
    world.role("viewer").maps("eng", "deployer")
    world.send(world.snapshot("ada", "eng"), world.snapshot("bob", "eng"))
    assert [(each.granted, each.revoked) for each in world.receipts[-2:]] == [(1, 0), (1, 0)]
    world.mappings(("eng", "viewer"))
    assert (world.receipts[-1].granted, world.receipts[-1].revoked) == (2, 2)
    assert world.receipts[-1].head == world.changes()[-1][0]


def test_grants_keep_each_reason_by_itself(world: World) -> None:
    world.maps("eng", "admin").maps("ops", "admin")
    world.send(world.snapshot("ada", "eng", "ops", roles=["admin"])).grants("ada", "admin")
    kinds = sorted(row[0] for row in rows(world, "SELECT kind FROM grants"))
    assert kinds == [Kind.MAPPED, Kind.MAPPED, Kind.ASSERTED, Kind.BY_HAND]


def rows(world: World, sql: str) -> list[Any]:
    from schema.sql import Statement

    return [tuple(row) for row in world.database.read_now(lambda session: Statement(sql).run(session))]
