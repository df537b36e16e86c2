"""What has to be so after every fault: nothing acknowledged is missing, nothing is doubled, `check` is clean."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from api.database import Database
from schema.kinds import Turn
from schema.sql import Statement
from tests.conftest import driven
from tests.faults.insistent import Load
from tests.processes import Server, rolecast
from tests.system.directory import Json
from tests.world import World

WEBHOOKS = Statement("SELECT id, position FROM journal WHERE source = 1 ORDER BY position")
HELD = Statement("""
    SELECT DISTINCT u.id, r.name FROM users u JOIN grants g ON g.user_key = u.key JOIN roles r ON r.key = g.role_key""")
MORE_DESCRIPTORS = 8  # a pool opens its connections when they are needed
MORE_MEMORY = 64 << 20  # bytes: what an allocator keeps of a busy time


def is_whole(url: str, *loads: Load, others: Sequence[Json] = ()) -> None:
    """Every event that was told is in the journal once, at the position answered, and had its whole effect once."""
    world = World(Database(driven(url)))
    try:
        journal = [(id, position) for id, position in world.database.read_now(lambda session: WEBHOOKS.run(session))]
        senders = [sender for each in loads for sender in each.senders]
        told = [event["id"] for sender in senders for event in sender.events] + ["evt_founder"]
        assert sorted(id for id, _ in journal) == sorted(told + [event["id"] for event in others])
        positions = dict(journal)
        for answer in (answer for sender in senders for answer in sender.answers.values()):
            assert positions[answer["event"]] == answer["position"]
        last = {event["data"]["id"]: event["data"]["groups"] for sender in senders for event in sender.events}
        held = _held(world)
        for user, groups in last.items():
            assert held[user] == {group["id"] for group in groups}, user
        takes_turns(world)
    finally:
        world.database.close()


def _held(world: World) -> defaultdict[str, set[str]]:
    held: defaultdict[str, set[str]] = defaultdict(set)
    for user, role in world.database.read_now(lambda session: HELD.run(session)):
        held[user].add(role)
    return held


def takes_turns(world: World) -> None:
    """No role was granted to who held it, none revoked from who did not: an event had its effect once."""
    holds: defaultdict[tuple[str, str], bool] = defaultdict(bool)
    for _, _, _, user, role, turn, _ in world.changes():
        if turn in (Turn.GRANTED, Turn.REVOKED):
            assert holds[user, role] is (turn == Turn.REVOKED), (user, role)
            holds[user, role] = turn == Turn.GRANTED


def is_clean(folder: Path, url: str) -> None:
    """`python -m api check` has nothing to say."""
    checked = rolecast(folder, "check", environment={"DATABASE_URL": url})
    assert (checked.returncode, checked.stdout.startswith("Clean")) == (0, True), checked


class Footprint(NamedTuple):
    """What a server process takes, and whom it serves."""

    descriptors: int
    memory: int
    subscribers: int


def footprint(server: Server) -> Footprint:
    """As the server itself tells it."""
    with urlopen(f"{server.url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found: defaultdict[str, float] = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] += sample.value
    names = ("process_open_fds", "process_resident_memory_bytes", "rolecast_subscribers")
    return Footprint(*(int(found[name]) for name in names))


def is_back(server: Server, before: Footprint, seconds: float = 30.0) -> None:
    """Wait until the server takes no more than before, and serves as many."""
    deadline = time.monotonic() + seconds
    while not _within(now := footprint(server), before):
        assert time.monotonic() < deadline, f"{now} is not back at {before}"
        time.sleep(0.25)


def _within(now: Footprint, before: Footprint) -> bool:
    return (
        now.descriptors <= before.descriptors + MORE_DESCRIPTORS
        and now.memory <= before.memory + MORE_MEMORY
        and now.subscribers == before.subscribers
    )
