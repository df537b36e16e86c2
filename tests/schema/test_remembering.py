"""What holds of now and then for every history: the log alone answers as the reads did at the time."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from schema.times import format_time
from tests.histories import EVERYBODY, ROLES, batches, beginning, lawless_histories
from tests.schema.asker import ask
from tests.world import START, World

CLOCK = START + 4
HELD = """fragment Held on HeldRole { since role { name } reasons { __typename ... on MappedGroup { groupId mappingId }
    ... on ManualGrant { actor note expiresAt } ... on DirectoryAssertion { asserted } ... on DefaultRole { of } } }"""
NOW = (
    "query($time: DateTime!) {"
    + " ".join(f'{user}: user(id: "{user}") {{ ...Whole }}' for user in EVERYBODY)
    + "} fragment Whole on User { roles { ...Held } rolesAt(time: $time) { ...Held }"
    + " ".join(f'{role}: explain(role: "{role}") {{ held missing reasons {{ __typename }} }}' for role in ROLES)
    + "}"
    + HELD
)


def answered(world: World, now: int, time: int) -> dict[str, Any]:
    with patch("time.time_ns", lambda: now):
        found: dict[str, Any] = ask(world.database, NOW, time=format_time(time))
    return {user: each for user, each in found.items() if each is not None}


@given(data=st.data())
def test_the_log_remembers_what_was_answered_and_every_role_is_explained(world: World, data: st.DataObject) -> None:
    world.empties().send(*beginning(), clock=CLOCK)
    told = []
    for place, batch in enumerate(batches(data.draw, data.draw(lawless_histories())), start=1):
        world.submit(*batch, clock=CLOCK + place)
        told.append(answered(world, CLOCK + place, CLOCK + place))
        for user in told[-1].values():
            assert user["rolesAt"] == user["roles"]
            held = {each["role"]["name"]: each["reasons"] for each in user["roles"]}
            for role in ROLES:
                assert user[role]["held"] == (role in held)
                assert (user[role]["missing"] == []) == (role in held)
                named = [why["__typename"] for why in user[role]["reasons"]]
                roles = [each for each in user["roles"] if each["role"]["name"] == role]
                assert sorted(named) == sorted(why["__typename"] for each in roles for why in each["reasons"])
    for place, then in enumerate(told, start=1):
        after = answered(world, CLOCK + len(told), CLOCK + place)
        assert {user: after[user]["rolesAt"] for user in then} == {user: each["roles"] for user, each in then.items()}
