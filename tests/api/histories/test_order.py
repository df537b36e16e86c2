"""Order does not matter, and nothing is applied twice."""

from __future__ import annotations

import logging

import pytest

from schema.events import Receipt
from schema.kinds import Outcome, Turn
from tests.world import World


def test_a_late_old_snapshot_does_not_overwrite_a_newer_one(world: World) -> None:
    world.maps("eng", "deployer").joins("ada", at=100).joins("ada", "eng", at=99)
    assert world.roles("ada") == set()
    assert world.outcome() is Outcome.SUPERSEDED


def test_a_nanosecond_decides(world: World) -> None:
    world.maps("eng", "deployer")
    world.send(world.snapshot("ada", "eng", at=100, nanoseconds=2))
    world.send(world.snapshot("ada", at=100, nanoseconds=1))
    assert world.roles("ada") == {"deployer"}
    world.send(world.snapshot("ada", at=100, nanoseconds=3))
    assert world.roles("ada") == set()


@pytest.mark.parametrize(("first", "second"), [("evt_9", "evt_10"), ("evt_10", "evt_9")])
def test_at_one_instant_the_greater_event_id_as_text_wins(world: World, first: str, second: str) -> None:
    world.maps("eng", "deployer")
    groups = {"evt_9": ("eng",), "evt_10": ()}
    for id in (first, second):
        world.send(world.snapshot("ada", *groups[id], at=100, id=id))
    assert world.roles("ada") == {"deployer"}


def test_ids_are_compared_byte_by_byte_whatever_the_databases_language(world: World) -> None:
    world.maps("eng", "deployer")
    world.send(world.snapshot("ada", "eng", at=100, id="evt_a"), world.snapshot("ada", at=100, id="evt_B"))
    assert world.roles("ada") == {"deployer"}


def test_a_removed_user_is_not_brought_back_by_what_was_said_before(world: World) -> None:
    world.role("admin").asserts("ada", "admin", at=10).leaves("ada", at=20)
    world.asserts("ada", "admin", at=15)
    assert world.roles("ada") == set()
    assert world.outcome() is Outcome.SUPERSEDED


def test_a_removal_that_arrives_first_stands_against_the_creation(world: World) -> None:
    world.role("admin").leaves("ada", at=20).asserts("ada", "admin", at=10)
    assert world.roles("ada") == set()
    assert world.one("SELECT deleted FROM users") in (1, True)


def test_a_second_removal_does_not_create_the_user_again(world: World) -> None:
    world.role("admin").asserts("ada", "admin").leaves("ada").leaves("ada")
    assert world.roles("ada") == set()
    assert world.one("SELECT count(*) FROM users") == 1
    assert world.one("SELECT count(*) FROM users WHERE deleted") == 1


def test_a_removed_user_comes_back_with_a_newer_snapshot(world: World) -> None:
    world.role("admin").asserts("ada", "admin").leaves("ada").asserts("ada", "admin")
    assert world.roles("ada") == {"admin"}


def test_a_removed_group_is_not_brought_back_by_what_was_said_before(world: World) -> None:
    world.maps("eng", "deployer").joins("ada", "eng", at=10).loses_group("eng", at=20)
    world.joins("bob", "eng", at=15).renames("eng", "Late", at=16)
    assert world.roles("ada") == world.roles("bob") == set()


def test_a_late_removal_of_a_group_that_was_seen_since_is_superseded(world: World) -> None:
    world.maps("eng", "deployer").joins("ada", "eng", at=30).loses_group("eng", at=20)
    assert world.roles("ada") == {"deployer"}
    assert world.outcome() is Outcome.SUPERSEDED


def test_a_snapshot_too_old_for_its_user_still_says_that_its_group_is_there(world: World) -> None:
    world.maps("eng", "deployer").joins("bob", "eng", at=10).loses_group("eng", at=20).joins("ada", at=40)
    world.joins("ada", "eng", at=30)
    assert world.outcome() is Outcome.SUPERSEDED
    assert (world.roles("ada"), world.roles("bob")) == (set(), {"deployer"})
    assert world.drift() == []


def test_membership_of_a_group_not_yet_known_counts_once_it_is_mapped(world: World) -> None:
    world.role("deployer").joins("ada", "eng").maps("eng", "deployer")
    assert world.roles("ada") == {"deployer"}


def test_a_mapping_made_before_any_member_is_known_counts_for_the_first(world: World) -> None:
    world.maps("eng", "deployer").joins("ada", "eng")
    assert world.roles("ada") == {"deployer"}


