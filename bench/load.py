"""The load generator, a process of its own: `python -m bench.load` reads a job, and writes what came of it."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import statistics
import sys
import time
from collections.abc import Iterator

import msgspec
import uvloop
from msgspec import structs

from bench import company
from bench.processes import Server, child, result_of
from bench.wire import PATIENCE, Connection, post

SIGNED_A_SECOND = 9_000  # deliveries are signed before the clock starts: as many as the bare route could take


class Webhooks(msgspec.Struct, frozen=True, tag=True):
    """Signed deliveries, each sent once."""

    run: str


class FirstUsers(msgspec.Struct, frozen=True, tag=True):
    """Everybody who is there from the start."""


class Queries(msgspec.Struct, frozen=True, tag=True):
    """GraphQL over HTTP; `ids` are the values of `$id`, in turn."""

    path: str
    query: str
    ids: list[str]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to send, and for how long. `rate` is requests a second; None is as fast as the connections can."""

    port: int
    requests: Webhooks | FirstUsers | Queries
    connections: int
    seconds: float
    rate: float | None = None


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: every answer was as expected.

    `busy` is the part of the time that the client itself computed, `served` the seconds that the server did.
    """

    answered: int
    seconds: float
    median_ms: float
    busy: float
    served: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answered / self.seconds

    @property
    def cost(self) -> float:
        """Microseconds of the server's processor time for an answer: other work on the machine changes it least."""
        return self.served / self.answered * 1e6


def load(server: Server, requests: Webhooks | FirstUsers | Queries, *, connections: int, seconds: float) -> Load:
    """Run one load to its end, in a process of its own. Raises RuntimeError when an answer is not as expected."""
    job = Job(port=server.port, requests=requests, connections=connections, seconds=seconds)
    with child("bench.load", job) as process:
        before = server.computed()
        found = msgspec.json.decode(result_of(process, seconds + 3 * PATIENCE), type=Load)
        return structs.replace(found, served=server.computed() - before)


def _made(job: Job) -> Iterator[bytes]:
    """The requests, ready to be written."""
    match job.requests:
        case Webhooks(run):
            fastest = min(SIGNED_A_SECOND, 4_000 * job.connections) if job.rate is None else job.rate
            return iter(list(company.deliveries(run, int(fastest * job.seconds) + 1)))
        case FirstUsers():
            return iter(list(company.first_deliveries()))
        case Queries(path, query, ids):
            headers = {"authorization": f"Bearer {company.API_KEY}", "accept": "application/json"}
            bodies = [json.dumps({"query": query, "variables": {"id": each}}).encode() for each in ids]
            return itertools.cycle([post(path, body, headers) for body in bodies])


class Driver:
    """Sends the requests over all connections at once, and takes the time of each answer."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._requests = _made(job)
        self._expected = 200 if isinstance(job.requests, Queries) else 201
        self._taken: list[float] = []

    async def run(self) -> Load:
        """The whole job, bounded in time."""
        connections = [await Connection.open(self._job.port) for _ in range(self._job.connections)]
        slots = itertools.count()
        gc.freeze()
        gc.disable()
        start, computed = time.perf_counter(), time.process_time()
        async with asyncio.timeout(self._job.seconds + PATIENCE):
            await asyncio.gather(*(self._send(connection, start, slots) for connection in connections))
        seconds, computed = time.perf_counter() - start, time.process_time() - computed
        for connection in connections:
            connection.close()
        median = statistics.median(self._taken) * 1000
        return Load(answered=len(self._taken), seconds=seconds, median_ms=median, busy=computed / seconds)

    async def _send(self, connection: Connection, start: float, slots: Iterator[int]) -> None:
        end = start + self._job.seconds
        for request in self._requests:
            if self._job.rate is not None:
                await asyncio.sleep(max(0.0, start + next(slots) / self._job.rate - time.perf_counter()))
            if (sent := time.perf_counter()) >= end:
                return
            answer = await connection.ask(request)
            if answer.status != self._expected or answer.body.startswith(b'{"errors"'):
                raise RuntimeError(f"answered {answer.status}: {answer.body[:300]!r}")
            self._taken.append(answer.at - sent)


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.buffer.readline(), type=Job)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(Driver(given).run())))
