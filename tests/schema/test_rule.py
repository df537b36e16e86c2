"""Each arm of the rule by itself: what entitles, and what ends it."""

from __future__ import annotations

import pytest

from api.database import Database
from schema.kinds import Kind
from schema.queries.rule import Desired, desired_grants
from schema.sql import Statement

NOW = 1000
# One user (10) of one organization (1) that is not the first, a user of another, and four roles; own_viewer has the
# name of the environment's viewer.
FACTS = """
    INSERT INTO organizations (key, id, deleted, at, by, mappings_version)
        VALUES (1, 'acme', false, 0, '', 0), (2, 'beta', false, 0, '', 0);
    INSERT INTO users (key, id, organization_key, active, deleted, at, by)
        VALUES (10, 'ada', 1, true, false, 0, ''), (20, 'bea', 2, true, false, 0, '');
    INSERT INTO groups (key, id, organization_key, deleted, seen_at, seen_by, at, by)
        VALUES (1, 'eng', 1, false, 0, '', 0, ''), (2, 'ops', 1, false, 0, '', 0, '');
    INSERT INTO roles (key, name, organization_key, priority, protected, deleted, stamps) VALUES
        (1, 'admin', NULL, 100, false, false, '{}'), (2, 'viewer', NULL, 100, false, false, '{}'),
        (3, 'viewer', 1, 100, false, true, '{}'), (4, 'member', NULL, 100, false, false, '{}');
"""
MAPPED = """
    INSERT INTO memberships VALUES (10, 1);
    INSERT INTO mappings (key, organization_key, group_key, role_key, created_at, created_by)
        VALUES (7, 1, 1, 1, 0, '')"""
ASSERTED = "INSERT INTO assertions VALUES (10, 'viewer')"
BY_HAND = "INSERT INTO hand_grants (user_key, role_key, actor, expires_at) VALUES (10, 1, 'x', {})"
CREATOR = """
    INSERT INTO creators VALUES (1, 10);
    INSERT INTO default_roles (key, organization_key, of, role_key) VALUES (1, NULL, 4, 1)"""
MEMBER = "INSERT INTO default_roles (key, organization_key, of, role_key) VALUES (2, {}, 5, {})"
NOT_ACTIVE = "UPDATE users SET active = false"
GONE = "UPDATE users SET deleted = true"
NO_ORGANIZATION = "UPDATE organizations SET deleted = true WHERE key = 1"
NO_ROLE = "UPDATE roles SET deleted = true WHERE organization_key IS NULL"


def desired(database: Database, *facts: str, users: tuple[int, ...] = (10,)) -> list[Desired]:
    for statement in (each for fact in (FACTS, *facts) for each in fact.split(";") if each.strip()):
        database.write_now(lambda session, sql=statement: Statement(sql).run(session))  # type: ignore[misc]
    return sorted(database.read_now(lambda session: desired_grants(session, users, NOW)))


def test_facts_that_entitle_to_nothing_give_nothing(database: Database) -> None:
    assert desired(database, users=(10, 20, 30)) == []


def test_nobody_is_asked_for(database: Database) -> None:
    assert desired(database, MAPPED, users=()) == []


def test_a_member_of_a_mapped_group_holds_the_role(database: Database) -> None:
    assert desired(database, MAPPED, users=(10, 20)) == [Desired(10, 1, Kind.MAPPED, 7)]


def test_two_mapped_groups_are_two_reasons(database: Database) -> None:
    second = """INSERT INTO memberships VALUES (10, 2);
        INSERT INTO mappings (key, organization_key, group_key, role_key, created_at, created_by)
        VALUES (8, 1, 2, 1, 0, '')"""
    assert desired(database, MAPPED, second) == [Desired(10, 1, Kind.MAPPED, 7), Desired(10, 1, Kind.MAPPED, 8)]


def test_an_asserted_role_counts_when_the_catalogue_knows_it(database: Database) -> None:
    unknown = "INSERT INTO assertions VALUES (10, 'nothing')"
    assert desired(database, ASSERTED, unknown) == [Desired(10, 2, Kind.ASSERTED, 0)]


def test_the_organizations_own_role_is_meant_before_the_environments(database: Database) -> None:
    own = "UPDATE roles SET deleted = false WHERE key = 3; INSERT INTO assertions VALUES (20, 'viewer')"
    found = desired(database, ASSERTED, own, users=(10, 20))
    assert found == [Desired(10, 3, Kind.ASSERTED, 0), Desired(20, 2, Kind.ASSERTED, 0)]


@pytest.mark.parametrize(("expires", "held"), [("NULL", True), ("1001", True), ("1000", False), ("999", False)])
def test_a_grant_by_hand_is_held_until_its_end_and_not_in_it(database: Database, expires: str, held: bool) -> None:
    assert desired(database, BY_HAND.format(expires)) == [Desired(10, 1, Kind.BY_HAND, 0)] * held


def test_the_creator_holds_the_environments_creator_role(database: Database) -> None:
    assert desired(database, CREATOR, users=(10, 20)) == [Desired(10, 1, Kind.CREATOR, 0)]


def test_whoever_got_none_otherwise_holds_the_member_role(database: Database) -> None:
    found = desired(database, CREATOR, MEMBER.format("NULL", 4), users=(10, 20))
    assert found == [Desired(10, 1, Kind.CREATOR, 0), Desired(20, 4, Kind.MEMBER, 0)]


def test_an_organizations_own_member_role_takes_the_place_of_the_environments(database: Database) -> None:
    own = MEMBER.format("NULL", 4), MEMBER.format("1", 2).replace("(2,", "(3,")
    found = desired(database, *own, users=(10, 20))
    assert found == [Desired(10, 2, Kind.MEMBER, 0), Desired(20, 4, Kind.MEMBER, 0)]


def test_a_deleted_role_of_ones_own_by_default_leaves_none_and_not_the_environments(database: Database) -> None:
    assert desired(database, MEMBER.format("NULL", 4), MEMBER.format("1", 3).replace("(2,", "(3,")) == []


def test_a_member_role_is_given_where_the_only_other_role_was_deleted(database: Database) -> None:
    gone = "UPDATE roles SET deleted = true WHERE key = 1"
    assert desired(database, MAPPED, gone, MEMBER.format("NULL", 4)) == [Desired(10, 4, Kind.MEMBER, 0)]


def test_a_group_that_is_gone_entitles_to_nothing(database: Database) -> None:
    assert desired(database, MAPPED, "UPDATE groups SET deleted = true WHERE key = 1") == []


@pytest.mark.parametrize("ended", [NOT_ACTIVE, GONE, NO_ORGANIZATION, NO_ROLE])
@pytest.mark.parametrize("arm", [MAPPED, ASSERTED, BY_HAND.format("NULL"), CREATOR, MEMBER.format("NULL", 4)])
def test_no_arm_reaches_the_inactive_the_removed_or_what_was_deleted(database: Database, arm: str, ended: str) -> None:
    assert desired(database, arm, ended) == []


def test_every_reason_is_a_row(database: Database) -> None:
    found = desired(database, MAPPED, ASSERTED, BY_HAND.format("NULL"), CREATOR, MEMBER.format("NULL", 4))
    assert [(each.role_key, each.kind) for each in found] == [
        (1, Kind.MAPPED),
        (1, Kind.BY_HAND),
        (1, Kind.CREATOR),
        (2, Kind.ASSERTED),
    ]