def test_an_asserted_role_waits_until_it_is_registered(world: World) -> None:
    world.asserts("ada", "admin")
    assert world.roles("ada") == set()
    world.role("admin")
    assert world.roles("ada") == {"admin"}
    assert world.turns("ada") == [("admin", Turn.GRANTED)]


def test_two_events_of_one_user_in_one_batch_both_count(world: World) -> None:
    world.maps("eng", "deployer")
    world.send(world.snapshot("ada", "eng"), world.snapshot("ada"))
    assert world.roles("ada") == set()
    assert [turn for _, turn in world.turns("ada")] == [Turn.GRANTED, Turn.REVOKED]


def test_a_group_that_comes_back_in_a_batch_gives_its_roles_before_what_follows_takes_them(world: World) -> None:
    world.maps("eng", "deployer").joins("ada", "eng").loses_group("eng")
    world.send(world.snapshot("bob", "eng"), world.snapshot("ada"))
    assert [turn for _, turn in world.turns("ada")] == [Turn.GRANTED, Turn.REVOKED, Turn.GRANTED, Turn.REVOKED]
    world.send(world.event("organization.directory.group_deleted", {"id": "eng"}), world.snapshot("cy", "eng"))
    assert [turn for _, turn in world.turns("bob")] == [Turn.GRANTED, Turn.REVOKED, Turn.GRANTED]


def test_a_repeat_is_answered_like_the_first_and_has_no_effect(world: World) -> None:
    world.maps("eng", "deployer")
    event = world.snapshot("ada", "eng")
    world.send(event).joins("ada")
    (first, again) = (next(each for each in world.receipts if each.event == event.id), *world.submit(event))
    assert isinstance(again, Receipt)
    assert (again.outcome, again.position, again.repeated) == (first.outcome, first.position, True)
    assert world.roles("ada") == set()
    assert world.one("SELECT count(*) FROM journal WHERE id = :id", id=event.id) == 1


def test_a_repeat_in_the_same_batch_has_no_effect(world: World) -> None:
    event = world.snapshot("ada")
    first, again = world.submit(event, event)
    assert first == again
    assert world.one("SELECT count(*) FROM journal") == 1


@pytest.mark.parametrize("together", [True, False])
def test_another_body_under_a_known_id_is_told_to_the_operator_and_has_no_effect(
    world: World, caplog: pytest.LogCaptureFixture, together: bool
) -> None:
    world.role("admin", "viewer")
    first = world.snapshot("ada", roles=["viewer"], id="evt_same")
    other = world.snapshot("ada", roles=["admin"], id="evt_same")
    if together:
        world.send(first, other, first)
    else:
        world.send(first).send(other, first)
    assert world.roles("ada") == {"viewer"}
    assert [record.levelno for record in caplog.records if "evt_same" in record.getMessage()] == [logging.ERROR]


def test_types_of_no_use_are_kept_and_ignored(world: World) -> None:
    world.send(world.event("organization.sso_enabled", {"id": "conn_1"}))
    assert world.outcome() is Outcome.IGNORED
    assert world.one("SELECT outcome FROM journal") == Outcome.IGNORED


def test_what_is_not_understood_is_kept_and_rejected(world: World) -> None:
    world.send(world.event("organization.directory.user_updated", {"id": 7}))
    assert world.outcome() is Outcome.REJECTED
    assert "id" in str(world.receipts[-1].problem)
    assert world.one("SELECT payload FROM journal") is not None


def test_a_role_word_older_than_the_one_known_is_superseded_field_by_field(world: World) -> None:
    world.send(world.event("role.updated", {"name": "admin", "display_name": "New"}, at=20))
    world.send(world.event("role.created", {"name": "admin", "display_name": "Old"}, at=10))
    assert world.outcome() is Outcome.SUPERSEDED
    assert world.one("SELECT display_name FROM roles") == "New"
    world.send(world.event("role.deleted", {"name": "admin"}, at=15))
    assert world.one("SELECT deleted FROM roles") in (0, False)


def test_the_clock_never_goes_back_in_the_log(world: World) -> None:
    world.role("admin").send(world.snapshot("ada", roles=["admin"]), clock=2 * 10**18)
    world.send(world.snapshot("ada"), clock=10**18)
    times = [change[1] for change in world.changes()]
    assert times == [2 * 10**18, 2 * 10**18]
