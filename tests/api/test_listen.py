"""Listening on a real PostgreSQL: wherever queries get through, LISTEN does; and anybody may say anything there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from api.database import Database
from api.database_url import normal
from api.listen import CHANNEL, Listener
from tests.following import fed, running, taken, toggle
from tests.processes import free_port
from tests.system.waiting import until
from tests.world import World

pytestmark = pytest.mark.anyio

HUSH = "100%sure+x/"  # libpq takes no such password in a URL; SQLAlchemy does

HEADS = "SELECT max(position) FROM changes", "SELECT max(position) FROM journal", "SELECT id FROM log"


@pytest.fixture
def there(migrated_postgresql: str) -> Iterator[World]:
    """A world on PostgreSQL in which `toggle` makes one change."""
    database = Database(normal(migrated_postgresql))
    yield World(database).maps("eng", "deployer").joins("ada")
    database.close()


@asynccontextmanager
async def listening(listener: Listener) -> AsyncIterator[None]:
    """The listener at work, connected."""
    task = asyncio.create_task(listener.run())
    await asyncio.to_thread(until, lambda: listener.connected)
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def says(url: str, *payloads: str) -> None:
    """What anybody who may connect can do."""
    with psycopg.connect(url, autocommit=True) as connection:
        for payload in payloads:
            connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))


async def test_whatever_url_queries_get_through_with_listen_does(there: World, migrated_postgresql: str) -> None:
    account, _, rest = migrated_postgresql.removeprefix("postgresql://").partition("@")
    user, both = account.partition(":")[0], "&" if "?" in rest else "?"
    for url in (
        f"postgres://{user}:{HUSH}@{rest}",
        f"POSTGRESQL://{account}@{rest}{both}options=-c+search_path%3Dpublic&prepare_threshold=0&connect_timeout=9\n",
    ):
        database = Database(normal(url))
        assert await database.read(lambda session: session.connection().dialect.name) == "postgresql"
        database.close()
        heard: asyncio.Queue[tuple[int, int, str]] = asyncio.Queue()
        async with listening(Listener(normal(url), lambda *told, heard=heard: heard.put_nowait(told))):
            await asyncio.to_thread(toggle, there)
            told = await asyncio.wait_for(heard.get(), 10)
        assert told == tuple(map(there.one, HEADS))


async def test_an_outage_is_told_without_the_password(caplog: pytest.LogCaptureFixture) -> None:
    listener = Listener(normal(f"postgresql://ada:{HUSH}@127.0.0.1:{free_port()}/roles"), lambda *told: None)
    task = asyncio.create_task(listener.run())
    await asyncio.to_thread(until, lambda: bool(caplog.messages))
    task.cancel()
    (message,) = caplog.messages
    assert "until LISTEN is back" in message
    assert "onnection" in message, "and with the reason"
    assert not any(part in message for part in ("sure", "100"))


async def test_what_others_say_there_ends_no_subscription(
    there: World, migrated_postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.feed.LOOK_SECONDS", 60.0)
    toggle(there)
    feed, mine = await fed(there), str(there.one("SELECT id FROM log"))
    follower = feed.changes(None)
    lies = ("", "x y", "-1 -1", "1", "٣ ٣", "9" * 30 + " 1", "9" * 5000 + " 1", "9" * 19 + " 1", "900 900 ffffffff")
    async with running(feed), listening(Listener(normal(migrated_postgresql), feed.committed)):
        await asyncio.to_thread(says, migrated_postgresql, *lies, f"900 900 {mine}", f"900 900 {mine} x")
        await asyncio.to_thread(toggle, there)
        assert await taken(follower, 2) == [2]
        later = feed.changes(None)
        await asyncio.to_thread(toggle, there)
        assert await taken(later, 3) == await taken(follower, 3) == [3]


async def test_a_process_of_the_version_before_is_heard_and_hears_nothing_wrong(
    there: World, migrated_postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.feed.LOOK_SECONDS", 60.0)
    feed = await fed(there)
    follower = feed.changes(None)
    with psycopg.connect(migrated_postgresql, autocommit=True) as before:
        before.execute(f"LISTEN {CHANNEL}")
        toggle(there)
        payloads = [each.payload for each in before.notifies(timeout=10, stop_after=1)]
    change, _, event = payloads[0].partition(" ")  # as it reads them
    assert not (change.isdecimal() and event.isdecimal())
    async with running(feed), listening(Listener(normal(migrated_postgresql), feed.committed)):
        await asyncio.sleep(0.02)
        await asyncio.to_thread(toggle, there)
        await asyncio.to_thread(says, migrated_postgresql, "2 5")
        assert await taken(follower, 2) == [1, 2]
