"""The throw-away application on a real server, a fresh one for every test."""

from __future__ import annotations

import gc
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


@pytest.fixture
def settled() -> Iterator[None]:
    """As the application does after its start: the collector does not look again and again at what lives for ever."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
