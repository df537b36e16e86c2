"""Two thousand sockets that come and go, after the first five hundred, leave nothing."""

from __future__ import annotations

import asyncio
import json
import resource
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.faults.truth import footprint, is_unharmed
from tests.processes import Server, serving_process
from tests.system.directory import AUTHORIZATION, Outside, user_in
from tests.system.following import CHANGES
from tests.system.waiting import until

WAVES, SOCKETS = 5, 500
AT_ONCE = 50  # handshakes; more would only wait in the server's backlog
LEAVES = 8 << 10  # bytes a socket, in each wave; measured were 3 in the wave that left least
RESERVE = 32 << 20  # bytes that the allocator keeps of the fullest wave; 21 MB were measured
GRACE = 200  # descriptors for everything else
pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def descriptors() -> Iterator[None]:
    """Room for a wave in this process, and in the server, which inherits it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, SOCKETS + GRACE)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def _subscribed(url: str, door: asyncio.Semaphore) -> ClientConnection:
    async with door:
        address = url.replace("http", "ws", 1) + "/graphql"
        protocols = [Subprotocol("graphql-transport-ws")]
        socket = await connect(address, subprotocols=protocols, open_timeout=30, compression=None)
        await socket.send(json.dumps({"type": "connection_init", "payload": AUTHORIZATION}))
        assert json.loads(await socket.recv()) == {"type": "connection_ack"}
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": CHANGES}}))
        return socket


async def _wave(server: Server, politely: bool) -> None:
    """They come, each is told of one change, and they go: with a close, or without a word."""
    door = asyncio.Semaphore(AT_ONCE)
    sockets = await asyncio.gather(*(_subscribed(server.url, door) for _ in range(SOCKETS)))
    await asyncio.to_thread(until, lambda: footprint(server).subscribers == SOCKETS, 20)
    with Outside(server.url) as outside:
        turn = outside.unmaps if outside.roles("ada") else outside.maps
        await asyncio.to_thread(turn, "eng", "deployer")
    for socket in sockets:
        told = json.loads(await asyncio.wait_for(socket.recv(), 20))
        assert told["payload"]["data"]["roleChanges"]["userId"] == "ada"
    if politely:
        await asyncio.gather(*(socket.close() for socket in sockets))
    else:
        for socket in sockets:
            socket.transport.abort()
        await asyncio.gather(*(socket.wait_closed() for socket in sockets))


@pytest.mark.usefixtures("descriptors")
def test_two_thousand_sockets_that_come_and_go_leave_nothing(tmp_path: Path) -> None:
    with serving_process(tmp_path) as server:
        ada = user_in("ada", "eng")
        with Outside(server.url) as outside:
            outside.tell(ada)
            outside.role("deployer")
        before = footprint(server)
        memory = []  # after each wave
        for wave in range(WAVES):
            asyncio.run(_wave(server, politely=bool(wave % 2)))
            until(lambda: footprint(server).subscribers == 0, 20)
            memory.append(footprint(server).memory)
        growth = [later - earlier for earlier, later in pairwise(memory)]
        assert min(growth) < SOCKETS * LEAVES, f"every wave left something: {growth}"
        before = before._replace(memory=memory[0] + RESERVE)
        is_unharmed(server, before, f"sqlite:///{tmp_path}/rolecast.db", others=[ada])
        assert "Traceback" not in server.log
