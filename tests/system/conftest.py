"""A served application on each database, and a server process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.api.access.signers import JWT_SECRET
from tests.api.graphql import clients
from tests.processes import KEY, Server, serving_process
from tests.system.directory import AUTHORIZATION, user_in
from tests.system.served import Served, served_at


@pytest.fixture
def served(url: str) -> Iterator[Served]:
    """The application, on each database in turn."""
    with served_at(url) as served:
        yield served


@pytest.fixture
def company(served: Served) -> Served:
    """Ada is in engineering, whose members are deployers, and Bob in sales, whose members are sellers."""
    served.tell(user_in("ada", "eng"), user_in("bob", "sales"))
    served.role("deployer", "seller")
    served.maps("eng", "deployer")
    served.maps("sales", "seller")
    return served


@pytest.fixture
def there(url: str) -> Iterator[Served]:
    """The application with user tokens, few guesses and few sockets; Ada and Bob are known to it."""
    few = {"failed_credentials": 5, "max_sockets": 3, "max_subscriptions": 2}
    with served_at(url, jwt_secrets=(SecretStr(JWT_SECRET),), **few) as served:
        served.tell(user_in("ada", "eng"), user_in("bob", "eng"))
        yield served


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Server]:
    """A ready server process on SQLite, in the test's folder."""
    with serving_process(tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def junk_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One application on SQLite for many requests that leave nothing."""
    with served_at(f"sqlite:///{tmp_path_factory.mktemp('junk')}/rolecast.db") as served:
        yield served


@pytest.fixture
def with_our_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clients of the throw-away schema, with this server's key."""
    monkeypatch.setattr(clients, "AUTHORIZATION", AUTHORIZATION)
    original = clients.socket
    monkeypatch.setattr(clients, "socket", lambda url, token=KEY, **options: original(url, token, **options))
