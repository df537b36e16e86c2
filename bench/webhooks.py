"""Signed webhooks a second, each answered when it is durable and in force, against a route that keeps nothing."""

from __future__ import annotations

from collections.abc import Callable

from bench.company import USERS
from bench.load import Load, Webhooks, load
from bench.processes import syncing
from bench.report import Findings, Row, at, rows_of
from bench.setting import Pair, journaled, pair

CONNECTIONS = (1, 16, 64)
GOALS = {64: ">= 0.25, later 0.5"}


def measure(rounds: int, seconds: float, say: Callable[[str], None]) -> Findings:
    """Rates at each number of connections. Raises RuntimeError if the journal does not hold what was acknowledged."""
    rows: list[Row] = []
    busiest, acknowledged = 0.0, USERS
    with pair() as servers:
        for connections in CONNECTIONS:
            say(f"webhooks {at(connections)}")
            ours, theirs = [], []
            for turn in range(rounds):
                ours.append(_load(servers, f"{connections}_{turn}", connections, seconds, bare=False))
                theirs.append(_load(servers, f"{connections}_{turn}", connections, seconds, bare=True))
            acknowledged += sum(each.answered for each in ours)
            busiest = max(busiest, *(each.busy for each in ours + theirs))
            rows += rows_of("signed webhooks, durable", at(connections), ours, theirs, GOALS.get(connections, ""))
        kept = journaled(servers.rolecast)
    if kept != acknowledged:
        raise RuntimeError(f"{acknowledged} webhooks were answered 201, and the journal holds {kept}")
    return Findings(
        rows,
        [
            f"Every webhook was answered 201, and the journal held exactly the {kept:,} that were.",
            f"The disk took {syncing():.2f} ms (median) to sync 8 KB; a commit needs one, and a batch shares a commit.",
            f"The load generator was computing for at most {busiest:.0%} of a run, so it was not what was measured.",
        ],
    )


def _load(servers: Pair, run: str, connections: int, seconds: float, *, bare: bool) -> Load:
    server = servers.bare if bare else servers.rolecast
    return load(server, Webhooks(run), connections=connections, seconds=seconds)
