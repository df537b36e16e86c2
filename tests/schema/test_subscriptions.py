from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from schema.queries.changes import changes_head
from schema.queries.journal import journal_head
from tests.schema.asker import ROOT, SCHEMA, Asker, Followed, as_user, coded, of
from tests.schema.company import another, company
from tests.world import World

CHANGES = """subscription($organization: ID, $user: ID, $roles: [String!], $after: Cursor) {
    roleChanges(organizationId: $organization, userId: $user, roles: $roles, after: $after) {
      cursor kind roleName userId user { email } event { type } reasons { ... on MappedGroup { groupName } } } }"""
ROLES = """subscription($user: ID!) { userRoles(userId: $user) {
    cursor user { roles { role { name } } } changes { kind roleName cursor } } }"""
EVENTS = "subscription($organization: ID) { events(organizationId: $organization) { type payload } }"


@pytest.fixture
def two(world: World) -> World:
    company(world).joins("ada", "eng")
    another(world)
    return world


def live(world: World, work: Callable[[Asker], Awaitable[None]]) -> None:
    async def run() -> None:
        async with Asker(world.database).running() as asker:
            await asyncio.wait_for(work(asker), 20)
            assert asker.feed.listeners() == 0

    asyncio.run(run())


async def after(asker: Asker, happen: Callable[[], object]) -> None:
    """Let something happen in the directory, and the feed hear of it."""
    await asyncio.to_thread(happen)
    asker.feed.committed(*await asker.database.read(lambda session: (changes_head(session), journal_head(session))))


def test_changes_are_told_as_they_are_committed_with_what_was_selected(two: World) -> None:
    async def work(asker: Asker) -> None:
        stream = await asker.follow(CHANGES, of("org_acme"), organization="org_acme")
        await after(asker, lambda: two.joins("ada", "ops"))
        changes = sorted([await stream.told(), await stream.told()], key=lambda change: str(change["kind"]))
        assert [(each["kind"], each["roleName"]) for each in changes] == [("GRANTED", "viewer"), ("REVOKED", "admin")]
        assert changes[0]["reasons"] == [{"groupName": "Ops"}]
        assert changes[0]["user"] == {"email": "ada@acme.example"}
        await stream.end()

    live(two, work)


def test_a_cursor_resumes_after_it_and_goes_on_live(two: World) -> None:
    async def work(asker: Asker) -> None:
        whole = await asker.follow(CHANGES, after=None, organization="org_acme")
        await after(asker, lambda: two.joins("bea", "ops"))
        first = await whole.told()
        await whole.end()
        await after(asker, lambda: two.joins("bea", "eng"))
        resumed = await asker.follow(CHANGES, organization="org_acme", after=first["cursor"])
        await after(asker, lambda: two.joins("cleo", "eng"))
        users = [(await resumed.told())["userId"] for _ in range(3)]
        assert users == ["bea", "bea", "cleo"]
        await resumed.end()

    live(two, work)


def test_only_the_roles_asked_for_are_told(two: World) -> None:
    async def work(asker: Asker) -> None:
        stream = await asker.follow(CHANGES, roles=["viewer"])
        await after(asker, lambda: two.joins("bea", "eng").joins("cleo", "ops"))
        assert (await stream.told())["userId"] == "cleo"
        await stream.end()

    live(two, work)


def test_another_organizations_changes_are_not_told(two: World) -> None:
    async def work(asker: Asker) -> None:
        stream = await asker.follow(CHANGES, of("org_other"), organization="org_other")
        await after(asker, lambda: two.joins("bea", "eng"))
        await after(asker, lambda: World(two.database, "org_other").joins("eve", at=10_000))
        assert (await stream.told())["userId"] == "eve"
        await stream.end()

    live(two, work)


