"""What has to be so after every fault: nothing told is missing, nothing is doubled, and nothing is left behind."""

from __future__ import annotations

import os
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
from tests.faults.insistent import FOUNDER, Load
from tests.processes import Server, rolecast
from tests.system.directory import Json
from tests.world import World

WEBHOOKS = Statement("SELECT id, position FROM journal WHERE source = 1 ORDER BY position")
HELD = Statement("""
    SELECT DISTINCT u.id, r.name FROM users u JOIN grants g ON g.user_key = u.key JOIN roles r ON r.key = g.role_key""")
GIVES = Statement("""
    SELECT g.id, r.name FROM mappings m JOIN groups g ON g.key = m.group_key JOIN roles r ON r.key = m.role_key""")
MORE_DESCRIPTORS = 8  # a pool opens its connections when they are needed
MORE_MEMORY = 24 << 20  # bytes: what an allocator keeps of a busy time; 8 MB were measured
PAGE = os.sysconf("SC_PAGE_SIZE")  # bytes


class Footprint(NamedTuple):
    """What a process takes, and whom its server serves."""

    descriptors: int
    memory: int  # bytes that are resident
    subscribers: int  # of all processes of the server


def is_unharmed(server: Server, before: Footprint, url: str, *loads: Load, others: Sequence[Json] = ()) -> None:
    """All that a fault may not have changed: the database of that URL is whole and clean, and the server is back."""
    is_whole(url, *loads, others=others)
    is_clean(server.folder, url)
    is_back(server, before)  # last: by now the subscribers' connections have ended


def is_whole(url: str, *loads: Load, others: Sequence[Json] = ()) -> None:
    """Every event that was told is in the journal once, at the position answered, and had its whole effect once.

    `others` are the events that were told besides the loads and the founder of their company: snapshots of users, in
    the order of their times.
    """
    world = World(Database(driven(url)))
    try:
        journal = [(id, position) for id, position in world.database.read_now(lambda session: WEBHOOKS.run(session))]
        senders = [sender for each in loads for sender in each.senders]
        told = [FOUNDER] * bool(loads) + [event for sender in senders for event in sender.events] + list(others)
        assert sorted(id for id, _ in journal) == sorted(event["id"] for event in told)
        positions = dict(journal)
        for answer in (answer for sender in senders for answer in sender.answers.values()):
            assert positions[answer["event"]] == answer["position"]
        holds_what_follows(world, told)
        takes_turns(world)
    finally:
        world.database.close()


def holds_what_follows(world: World, told: Sequence[Json]) -> None:
    """Every user has the roles of the groups that the last snapshot names, and no other."""
    gives, held = (_gathered(world, each) for each in (GIVES, HELD))
    last = {event["data"]["id"]: event["data"]["groups"] for event in told}
    for user, groups in last.items():
        assert held[user] == {role for group in groups for role in gives[group["id"]]}, user


def _gathered(world: World, pairs: Statement) -> defaultdict[str, set[str]]:
    gathered: defaultdict[str, set[str]] = defaultdict(set)
    for key, value in world.database.read_now(lambda session: pairs.run(session)):
        gathered[key].add(value)
    return gathered


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


def footprint(server: Server, process: int | None = None) -> Footprint:
    """As the kernel tells of the process that was started, or of the one given; the server tells its subscribers."""
    with urlopen(f"{server.url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    subscribers = sum(sample.value for sample in samples if sample.name == "rolecast_subscribers")
    proc = Path(f"/proc/{process or server.pid}")
    resident = int((proc / "statm").read_text().split()[1]) * PAGE
    return Footprint(len(os.listdir(proc / "fd")), resident, int(subscribers))


def is_back(server: Server, before: Footprint, seconds: float = 30.0, *, process: int | None = None) -> None:
    """Wait until the server, or one process of it, takes no more than before, and it serves as many."""
    deadline = time.monotonic() + seconds
    while not _within(now := footprint(server, process), before):
        assert time.monotonic() < deadline, f"{now} is not back at {before}"
        time.sleep(0.25)


def _within(now: Footprint, before: Footprint) -> bool:
    return (
        now.descriptors <= before.descriptors + MORE_DESCRIPTORS
        and now.memory <= before.memory + MORE_MEMORY
        and now.subscribers == before.subscribers
    )
