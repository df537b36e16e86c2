"""Databases to copy from and to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.database import Database
from api.migrate import migrate
from tests.conftest import DATABASES, driven
from tests.world import World


@pytest.fixture(params=DATABASES)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of each kind in turn, without tables."""
    on_sqlite = request.param == "sqlite"
    database = Database(
        f"sqlite:///{tmp_path}/target.db" if on_sqlite else driven(request.getfixturevalue("new_postgresql"))
    )
    yield database
    database.close()


@pytest.fixture
def to_postgresql(new_postgresql: str) -> Iterator[Database]:
    """An empty PostgreSQL database, without tables."""
    database = Database(driven(new_postgresql))
    yield database
    database.close()


@pytest.fixture
def from_sqlite(tmp_path: Path) -> Iterator[World]:
    """A small company on SQLite."""
    database = Database(f"sqlite:///{tmp_path}/rolecast.db")
    migrate(database)
    yield World(database).maps("eng", "deployer").joins("ada", "eng").joins("bob")
    database.close()


@pytest.fixture
def source_on_postgresql(migrated_postgresql: str) -> Iterator[World]:
    """A world on PostgreSQL."""
    database = Database(driven(migrated_postgresql))
    yield World(database)
    database.close()
