"""A clock that jumped ahead and came back: what may end before the journal's newest entry, and what may not."""

from __future__ import annotations

import pytest

from schema.commands import CreateApiKey
from schema.problems import BadInput
from schema.times import SECOND, format_time
from tests.world import START, World

YEAR = 365 * 86_400 * SECOND


@pytest.fixture
def ahead(world: World) -> World:
    """The newest entry is of next year."""
    return world.role("seller").joins("ada").send(world.snapshot("bob"), clock=START + YEAR)


def key(world: World, expires_at: int) -> World:
    command = CreateApiKey(name="ci", hash="h" * 64, write=False, expires_at=expires_at)
    return world.send(world.command(command, None))


def test_a_key_may_end_between_the_clocks_time_and_the_journals(ahead: World) -> None:
    soon = START + 3600 * SECOND
    assert key(ahead, soon).one("SELECT expires_at FROM api_keys") == soon
    left = ahead.tables()
    assert ahead.rebuilds().tables() == left


def test_a_key_that_is_over_by_the_clock_is_refused(ahead: World) -> None:
    with pytest.raises(BadInput, match=r"^expiresAt is in the past$"):
        key(ahead, START)


def test_a_grant_ends_after_the_newest_entry_or_is_refused_with_its_time(ahead: World) -> None:
    with pytest.raises(BadInput, match=f"newest entry, which is of {format_time(START + YEAR)}"):
        ahead.grants("ada", "seller", expires_at=START + YEAR)
    with pytest.raises(BadInput, match=r"^expiresAt is in the past$"):
        ahead.grants("ada", "seller", expires_at=START)
    assert ahead.grants("ada", "seller", expires_at=START + YEAR + 1).roles("ada") == {"seller"}
    left = ahead.tables()
    assert ahead.rebuilds().tables() == left
