"""How long after its answer a webhook's role change reaches a subscriber, against a bare route's round trip."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from bench.load import Job, Webhooks
from bench.probe import WARMING, Probes, Times
from bench.processes import Server, child, result_of
from bench.report import Findings, Row
from bench.setting import journaled, pair

PROBES_A_SECOND = 30  # about as many as fit, one after the other, with a pause between
BACKGROUND = 200.0  # events a second
LEAD = 1.5  # seconds for the background's client to sign and start


def measure(rounds: int, seconds: float, say: Callable[[str], None]) -> Findings:
    """Delays with nothing else to do, and with a background of events whose changes the subscriber gets too."""
    rows: list[Row] = []
    paces: list[float] = []
    with pair() as servers:
        for background in (0.0, BACKGROUND):
            load = f"{background:.0f} events/s" if background else "unloaded"
            say(f"answer to subscriber, {load}")
            found = []
            for turn in range(rounds):
                run = f"{background:.0f}_{turn}"
                count = int(seconds * PROBES_A_SECOND)
                with _busy(servers.rolecast, run, background, seconds):
                    start, before = time.monotonic(), journaled(servers.rolecast)
                    found.append(_probe(servers.rolecast, servers.bare, run, count))
                    pace = (journaled(servers.rolecast) - before - count - WARMING) / (time.monotonic() - start)
                paces += [pace] if background else []
            rows += _rows(load, found)
    note = "A delay would be negative where the change reached the subscriber before the sender its answer."
    return Findings(rows, [note, f"The background was {statistics.median(paces):.0f} events/s, beside the probes."])


def _rows(load: str, found: list[Times]) -> list[Row]:
    trips = [statistics.median(each.trips_ms) for each in found]
    delays = [statistics.median(each.delays_ms) for each in found]
    where = ("answer to subscriber", load)
    return [
        Row(*where, "median ms", delays, trips),
        Row(*where, "p95 ms", [_p95(each.delays_ms) for each in found], [_p95(each.trips_ms) for each in found]),
    ]


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def _probe(rolecast: Server, bare: Server, run: str, count: int) -> Times:
    job = Probes(rolecast=rolecast.port, bare=bare.port, run=run, count=count)
    with child("bench.probe", job) as process:
        return msgspec.json.decode(result_of(process, 30 + count), type=Times)


@contextmanager
def _busy(server: Server, run: str, rate: float, seconds: float) -> Iterator[None]:
    """The background, for longer than the probes take."""
    if not rate:
        yield
        return
    job = Job(port=server.port, requests=Webhooks(f"back_{run}"), connections=8, seconds=60 + seconds, rate=rate)
    with child("bench.load", job) as process:
        time.sleep(LEAD)
        yield
        if process.poll() is not None:
            raise RuntimeError("the background ended before the measurement")
