"""The prober, a process of its own: it posts webhooks one by one and subscribes, and both times are of its clock."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import msgspec
import uvloop
from websockets.asyncio.client import ClientConnection, connect

from bench.company import API_KEY, ORGANIZATION, delivery, snapshot
from bench.wire import Connection

PAUSE = 0.01  # seconds between probes: each finds the server at rest, but for the background
WARMING = 10  # probes that do not count
WITHIN = 5.0  # seconds; a change that takes longer is a failed measurement
SUBSCRIPTION = "subscription($id: ID!) { roleChanges(organizationId: $id) { kind userId roleName cursor } }"


class Probes(msgspec.Struct, frozen=True, kw_only=True):
    """How often to ask which servers; no other `run` has the same users."""

    rolecast: int
    bare: int
    run: str
    count: int


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """For each probe, milliseconds from the answer to the change, and for a request to the bare route and back."""

    delays_ms: list[float]
    trips_ms: list[float]


class Subscriber:
    """A frontend that follows its organization, and knows when it was told of whom."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._awaited: dict[str, asyncio.Future[float]] = {}

    async def subscribe(self) -> None:
        """Speak graphql-transport-ws until changes may come."""
        await self._say({"type": "connection_init", "payload": {"Authorization": f"Bearer {API_KEY}"}})
        welcome = json.loads(await asyncio.wait_for(self._socket.recv(), WITHIN))
        if welcome["type"] != "connection_ack":
            raise RuntimeError(f"the socket said {welcome}")
        payload = {"query": SUBSCRIPTION, "variables": {"id": ORGANIZATION}}
        await self._say({"type": "subscribe", "id": "1", "payload": payload})
        await asyncio.sleep(0.3)

    async def listen(self) -> None:
        """Note when each change arrives."""
        async for text in self._socket:
            now, message = time.perf_counter(), json.loads(text)
            if message["type"] != "next":
                raise RuntimeError(f"the socket said {message}")
            awaited = self._awaited.pop(message["payload"]["data"]["roleChanges"]["userId"], None)
            if awaited is not None and not awaited.done():
                awaited.set_result(now)

    def told_of(self, user: str) -> asyncio.Future[float]:
        """When this user's change arrives."""
        return self._awaited.setdefault(user, asyncio.get_running_loop().create_future())

    async def _say(self, message: object) -> None:
        await self._socket.send(json.dumps(message))


async def probe(job: Probes) -> Times:
    """Time every probe, the bare route's right after ours."""
    times = Times(delays_ms=[], trips_ms=[])
    ours, theirs = await Connection.open(job.rolecast), await Connection.open(job.bare)
    url = f"ws://127.0.0.1:{job.rolecast}/graphql"
    async with connect(url, subprotocols=["graphql-transport-ws"], open_timeout=WITHIN, close_timeout=1) as socket:  # type: ignore[list-item]
        subscriber = Subscriber(socket)
        await subscriber.subscribe()
        listening = asyncio.create_task(subscriber.listen())
        for number in range(-WARMING, job.count):
            delay, trip = await _once(job, number, ours, theirs, subscriber)
            if number >= 0:
                times.delays_ms.append(delay * 1000)
                times.trips_ms.append(trip * 1000)
            await asyncio.sleep(PAUSE)
        listening.cancel()
    return times


async def _once(
    job: Probes, number: int, ours: Connection, theirs: Connection, subscriber: Subscriber
) -> tuple[float, float]:
    """A new user joins one group, which gives one role: the delay of that change, and a bare route's round trip."""
    event, user = f"evt_probe_{job.run}_{number}", f"diruser_probe_{job.run}_{number}"
    request = delivery(event, snapshot(event, user, [number % 200], at=time.time_ns() // 1000))
    told = subscriber.told_of(user)
    async with asyncio.timeout(WITHIN):
        answer = await ours.ask(request)
        received = await told
        start = time.perf_counter()
        bare = await theirs.ask(request)
    if (answer.status, bare.status) != (201, 201):
        raise RuntimeError(f"a probe was answered {answer.status} and {bare.status}: {answer.body[:300]!r}")
    return received - answer.at, bare.at - start


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.buffer.readline(), type=Probes)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(probe(given))))
