"""The machine's clock set back an hour: what is recorded never goes back, and what is to end ends by the clock."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.access.lookup import FRESH_SECONDS
from schema.times import format_time
from tests.faults.hooks import Clock
from tests.faults.truth import footprint, is_unharmed
from tests.processes import SECRETS, Server, serving_process
from tests.system.directory import ORGANIZATION, Json, Outside, headers, user_in
from tests.system.following import CHANGES, changes, over_websocket
from tests.system.waiting import until

HOUR = 3600
LONGER = 1 + FRESH_SECONDS  # than a credential is trusted without a look
LOGGED = """query ($id: ID!) { changes(organizationId: $id, first: 200) {
    nodes { cursor at kind userId roleName event { receivedAt } } } }"""
ROLES_AT = "query ($id: ID!, $time: DateTime!) { user(id: $id) { rolesAt(time: $time) { role { name } } } }"
GRANT = """mutation ($user: ID!, $role: String!, $until: DateTime!) {
    grantRole(userId: $user, role: $role, expiresAt: $until) { cursor } }"""


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path)


class Shifted:
    """A server whose clock can be set; engineers are deployers."""

    def __init__(self, server: Server, clock: Clock, database: str) -> None:
        """`database` is the URL of what it keeps."""
        self.url = server.url
        self._server, self._clock, self._database = server, clock, database
        self._told = [user_in("ada", "eng")]
        with Outside(server.url) as outside:
            outside.tell(*self._told)
            outside.role("deployer", "seller")
            outside.maps("eng", "deployer")
        self._before = footprint(server)

    def tell(self, outside: Outside, *events: Json) -> None:
        """As `Outside.tell`, signed by the clock that the server has."""
        for each in events:
            body = json.dumps(each).encode()
            answer = outside.post(body, headers(body, at=time.time() + self._clock.shift))
            assert answer.status_code == 201, answer.text
            self._told.append(each)

    def is_unharmed(self) -> None:
        """Whatever its clock was set to."""
        is_unharmed(self._server, self._before, self._database, others=self._told)


@pytest.fixture
def shifted(url: str, tmp_path: Path, clock: Clock) -> Iterator[Shifted]:
    environment = SECRETS | clock.environment | {"DATABASE_URL": url}
    with serving_process(tmp_path, environment=environment) as server:
        yield Shifted(server, clock, url)


def test_after_the_clock_was_set_back_positions_and_times_go_on_and_history_is_right(
    shifted: Shifted, clock: Clock
) -> None:
    with (
        Outside(shifted.url) as outside,
        over_websocket(shifted.url, CHANGES, organization=ORGANIZATION) as payloads,
    ):
        shifted.tell(outside, user_in("ada"), user_in("ada", "eng"))
        clock.set(-HOUR)
        shifted.tell(outside, user_in("bob", "eng"), user_in("ada"), user_in("bob"), user_in("ada", "eng"))
        body = json.dumps(user_in("eve", "eng")).encode()
        assert outside.post(body, headers(body, at=time.time())).status_code == 401, "an hour ahead, by this clock"
        live = [change for _, change in zip(range(6), changes(payloads), strict=False)]
        assert live == outside.changes()[1:]
        logged = outside.ask(LOGGED, id=ORGANIZATION)["changes"]["nodes"]
        moments = [change["at"] for change in logged]
        assert moments == sorted(moments)
        assert [change["event"]["receivedAt"] for change in logged] == sorted(
            change["event"]["receivedAt"] for change in logged
        )
        history_is_right(outside, logged)
    shifted.is_unharmed()


def history_is_right(outside: Outside, logged: list[Json]) -> None:
    """After each moment, a user had what the changes up to it add up to."""
    for moment in {change["at"] for change in logged}:
        for user in ("ada", "bob"):
            held: set[str] = set()
            for change in logged:
                if change["userId"] == user and change["at"] <= moment:
                    (held.add if change["kind"] == "GRANTED" else held.discard)(change["roleName"])
            found = outside.ask(ROLES_AT, id=user, time=moment)["user"]["rolesAt"]
            assert {each["role"]["name"] for each in found} == held, (moment, user)


def test_grants_by_hand_end_by_the_clock_also_after_it_was_set_back(shifted: Shifted, clock: Clock) -> None:
    with Outside(shifted.url) as outside:
        soon = format_time(time.time_ns() + 60 * 10**9)
        outside.ask(GRANT, user="ada", role="seller", until=soon)
        clock.set(-HOUR)
        shifted.tell(outside, user_in("bob", "eng"))
        time.sleep(1.5)  # the sweep has looked
        assert outside.roles("ada") == {"deployer", "seller"}, "by this clock it has an hour more"
        clock.set(61)
        until(lambda: [change["kind"] for change in outside.changes()][-1] == "REVOKED")
        assert outside.roles("ada") == {"deployer"}
    shifted.is_unharmed()


def test_live_connections_go_on_when_the_clock_is_set_back(shifted: Shifted, clock: Clock) -> None:
    with (
        Outside(shifted.url) as outside,
        over_websocket(shifted.url, CHANGES, organization=ORGANIZATION) as payloads,
    ):
        clock.set(-HOUR)
        time.sleep(LONGER)
        shifted.tell(outside, user_in("bob", "eng"))
        assert next(changes(payloads))["userId"] == "bob"
    shifted.is_unharmed()
