"""A server process killed or stopped under load: what was answered is on disk, once, with its whole effect."""

from __future__ import annotations

import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from api.database import Database
from schema.sql import Statement
from tests.api.graphql.clients import socket as websocket
from tests.api.graphql.clients import stream
from tests.processes import KEY, Server, rolecast
from tests.system.credentials import how_a_socket_ends
from tests.system.directory import AUTHORIZATION, Json, Outside, headers, user_in
from tests.world import World

SENDERS = 16
USERS_EACH = 4
GROUPS = ("eng", "ops", "sales", "law")
ROUNDS = 4
JOURNAL = Statement("SELECT id FROM journal WHERE source = 1 ORDER BY position")


class Sender:
    """Tells snapshots of its own users, one after the other, and remembers what became of each."""

    def __init__(self, number: int, seed: int) -> None:
        self.users = [f"user_{number}_{each}" for each in range(USERS_EACH)]
        self.dice = random.Random(seed * 1000 + number)
        self.answered: dict[str, Json] = {}  # answers by event id
        self.events: list[Json] = []
        self.may_hold: dict[str, list[set[str]]] = {user: [set()] for user in self.users}

    def send_until_it_fails(self, url: str, stop: threading.Event) -> None:
        """Send, each after the answer to the one before, until the server is gone."""
        with httpx.Client(base_url=url, timeout=20) as client:
            while not stop.is_set():
                groups = self.dice.sample(GROUPS, self.dice.randrange(len(GROUPS) + 1))
                user = self.dice.choice(self.users)
                event = user_in(user, *groups)
                self.events.append(event)
                self.may_hold[user].append(set(groups))  # until it is answered, either may be so
                try:
                    answer = post(client, event)
                except httpx.TransportError:
                    return
                if answer.status_code != 503:
                    assert answer.status_code == 201, answer.text
                    self.answered[event["id"]] = answer.json()
                    self.may_hold[user] = [set(groups)]

    def settle(self, roles: dict[str, set[str]]) -> None:
        """What the users hold is now known."""
        self.may_hold = {user: [roles[user]] for user in self.users}


def post(client: httpx.Client, event: Json) -> httpx.Response:
    body = json.dumps(event).encode()
    return client.post("/webhook", content=body, headers=headers(body))


def load(url: str, senders: list[Sender]) -> tuple[ThreadPoolExecutor, threading.Event]:
    """Set the senders off; leaving the pool's block waits until all have ended."""
    pool, stop = ThreadPoolExecutor(len(senders)), threading.Event()
    for sender in senders:
        pool.submit(sender.send_until_it_fails, url, stop)
    return pool, stop


def opened(folder: Path) -> World:
    return World(Database(f"sqlite:///{folder}/rolecast.db"))


def journal_ids(world: World) -> list[str]:
    """The ids of the webhooks in the journal, in its order."""
    ids: list[str] = world.database.read_now(lambda session: JOURNAL.scalars(session))
    return ids


def company(server: Server) -> None:
    """Each group gives the role of its name."""
    with Outside(server.url) as outside:
        outside.tell(user_in("founder", *GROUPS, id="evt_founder"))
        outside.role(*GROUPS)
        for group in GROUPS:
            outside.maps(group, group)


@pytest.mark.timeout(180)
def test_what_was_answered_survives_kill_9_once_and_with_its_effect(tmp_path: Path) -> None:
    server = Server(tmp_path)
    senders = [Sender(number, seed=7) for number in range(SENDERS)]
    try:
        server.start()
        company(server)
        for moment in random.Random(7).sample(range(30, 150), ROUNDS):
            pool, stop = load(server.url, senders)
            time.sleep(moment / 100)
            server.kill()
            stop.set()
            pool.shutdown(wait=True)
            compare(tmp_path, senders)
            server.start()
        assert sum(len(sender.answered) for sender in senders) > 100
        assert any(len(sender.events) > len(sender.answered) for sender in senders), "no kill met an event under way"
        send_everything_again(server, senders)
        compare(tmp_path, senders)
    finally:
        server.kill()
    checked = rolecast(tmp_path, "check")
    assert (checked.returncode, checked.stdout.startswith("Clean")) == (0, True), checked


