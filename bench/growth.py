"""What grows with the number of users that are there: an event, one user's query, a page of a list, a live change."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import httpx
import msgspec
from sqlmodel import Session
from websockets.sync.client import ClientConnection, connect

from api.database import Database
from api.migrate import migrate
from api.signing import sign
from bench.company import API_KEY, SECRET
from bench.processes import Server, rolecast
from bench.report import Findings, Row
from bench.scale import apply, asked, told
from schema.commands import CreateRole, MapGroup
from schema.kinds import Kind, Turn
from schema.sql import Statement

SIZES = (1_000, 100_000, 1_000_000)
TIMES = 40  # of each measurement in a round
PATIENCE = 30.0  # seconds
GOAL = "<= 1.3"
USERS = Statement("""
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
    INSERT INTO users (key, id, organization_key, email, name, active, deleted, at, by)
    SELECT n, 'user_' || n, 1, 'user' || n || '@example.com', 'User ' || n, true, false, 1, 'evt' FROM numbers""")
MEMBERSHIPS = Statement("INSERT INTO memberships (user_key, group_key) SELECT key, 1 FROM users")
GRANTS = Statement(f"""
    INSERT INTO grants (user_key, role_key, kind, ref, since) SELECT key, 1, {Kind.MAPPED:d}, 1, 1 FROM users""")
CHANGES = Statement(f"""
    INSERT INTO changes (position, at, event_position, organization_key, user_key, role_key, turn, reasons)
    SELECT key, 1, 1, 1, key, 1, {Turn.GRANTED:d}, '[]' FROM users""")
ONE = "query($id: ID!) { user(id: $id) { id name email active roles { role { name } since } permissions { name } } }"
PAGE = """query($after: String) { users(organizationId: "org", first: 50, after: $after) {
    nodes { id name roles { role { name } } } pageInfo { hasNextPage endCursor } } }"""
FOLLOW = 'subscription { roleChanges(organizationId: "org") { userId kind } }'


class Company:
    """A server with so many users, as its clients see it."""

    def __init__(self, server: Server, size: int) -> None:
        self.size = size
        self._client = httpx.Client(
            base_url=server.url, timeout=PATIENCE, headers={"authorization": f"Bearer {API_KEY}"}
        )
        self._socket = self._listen(server)
        self._number = 0
        self._after: str | None = None

    def _listen(self, server: Server) -> ClientConnection:
        socket = connect(f"ws://127.0.0.1:{server.port}/graphql", subprotocols=["graphql-transport-ws"])  # type: ignore[list-item]  # a NewType of str
        self._say(socket, type="connection_init", payload={"Authorization": f"Bearer {API_KEY}"})
        socket.recv(PATIENCE)
        self._say(socket, type="subscribe", id="1", payload={"query": FOLLOW})
        time.sleep(0.5)
        return socket

    @staticmethod
    def _say(socket: ClientConnection, **message: object) -> None:
        socket.send(json.dumps(message))

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
        self._client.close()

    def _user(self) -> str:
        """Another one each time, from all over the table."""
        self._number += 1
        return f"user_{1 + self._number * 7919 % self.size}"

    def event(self) -> float:
        """Milliseconds to the answer of a webhook that changes no role."""
        return self._webhook([{"id": "group"}, {"id": f"other_{self._number % 7}"}])[0]

    def change(self) -> float:
        """Milliseconds from the answer of a webhook to the subscriber's having the change."""
        took, start = self._webhook([])
        self._socket.recv(PATIENCE)
        return (time.perf_counter() - start) * 1000 - took

    def one(self) -> float:
        """Milliseconds to the answer about one user."""
        return self._ask(ONE, id=self._user())

    def page(self) -> float:
        """Milliseconds to the next page of all users."""
        return self._ask(PAGE, after=self._after)

    def _webhook(self, groups: list[dict[str, str]]) -> tuple[float, float]:
        body = self._snapshot(groups)
        headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(time.time()))}
        headers["webhook-signature"] = sign(SECRET, "msg_1", int(headers["webhook-timestamp"]), body)
        start = time.perf_counter()
        self._client.post("/webhook", content=body, headers=headers).raise_for_status()
        return (time.perf_counter() - start) * 1000, start

    def _snapshot(self, groups: list[dict[str, str]]) -> bytes:
        now = time.time_ns()
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 10**9)) + f".{now % 10**9:09}Z"
        return msgspec.json.encode(
            {
                "id": f"evt_{now}",
                "type": "organization.directory.user_updated",
                "occurred_at": moment,
                "organization_id": "org",
                "data": {"id": self._user(), "groups": groups},
            }
        )

    def _ask(self, query: str, **variables: object) -> float:
        start = time.perf_counter()
        answer = self._client.post("/graphql", json={"query": query, "variables": variables}).json()
        took = (time.perf_counter() - start) * 1000
        if "errors" in answer:
            raise RuntimeError(f"GraphQL answered {answer['errors']}")
        if "users" in answer["data"]:
            page = answer["data"]["users"]["pageInfo"]
            self._after = page["endCursor"] if page["hasNextPage"] else None
        return took


MEASURES: dict[str, Callable[[Company], float]] = {
    "an event, durable": Company.event,
    "one user with roles": Company.one,
    "a page of 50 users with roles": Company.page,
    "answer to subscriber": Company.change,
}


def measure(rounds: int, seconds: float, say: Callable[[str], None]) -> Findings:
    """Each measure among few and many users, in turn, so that both sides of a ratio had the same machine."""
    with ExitStack() as stack:
        companies = []
        for size in SIZES:
            say(f"{size:,} users")
            companies.append(stack.enter_context(_company(size)))
        rows = [row for what, take in MEASURES.items() for row in _rows(what, take, companies, rounds, say)]
    note = f"Growth: each value beside that of {SIZES[0]:,} users, all of one organization and one group, over HTTP."
    return Findings(rows, [note])


def _rows(
    what: str, take: Callable[[Company], float], companies: list[Company], rounds: int, say: Callable[[str], None]
) -> Iterator[Row]:
    say(what)
    found: dict[int, list[float]] = {company.size: [] for company in companies}
    for number in range(rounds + 1):
        times: dict[int, list[float]] = {company.size: [] for company in companies}
        for _ in range(TIMES):
            for company in companies:
                times[company.size].append(take(company))
        for size, each in times.items():
            if number:  # the first round warms the pages
                found[size].append(statistics.median(each))
    for size in SIZES[1:]:
        yield Row(f"{what} (beside: {SIZES[0]:,} users)", f"{size:,} users", "ms", found[size], found[SIZES[0]], GOAL)


@contextmanager
def _company(size: int) -> Iterator[Company]:
    with rolecast(lambda folder: fill(folder, size)) as server:
        company = Company(server, size)
        try:
            yield company
        finally:
            company.close()


def fill(folder: Path, size: int) -> None:
    """An organization whose users are all in one mapped group, as settled as if each had come by webhook."""
    database = Database(f"sqlite:///{folder}/rolecast.db")
    migrate(database)
    apply(database, told(0, "organization.directory.group_created", {"id": "group", "display_name": "Everybody"}))
    apply(database, asked(1, CreateRole(name="reader"), None))
    apply(database, asked(2, MapGroup(group_id="group", role="reader")))
    database.write_now(partial(_fill, size=size))
    database.close()


def _fill(session: Session, size: int) -> None:
    USERS.run(session, count=size)
    for statement in (MEMBERSHIPS, GRANTS, CHANGES):
        statement.run(session)
