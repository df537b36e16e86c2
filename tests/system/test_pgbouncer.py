"""Behind a real PgBouncer in transaction mode, where each transaction may have another connection to the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.poolers import pgbouncer, pooled
from tests.processes import SECRETS, rolecast, serving_process
from tests.system.directory import ORGANIZATION, Outside, user_in
from tests.system.following import CHANGES, changes, over_websocket
from tests.system.served import served_at
from tests.system.waiting import until

pytestmark = pytest.mark.skipif(pgbouncer() is None, reason="needs PgBouncer (Debian: pgbouncer)")


@pytest.fixture
def through(new_postgresql: str) -> Iterator[str]:
    """The URL of an empty database, through the pooler."""
    with pooled(new_postgresql) as url:
        yield url


def test_two_servers_behind_a_pooler_migrate_write_follow_and_stay_clean(
    through: str, new_postgresql: str, tmp_path: Path
) -> None:
    environment = SECRETS | {"DATABASE_URL": through, "DATABASE_LISTEN_URL": new_postgresql}
    migrated = rolecast(tmp_path, "migrate", environment=environment)
    assert migrated.returncode == 0, migrated.stderr
    with (
        serving_process(tmp_path, environment=environment) as one,
        serving_process(tmp_path, environment=environment) as two,
        Outside(one.url) as here,
        Outside(two.url) as there,
    ):
        here.role("deployer")
        there.tell(user_in("founder", "eng"))
        here.maps("eng", "deployer")
        start = there.head()
        with over_websocket(two.url, CHANGES, organization=ORGANIZATION, after=start) as payloads:
            people = [f"user_{number}" for number in range(60)]
            here.tell_at_once([user_in(name, "eng") for name in people[:30]])
            there.tell_at_once([user_in(name, "eng") for name in people[30:]])
            seen = [change for _, change in zip(range(60), changes(payloads), strict=False)]
        assert [each["cursor"] for each in seen] == sorted({each["cursor"] for each in seen})
        assert sorted(each["userId"] for each in seen) == sorted(people)
        assert there.roles("user_3") == here.roles("user_33") == {"deployer"}
    checked = rolecast(tmp_path, "check", environment=environment)
    assert (checked.returncode, checked.stdout.startswith("Clean")) == (0, True), checked


def test_listening_goes_past_the_pooler_and_the_look_once_a_second_does_without(
    through: str, new_postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = SECRETS | {"DATABASE_URL": through, "DATABASE_LISTEN_URL": new_postgresql}
    assert rolecast(tmp_path, "migrate", environment=environment).returncode == 0
    with served_at(through) as deaf, serving_process(tmp_path, environment=environment) as process:
        until(lambda: deaf.service.listener.connected, 10)  # PgBouncer takes LISTEN, and never tells anything
        with Outside(process.url) as outside, over_websocket(deaf.url, CHANGES, after=None) as payloads:
            until(lambda: deaf.service.feed.listeners() == 1)
            outside.role("deployer")
            outside.tell(user_in("ada", "eng"))
            outside.maps("eng", "deployer")
            assert next(changes(payloads))["userId"] == "ada"
