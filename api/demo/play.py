"""Plays a made-up company to a running server, and compares what its users then hold with the truth."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from api.demo.company import ROLES, Step, Story, write_story
from api.signing import sign

T = TypeVar("T")

IN_FLIGHT = 16
ATTEMPTS = 8
LONGEST_WAIT = 5.0  # seconds between two attempts, whatever Retry-After says
RESIGN_AFTER = 240  # seconds; a signature is good for 300, and a duplicate repeats its delivery's as long as it is
MOST_PAGES = 5_000
AGAIN = {429, 500, 502, 503, 504}

CREATE_PERMISSION = "mutation ($name: String!) { createPermission(name: $name) { name } }"
CREATE_ROLE = "mutation ($input: CreateRoleInput!) { createRole(input: $input) { role { name } } }"
MAP_GROUP = "mutation ($group: ID!, $role: String!) { mapGroup(groupId: $group, role: $role) { version } }"
DEFAULT = "query ($organization: ID!) { organization(id: $organization) { defaultMemberRole { name } } }"
USERS = """query ($organization: ID!, $after: String) {
  users(organizationId: $organization, first: 200, after: $after) {
    nodes { id active roles { role { name } } } pageInfo { hasNextPage endCursor } } }"""


class Refusal(Exception):
    """Why the demo cannot go on, in one sentence that says what to do."""


async def play(
    url: str,
    secret: str,
    api_key: str | None,
    *,
    users: int,
    groups: int,
    rate: float,
    seed: int,
    organization: str,
    console: Console,
) -> int:
    """Play a company to the server at `url`, `rate` events a second, and return the exit code.

    It is 0 when everything was taken and, with an API key, every user holds the roles they should; 1 otherwise, with
    the reason printed. Each call is another run: its ids are new, only the organization's stays.
    """
    story = write_story(users=users, groups=groups, seed=seed, started_at=time.time_ns(), organization=organization)
    try:
        async with httpx.AsyncClient(base_url=url, timeout=30, headers={"content-type": "application/json"}) as client:
            return await _Player(client, secret, api_key, console).perform(story, rate)
    except (httpx.InvalidURL, Refusal) as refusal:
        console.print(f"The demo stops. {refusal}", style="red", markup=False)
        return 1


class _Player:
    def __init__(self, client: httpx.AsyncClient, secret: str, api_key: str | None, console: Console) -> None:
        self.client, self.secret, self.api_key, self.console = client, secret, api_key, console
        self.url = str(client.base_url).rstrip("/")
        self.sent: dict[str, dict[str, str]] = {}  # headers by event id, as last signed
        self.kinds: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.retries, self.seconds = 0, 0.0

    async def perform(self, story: Story, rate: float) -> int:
        await self.knock()
        if self.api_key:
            await self.register_roles()
        await self.post("opening", story.opening, rate)
        if self.api_key:
            pairs = [(group, role) for group, roles in story.mappings.items() for role in roles]
            await _each(pairs, lambda pair: self.ask(MAP_GROUP, group=pair[0], role=pair[1]))
        await self.post("playing", story.rest, rate)
        self.console.print(self.tally())
        if rejected := self.answers["202 REJECTED"]:
            self.console.print(f"{rejected} events were not understood; the journal says why.", style="red")
        return max(int(rejected > 0), await self.judge_roles(story))

    async def knock(self) -> None:
        try:
            sign(self.secret, "evt", 0, b"")
            await self.client.get("/healthz")
        except ValueError as error:
            raise Refusal(f"The webhook secret cannot be used: {error}.") from error
        except httpx.TransportError as error:
            raise Refusal(f"No server answers at {self.url}: start it with `make run`, or pass --url.") from error

    async def register_roles(self) -> None:
        for permission in sorted({name for names in ROLES.values() for name in names}):
            await self.ask(CREATE_PERMISSION, name=permission)
        for rank, (role, permissions) in enumerate(ROLES.items(), 1):
            about = {"name": role, "displayName": role.title(), "priority": rank * 10, "permissions": permissions}
            await self.ask(CREATE_ROLE, input=about)

    async def post(self, title: str, steps: list[Step], rate: float) -> None:
        began = time.perf_counter()
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        with Progress(*columns, console=self.console) as progress:
            task = progress.add_task(title, total=len(steps))
            await _each(steps, lambda step: self.deliver(step, lambda: progress.advance(task)), rate)
        self.seconds += time.perf_counter() - began

    async def deliver(self, step: Step, done: Callable[[], None]) -> None:
        event = step.payload["id"]
        body = json.dumps(step.payload).encode()
        response = await self.send("/webhook", body, lambda: self.signed(event, body))
        if response.status_code == 401:
            raise Refusal(
                "The server refuses the signature: play with its ROLECAST_WEBHOOK_SECRETS, on a clock like its own."
            )
        answer = _json(response)
        if response.status_code not in (201, 202) or "outcome" not in answer:
            raise Refusal(f"{self.url}/webhook answered {response.status_code} to {event}: see whether it is Rolecast.")
        self.kinds[step.kind] += 1
        self.answers[f"{response.status_code} {answer['outcome']}"] += 1
        self.latencies.append(response.elapsed.total_seconds())
        done()

    def signed(self, event: str, body: bytes) -> dict[str, str]:
        """Headers of this attempt; those of the attempt before, while they are good."""
        now = int(time.time())
        if now - int(self.sent.get(event, {}).get("webhook-timestamp", 0)) > RESIGN_AFTER:
            names = "webhook-id", "webhook-timestamp", "webhook-signature"
            self.sent[event] = dict(zip(names, (event, str(now), sign(self.secret, event, now, body)), strict=True))
        return self.sent[event]

    async def send(self, path: str, body: bytes, headers: Callable[[], dict[str, str]]) -> httpx.Response:
        """Post until the answer is not "later", ATTEMPTS times at most; raise Refusal after that."""
        trouble, pause = "", 0.0
        for attempt in range(ATTEMPTS):
            self.retries += attempt > 0
            await asyncio.sleep(pause)
            pause = min(LONGEST_WAIT, 0.2 * 2**attempt)
            try:
                response = await self.client.post(path, content=body, headers=headers())
            except httpx.TransportError as error:
                trouble = f"does not answer ({type(error).__name__})"
                continue
            if response.status_code not in AGAIN:
                return response
            trouble = f"answers {response.status_code}"
            self.answers[f"{response.status_code} (sent again)"] += 1
            if (asked := response.headers.get("retry-after", "")).isdecimal():
                pause = min(LONGEST_WAIT, float(asked))
        raise Refusal(f"{self.url}{path} {trouble}, {ATTEMPTS} times in a row: look at its log or lower --rate.")

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of a GraphQL answer; none on CONFLICT, which says that it is so already."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        response = await self.send("/graphql", body, lambda: {"authorization": f"Bearer {self.api_key}"})
        answer = _json(response)
        errors = answer.get("errors") or []
        code = (errors[0].get("extensions") or {}).get("code") if errors else None
        if response.status_code == 401 or code == "UNAUTHENTICATED":
            raise Refusal(
                "The server does not know the API key: set ROLECAST_API_KEY to its environment-wide write key."
            )
        if code == "CONFLICT":
            return {}
        if errors or not isinstance(answer.get("data"), dict):
            said = errors[0].get("message") if errors else f"status {response.status_code}, and no GraphQL"
            raise Refusal(f"{self.url}/graphql refuses what the demo asks: {said}")
        return dict(answer["data"])

    def tally(self) -> Table:
        table = Table("what", Column("count", justify="right"), title="Tally")
        for counter in (self.kinds, self.answers):
            for name, count in counter.most_common():
                table.add_row(name, str(count))
            table.add_section()
        milliseconds = sorted(latency * 1000 for latency in self.latencies)
        table.add_row("retries", str(self.retries))
        table.add_row("events a second", f"{len(milliseconds) / self.seconds:.1f}")
        table.add_row("median latency", f"{statistics.median(milliseconds):.1f} ms")
        table.add_row("p95 latency", f"{milliseconds[int(0.95 * (len(milliseconds) - 1))]:.1f} ms")
        return table

    async def judge_roles(self, story: Story) -> int:
        if not self.api_key:
            self.console.print("Nothing was mapped or checked without an API key: set ROLECAST_API_KEY for that.")
            return 0
        found = await self.read_users(story.organization)
        organization = (await self.ask(DEFAULT, organization=story.organization)).get("organization") or {}
        default = (organization.get("defaultMemberRole") or {}).get("name")
        wrong = []
        for person in story.people.values():
            want = person.active, story.roles_of(person.id, default)
            have = found.get(person.id, (False, set()) if person.deleted else None)
            if have != want:
                wrong.append(f"- {person.id} should be {_words(want)}, but is {_words(have)}")
        self.console.print(f"{len(story.people)} users checked, {len(wrong)} differ", style="red" if wrong else "green")
        self.console.print(*wrong[:10], sep="\n", end="\n" if wrong else "", markup=False)
        return 1 if wrong else 0

    async def read_users(self, organization: str) -> dict[str, tuple[bool, set[str]]]:
        found, after = {}, None
        for _ in range(MOST_PAGES):
            page = (await self.ask(USERS, organization=organization, after=after))["users"]
            for user in page["nodes"]:
                found[user["id"]] = user["active"], {held["role"]["name"] for held in user["roles"]}
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                return found
        raise Refusal(f"{organization} has more users than the demo reads back: play with another --organization.")


async def _each(items: Iterable[T], work: Callable[[T], Awaitable[Any]], rate: float = 0) -> None:
    """Do the work on every item, IN_FLIGHT at a time, started at `rate` a second (0: as fast as they are done)."""
    began, queue = time.perf_counter(), enumerate(items)

    async def worker() -> None:
        for number, item in queue:
            await asyncio.sleep(began + number / rate - time.perf_counter() if rate else 0)
            await work(item)

    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(IN_FLIGHT):
                workers.create_task(worker())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None  # the first has cancelled the others


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _words(standing: tuple[bool, set[str]] | None) -> str:
    if standing is None:
        return "unknown"
    return f"{'active' if standing[0] else 'inactive'} with {', '.join(sorted(standing[1])) or 'no role'}"
