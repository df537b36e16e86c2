"""Live reading over real sockets while webhooks flow: each change once, in order, and nothing after its right ended."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from gql import Client, gql
from gql.transport.websockets import WebsocketsTransport

from schema.cursors import format_cursor
from tests.system.directory import AUTHORIZATION, ORGANIZATION, Json, event, group_deleted, user_in
from tests.system.following import CHANGES, TRANSPORTS, Follow, changes, code, over_sse, over_websocket
from tests.system.served import Served
from tests.system.waiting import listens, until

follows = pytest.mark.parametrize("follow", TRANSPORTS.values(), ids=list(TRANSPORTS))


@contextmanager
def webhooks(served: Served, count: int) -> Iterator[threading.Event]:
    """Let people join and leave side by side while the block lasts; the event is set when all have been told."""
    dice, done = random.Random(count), threading.Event()
    events = [
        user_in(f"user_{dice.randrange(12)}", *dice.sample(("eng", "sales", "law"), dice.randrange(4)))
        for _ in range(count)
    ]

    def tell() -> None:
        served.tell_at_once(events, senders=4)
        done.set()

    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(tell)
        yield done
        told.result(60)


@follows
def test_a_subscriber_that_comes_and_goes_gets_every_change_once_and_in_order(company: Served, follow: Follow) -> None:
    start = after = company.head()
    seen: list[Json] = []
    with webhooks(company, 250) as done:
        for stay in (1, 2, 7, 30, 60):
            with follow(company.url, CHANGES, organization=ORGANIZATION, after=after) as payloads:
                for _, change in zip(range(stay), changes(payloads), strict=False):
                    seen.append(change)
            after = seen[-1]["cursor"]
        assert done.wait(60)
    logged = company.changes(start)
    assert len(logged) > 100
    with follow(company.url, CHANGES, organization=ORGANIZATION, after=after) as payloads:
        for change in changes(payloads):
            seen.append(change)
            if change["cursor"] == logged[-1]["cursor"]:
                break
    assert seen == logged
    assert [change["cursor"] for change in seen] == sorted({change["cursor"] for change in seen})


def test_whoever_joins_in_the_middle_of_the_flow_meets_the_live_end_without_gap_or_double(company: Served) -> None:
    start = company.head()

    def follow(number: int) -> list[str]:
        time.sleep(number / 25)  # all along the second that the flow takes
        seen: list[str] = []
        with over_websocket(company.url, CHANGES, organization=ORGANIZATION, after=start) as payloads:
            for change in changes(payloads):
                seen.append(change["cursor"])
                if change["userId"] == "last":
                    return seen
        raise AssertionError("the stream ended")

    with ThreadPoolExecutor(25) as pool:
        with webhooks(company, 150):
            followers = [pool.submit(follow, number) for number in range(25)]
        company.tell(user_in("last", "eng"))
        logged = [change["cursor"] for change in company.changes(start)]
        for follower in followers:
            assert follower.result(30) == logged


@follows
def test_without_a_cursor_a_subscriber_hears_from_now_on(company: Served, follow: Follow) -> None:
    with follow(company.url, CHANGES, organization=ORGANIZATION) as payloads:
        listens(company)
        company.tell(user_in("eve", "eng"))
        change = next(changes(payloads))
        assert (change["kind"], change["userId"], change["roleName"]) == ("GRANTED", "eve", "deployer")
        company.tell(user_in("eve"))
        change = next(changes(payloads))
        assert (change["kind"], change["userId"], change["roleName"]) == ("REVOKED", "eve", "deployer")


def test_filters_choose_by_organization_user_and_role(company: Served) -> None:
    company.tell(user_in("zoe", "other_eng", organization_id="org_other"))
    company.maps("other_eng", "deployer")
    after = company.head()
    company.tell(
        user_in("ada", "sales"),
        user_in("zoe", organization_id="org_other"),
        user_in("bob", "sales", "eng"),
        user_in("end", "sales", "eng"),
    )

    def sees(*expected: tuple[str, str], **variables: object) -> bool:
        with over_websocket(company.url, CHANGES, after=after, **variables) as payloads:
            found = [(each["userId"], each["roleName"]) for _, each in zip(expected, changes(payloads), strict=False)]
        return sorted(found) == sorted(expected)

    ada, bob, zoe = [("ada", "deployer"), ("ada", "seller")], ("bob", "deployer"), ("zoe", "deployer")
    end = [("end", "deployer"), ("end", "seller")]
    assert sees(*ada, zoe, bob, *end)
    assert sees(*ada, bob, *end, organization=ORGANIZATION)
    assert sees(zoe, organization="org_other")
    assert sees(*end, user="end")
    assert sees(bob, user="bob", organization=ORGANIZATION)
    assert sees(ada[1], end[1], roles=["seller"], organization=ORGANIZATION)
    assert sees(ada[0], zoe, bob, end[0], roles=["deployer"])


@follows
def test_user_roles_begins_with_what_is_held_and_misses_nothing_after(company: Served, follow: Follow) -> None:
    query = """subscription ($user: ID!) { userRoles(userId: $user) {
        cursor user { roles { role { name } } } changes { kind roleName } } }"""

    def held(payload: Json) -> set[str]:
        return {each["role"]["name"] for each in payload["data"]["userRoles"]["user"]["roles"]}

    with follow(company.url, query, user="ada") as payloads:
        first = next(payloads)
        assert held(first) == {"deployer"}
        assert first["data"]["userRoles"]["changes"] == []
        company.tell(user_in("bob", "eng"), user_in("ada", "sales"))
        second = next(payloads)
        assert held(second) == {"seller"}
        assert sorted((each["kind"], each["roleName"]) for each in second["data"]["userRoles"]["changes"]) == [
            ("GRANTED", "seller"),
            ("REVOKED", "deployer"),
        ]
        company.tell(event("organization.directory.user_deleted", {"id": "ada"}))
        assert held(next(payloads)) == set()


@follows
def test_the_journal_is_live_with_what_became_of_each_event(company: Served, follow: Follow) -> None:
    query = "subscription ($id: ID) { events(organizationId: $id) { id type source outcome actor } }"
    with follow(company.url, query, id=ORGANIZATION) as payloads:
        listens(company)
        company.tell(user_in("eve", "law", id="evt_eve"))
        company.tell(user_in("zoe", organization_id="org_other"), user_in("eve", second=0, id="evt_late"))
        command = company.maps("law", "seller")["event"]
        found = [next(payloads)["data"]["events"] for _ in range(3)]
    assert [(each["id"], each["source"], each["outcome"], each["actor"]) for each in found] == [
        ("evt_eve", "WEBHOOK", "APPLIED", "directory"),
        ("evt_late", "WEBHOOK", "SUPERSEDED", "directory"),
        (command["id"], "ADMIN", "APPLIED", "api_key:ROLECAST_API_KEY"),
    ]


@follows
def test_a_cursor_that_this_log_never_gave_is_expired(company: Served, follow: Follow) -> None:
    log, position = company.head().split("-")[1:]
    foreign = "0" * 8 if log != "0" * 8 else "1" * 8
    for cursor in (
        "",
        "garbage",
        "c1-\xb2\xb2-0",
        format_cursor(foreign, 0),
        format_cursor(log, int(position, 16) + 1),
        format_cursor(log, 2**63),
        f"c1-{log}-{'f' * 16}",
    ):
        with follow(company.url, CHANGES, organization=ORGANIZATION, after=cursor) as payloads:
            assert code(next(payloads)) == "CURSOR_EXPIRED", cursor
    until(lambda: company.service.feed.listeners() == 0)


def test_the_deletion_of_a_group_revokes_live(company: Served) -> None:
    company.tell(*(user_in(f"user_{number}", "eng") for number in range(5)))
    with over_sse(company.url, CHANGES, organization=ORGANIZATION) as payloads:
        listens(company)
        company.tell(group_deleted("eng"))
        gone = [next(changes(payloads)) for _ in range(6)]
    assert {change["kind"] for change in gone} == {"REVOKED"}
    assert {change["userId"] for change in gone} == {"ada"} | {f"user_{number}" for number in range(5)}
    assert company.roles("ada") == set()


def test_gql_over_a_websocket_follows_and_resumes(company: Served) -> None:
    head = company.head()
    company.tell(user_in("eve", "eng"))

    async def follow() -> list[str]:
        address = company.url.replace("http", "ws", 1) + "/graphql"
        transport = WebsocketsTransport(address, init_payload=dict(AUTHORIZATION))
        query, found = gql(CHANGES), []
        query.variable_values = {"organization": ORGANIZATION, "after": head}
        async with Client(transport=transport) as session, asyncio.timeout(10):
            async for result in session.subscribe(query):
                found.append(f"{result['roleChanges']['kind']} {result['roleChanges']['userId']}")
                if len(found) == 1:
                    await asyncio.to_thread(company.tell, user_in("eve"))
                else:
                    break
        return found

    assert asyncio.run(follow()) == ["GRANTED eve", "REVOKED eve"]
