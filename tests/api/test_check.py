"""What `check` tells apart: a grant that is over and that nothing has ended yet is no fault, and all else is one."""

from __future__ import annotations

import pytest

from api.check import unended, verdict
from schema.commands import SetDefaultRoles
from schema.sql import Statement
from schema.times import SECOND, format_time
from tests.world import START, World

HOUR = 3600 * SECOND
FORGET = "DELETE FROM grants WHERE user_key = (SELECT key FROM users WHERE id = '{user}') AND kind = 1"


@pytest.fixture
def company(world: World) -> World:
    """Ada and Bob are deployers by their group; who has no role is a guest."""
    world.role("guest").send(world.command(SetDefaultRoles(member="guest"), None))
    return world.maps("eng", "deployer").role("seller", "auditor").joins("ada", "eng").joins("bob", "eng").joins("cem")


def told(world: World) -> str | None:
    return world.database.read_now(unended)


def spoils(world: World, *users: str) -> World:
    """Somebody writes past Rolecast: the users' groups give them nothing any more."""
    for user in users:
        world.database.write_now(Statement(FORGET.format(user=user)).run)
    return world


def test_a_grant_that_is_over_and_not_ended_is_told_and_is_no_fault(company: World) -> None:
    assert told(company) is None
    for user in ("ada", "cem"):  # the default comes back to Cem once it is ended
        company.grants(user, "seller", expires_at=START + HOUR)
    assert (company.roles("ada"), company.roles("cem")) == ({"deployer", "seller"}, {"seller"})
    assert company.drift() == []
    assert told(company) == (
        f"2 grants by hand are over, the first since {format_time(START + HOUR)}; "
        "a running server ends them within a second"
    )


def test_one_of_two_that_the_last_event_has_dropped_already_is_none_either(company: World) -> None:
    company.grants("cem", "seller", expires_at=START + HOUR).grants("cem", "auditor", expires_at=START + 3 * HOUR)
    company.send(company.snapshot("cem"), clock=START + 2 * HOUR)
    assert company.roles("cem") == {"auditor"}
    assert company.drift() == []
    company.send(company.snapshot("cem"), clock=START + 4 * HOUR)
    assert (company.roles("cem"), company.drift()) == ({"guest"}, [])


def test_one_alone_is_spoken_of_as_one(company: World) -> None:
    company.grants("ada", "seller", expires_at=START + HOUR)
    assert told(company) == (
        f"1 grant by hand is over since {format_time(START + HOUR)}; a running server ends it within a second"
    )
    assert (verdict(["x"]), verdict(["x", "y"])) == ("1 thing is wrong", "2 things are wrong")


def test_whatever_else_is_wrong_with_those_users_and_others_stays_a_fault(company: World) -> None:
    company.grants("ada", "seller", expires_at=START + HOUR)
    expected = [f"user {user} is entitled to deployer, and is not granted it" for user in ("ada", "bob")]
    assert spoils(company, "ada", "bob").drift() == expected


def test_a_grant_that_is_not_over_is_not_excused(company: World) -> None:
    company.grants("cem", "seller", expires_at=2**62)
    company.database.write_now(Statement("DELETE FROM grants WHERE kind = 3").run)
    assert company.drift() == ["user cem is entitled to seller, and is not granted it"]
    assert told(company) is None
