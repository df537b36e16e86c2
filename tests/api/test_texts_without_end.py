"""A text that no index of the database holds is its own event's problem, and not its batch's."""

from __future__ import annotations

import random

from schema.events import Receipt
from schema.kinds import Outcome
from tests.world import World


def test_an_address_of_any_length_is_kept_and_the_batch_goes_on(world: World) -> None:
    long = f"{random.Random(1).randbytes(6000).hex()}@example.com"  # which nothing compresses
    answers = world.submit(
        world.event("organization.directory.user_updated", {"id": "ada", "email": long}),
        world.event("organization.directory.user_updated", {"id": "bob", "email": "bob@example.com"}),
    )
    assert [isinstance(each, Receipt) and each.outcome for each in answers] == [Outcome.APPLIED, Outcome.APPLIED]
    assert world.one("SELECT length(email) FROM users WHERE id = :id", id="ada") == len(long)
