"""The throw-away application on a real server, a fresh one for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.graphql.throwaway import World, application
from tests.serving import serving


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def url(world: World) -> Iterator[str]:
    with serving(application(world)) as base:
        yield base
