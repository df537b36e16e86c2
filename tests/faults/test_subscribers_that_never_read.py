"""Subscribers that never read cost the server little, the others nothing, and are ended."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.faults.followers import following
from tests.faults.hooks import SILENT, hooked
from tests.faults.sleepers import sleepers
from tests.faults.truth import footprint, is_back, is_unharmed
from tests.processes import SECRETS, serving_process
from tests.system.directory import Outside, user_in
from tests.system.waiting import until

CROWD = 300
TURNS = 8
EACH = 8
WIDE = 16_000  # characters that each change carries: 614 MB in all, if everything were kept for everyone
SILENT_SECONDS = 4
RESERVE = 32 << 20  # bytes that the allocator keeps of what was under way for everyone; 20 MB were measured


@pytest.mark.timeout(180)
def test_who_never_reads_is_ended_and_neither_fills_the_memory_nor_delays_anyone(tmp_path: Path) -> None:
    environment = SECRETS | hooked(tmp_path, SILENT.format(seconds=SILENT_SECONDS))
    with serving_process(tmp_path, environment=environment) as server, Outside(server.url) as outside:
        outside.role("deployer")
        crowd = [user_in(f"user_{number}", "crowd") for number in range(CROWD)]
        outside.tell(*crowd)
        outside.ask(
            'mutation ($text: String) { updateRole(input: {name: "deployer", description: $text}) { cursor } }',
            text=secrets.token_hex(WIDE // 2),
        )
        start = outside.head()
        before = footprint(server)
        before = before._replace(memory=before.memory + RESERVE)
        with following(start, server.url) as followers, sleepers(server.url, EACH) as asleep:
            until(lambda: footprint(server).subscribers == asleep + len(followers))
            for turn in range(TURNS):
                done = outside.unmaps("crowd", "deployer") if turn % 2 else outside.maps("crowd", "deployer")
                assert done["granted"] + done["revoked"] == CROWD
                for follower in followers:
                    until(lambda follower=follower, seen=CROWD * (turn + 1): len(follower.seen) == seen)  # type: ignore[misc]
            changes = outside.changes(start)
            for follower in followers:
                follower.sees(changes)
            is_back(server, before._replace(descriptors=before.descriptors + len(followers), subscribers=2))
            assert [follower.connections for follower in followers] == [1, 1], "they were never in want of anything"
        assert "Traceback" not in server.log
        is_unharmed(server, before, f"sqlite:///{tmp_path}/rolecast.db", others=crowd)