def test_user_roles_tells_what_is_held_and_then_each_change_without_a_gap_or_a_double(two: World) -> None:
    two.joins("ada", "eng", "ops")

    async def work(asker: Asker) -> None:
        stream = await asker.follow(ROLES, as_user("ada"), user="ada")
        first = await stream.told()
        assert [role["role"]["name"] for role in first["user"]["roles"]] == ["admin", "viewer"]
        assert first["changes"] == []
        await after(asker, lambda: two.joins("bea", "ops").joins("ada", "ops"))
        second = await stream.told()
        assert [role["role"]["name"] for role in second["user"]["roles"]] == ["viewer"]
        assert [(change["kind"], change["roleName"]) for change in second["changes"]] == [("REVOKED", "admin")]
        assert second["cursor"] >= second["changes"][0]["cursor"] > first["cursor"]
        await stream.end()

    live(two, work)


def test_a_change_between_the_joining_and_the_first_read_is_told_once(two: World) -> None:
    async def work(asker: Asker) -> None:
        read, reads = asker.database.read, 0

        async def slow(reading: Any) -> Any:
            nonlocal reads
            reads += 1
            if reads == 2:  # the feed is joined, and what is held is about to be read
                await after(asker, lambda: two.joins("ada", "ops"))
            return await read(reading)

        context = asker.context(ROOT)
        context.read = slow
        stream: Any = await SCHEMA.subscribe(ROLES, variable_values={"user": "ada"}, context_value=context)
        followed = Followed(stream)
        first = await followed.told()
        assert [role["role"]["name"] for role in first["user"]["roles"]] == ["viewer"]
        await after(asker, lambda: two.joins("ada", "eng"))
        second = await followed.told()
        assert sorted(change["roleName"] for change in second["changes"]) == ["admin", "viewer"]
        await followed.end()

    live(two, work)


def test_the_journal_is_told_live(two: World) -> None:
    async def work(asker: Asker) -> None:
        stream = await asker.follow(EVENTS, of("org_acme"), organization="org_acme")
        everything = await asker.follow(EVENTS, ROOT)
        await after(asker, lambda: two.send(two.event("role.deleted", {"name": "viewer"})).joins("ada"))
        event = await stream.told()
        assert event["type"] == "organization.directory.user_updated"
        assert event["payload"]["data"]["id"] == "ada"
        assert [(await everything.told())["type"] for _ in range(2)] == ["role.deleted", event["type"]]
        await stream.end()
        await everything.end()

    live(two, work)


def test_what_is_out_of_sight_is_refused_before_anything_is_followed(two: World) -> None:
    cases: list[tuple[str, Any, dict[str, Any], str]] = [
        (CHANGES, of("org_other"), {}, "FORBIDDEN"),
        (CHANGES, of("org_other"), {"roles": ["admin"]}, "FORBIDDEN"),
        (CHANGES, of("org_other"), {"organization": "org_acme"}, "NOT_FOUND"),
        (CHANGES, of("org_other"), {"user": "ada"}, "NOT_FOUND"),
        (CHANGES, ROOT, {"user": "ada", "organization": "org_other"}, "NOT_FOUND"),
        (CHANGES, as_user("ada"), {"organization": "org_acme"}, "NOT_FOUND"),
        (CHANGES, as_user("ada"), {}, "FORBIDDEN"),
        (CHANGES, ROOT, {"after": "nonsense"}, "CURSOR_EXPIRED"),
        (ROLES, as_user("bea"), {"user": "ada"}, "NOT_FOUND"),
        (ROLES, of("org_other"), {"user": "ada"}, "NOT_FOUND"),
        (EVENTS, of("org_other"), {}, "FORBIDDEN"),
        (EVENTS, of("org_other"), {"organization": "org_acme"}, "NOT_FOUND"),
    ]

    async def work(asker: Asker) -> None:
        for query, viewer, variables, code in cases:
            stream = await asker.follow(query, viewer, **variables)
            assert coded(await stream.result())[0] == code, (query, variables)
            await stream.end()

    live(two, work)