def compare(folder: Path, senders: list[Sender]) -> None:
    """What is stored is what was answered; of what was not answered, all or nothing."""
    world = opened(folder)
    try:
        stored = journal_ids(world)
        assert len(stored) == len(set(stored))
        for sender in senders:
            assert set(sender.answered) <= set(stored)
            holds = {user: world.roles(user) for user in sender.users}
            for user, roles in holds.items():
                assert roles in sender.may_hold[user], (user, roles, sender.may_hold[user])
            sender.settle(holds)
        for answer in (answer for sender in senders for answer in sender.answered.values()):
            position = world.one("SELECT position FROM journal WHERE id = :id", id=answer["event"])
            assert position == answer["position"]
        assert world.drift() == []
    finally:
        world.database.close()


def send_again(url: str, sender: Sender, only: set[str] | None) -> None:
    """Send a sender's events once more, in their order; those known are answered like the first time."""
    with httpx.Client(base_url=url, timeout=20) as client:
        for event in sender.events:
            if only is None or event["id"] in only:
                response = post(client, event)
                assert response.status_code == 201, response.text
                assert response.json() == sender.answered.get(event["id"], response.json())


def send_everything_again(server: Server, senders: list[Sender]) -> None:
    """Repeats are answered like the first and change nothing; what never arrived arrives now."""
    world = opened(server.folder)
    changes, known = len(world.changes()), journal_ids(world)
    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(lambda sender: send_again(server.url, sender, set(known)), senders, timeout=60))
        assert len(world.changes()) == changes
        assert journal_ids(world) == known
        list(pool.map(lambda sender: send_again(server.url, sender, None), senders, timeout=60))
    assert sorted(journal_ids(world)) == sorted(
        [event["id"] for sender in senders for event in sender.events] + ["evt_founder"]
    )
    world.database.close()
    for sender in senders:
        for event in sender.events:
            sender.may_hold[event["data"]["id"]] = [{group["id"] for group in event["data"]["groups"]}]


def test_sigterm_under_load_answers_everything_it_accepted(tmp_path: Path) -> None:
    server = Server(tmp_path)
    senders = [Sender(number, seed=9) for number in range(SENDERS)]
    try:
        server.start()
        company(server)
        pool, stop = load(server.url, senders)
        time.sleep(1)
        began = time.monotonic()
        server.terminate()
        server.wait(10)
        assert time.monotonic() - began < 10
        stop.set()
        pool.shutdown(wait=True)
        world = opened(tmp_path)
        answered = {event for sender in senders for event in sender.answered}
        assert len(answered) > 50
        assert set(journal_ids(world)) - {"evt_founder"} == answered
        assert world.drift() == []
        world.database.close()
        assert "Traceback" not in server.log
    finally:
        server.kill()


def test_sigterm_ends_live_streams_and_the_process_within_ten_seconds(tmp_path: Path) -> None:
    server = Server(tmp_path)
    follow = "subscription { roleChanges { cursor } }"
    try:
        server.start()
        with (
            websocket(server.url, token=KEY) as live,
            stream(server.url, {"query": follow}, **AUTHORIZATION) as events,
        ):
            live.subscribe(follow)
            time.sleep(0.3)
            server.terminate()
            code, why = how_a_socket_ends(live)
            assert code == 1001
            assert 0.5 <= float(why.removeprefix("Going away: connect again in ").removesuffix(" s")) <= 3
            told = list(events)
            assert all(event.get("event") != "complete" for event in told), "which would tell it to stay away"
            assert 500 <= int(told[-1]["retry"]) <= 3000
            server.wait(5)
        assert "Traceback" not in server.log
    finally:
        server.kill()
