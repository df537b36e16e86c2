"""A made-up company as a directory tells of it: users in two to four of 200 groups, who join, move and are renamed."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from api.signing import sign
from bench.wire import post

ORGANIZATION = "org_bench"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # the example of Standard Webhooks; both servers are on loopback
API_KEY = "bench_only_key_of_a_throwaway_server"
GROUPS = 200
ROLES = 40
USERS = 5_000  # in the database before anything is measured

JOINERS = 0.25  # of the events; the others are about somebody known
MOVERS = 0.65  # of the others: they change one group, and so mostly a role; the rest change a title only


def user_id(number: int) -> str:
    """The id of a user that is there from the start."""
    return f"diruser_{number:06}"


def group_id(number: int) -> str:
    """The id of a group; group n gives role n modulo ROLES."""
    return f"dirgroup_{number:03}"


def snapshot(event: str, user: str, groups: list[int], *, title: str = "Engineer", at: int) -> bytes:
    """A `user_updated` as a directory sends it; `at` is in microseconds since the epoch."""
    occurred = datetime.fromtimestamp(at / 1e6, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    given, family = f"Given{user[-4:]}", f"Family{user[-6:]}"
    data = {
        "id": user,
        "organization_id": ORGANIZATION,
        "dp_id": f"00u{user}",
        "email": f"{user}@example.com",
        "active": True,
        "name": f"{given} {family}",
        "given_name": given,
        "family_name": family,
        "preferred_username": user,
        "groups": [{"id": group_id(each), "name": f"Group {each}"} for each in groups],
        "roles": [],
        "custom_attributes": {"cost_center": "4711", "title": title},
        "raw_attributes": {"userName": user, "title": title, "department": "Research", "locale": "en-GB"},
    }
    return _envelope(event, occurred, data)


def _envelope(event: str, occurred: str, data: dict[str, object]) -> bytes:
    envelope = {
        "spec_version": "1",
        "id": event,
        "type": "organization.directory.user_updated",
        "object": "DirectoryUser",
        "occurred_at": occurred,
        "environment_id": "env_bench",
        "organization_id": ORGANIZATION,
        "display_name": "User updated",
        "data": data,
    }
    return msgspec.json.encode(envelope)


def delivery(event: str, body: bytes) -> bytes:
    """A signed POST, ready to be written to a connection. It is good for five minutes."""
    now = int(time.time())
    headers = {"webhook-id": event, "webhook-timestamp": str(now), "webhook-signature": sign(SECRET, event, now, body)}
    return post("/webhook", body, headers)


def first_deliveries() -> Iterator[bytes]:
    """One delivery for each user that is there from the start."""
    dice, now = random.Random("first"), time.time_ns() // 1000
    for number in range(USERS):
        event = f"evt_first_{number}"
        yield delivery(event, snapshot(event, user_id(number), dice.sample(range(GROUPS), dice.randint(2, 4)), at=now))


def deliveries(run: str, count: int) -> Iterator[bytes]:
    """`count` deliveries of a company at work, in the order they occur; no other `run` has the same ids."""
    dice, now = random.Random(run), time.time_ns() // 1000
    groups: dict[str, list[int]] = {}
    known = [user_id(number) for number in range(USERS)]
    for number in range(count):
        event = f"evt_{run}_{number}"
        joins = dice.random() < JOINERS
        user = f"diruser_{run}_{number:06}" if joins else dice.choice(known)
        if joins:
            known.append(user)
        if user not in groups:
            groups[user] = dice.sample(range(GROUPS), dice.randint(2, 4))
        elif dice.random() < MOVERS:
            groups[user] = [*groups[user][1:], dice.randrange(GROUPS)]
        yield delivery(event, snapshot(event, user, groups[user], title=f"Engineer {number}", at=now + number))
