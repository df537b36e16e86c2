"""A keeper of user tokens, and a front door."""

from __future__ import annotations

import pytest

from api.access.tokens import Tokens
from tests.api.access.doors import Door
from tests.api.access.keeping import here, keeper
from tests.world import World


@pytest.fixture
def tokens(world: World) -> Tokens:
    here(world, "ada", email="Ada@Acme.example")
    here(world, "bob")
    return keeper(world.database)


@pytest.fixture
def door(world: World) -> Door:
    world.joins("ada")
    return Door(world.database)
