from __future__ import annotations

import re
from typing import Any

import pytest

from schema.commands import CreateRole
from tests.schema.asker import ROOT, ask, of, statements
from tests.schema.company import EVERYTHING, company
from tests.world import World

WHOLE = EVERYTHING[EVERYTHING.index("fragment") :]
USERS = f'query($first: Int!) {{ users(organizationId: "org_acme", first: $first) {{ nodes {{ ...Whole }} }} }} {WHOLE}'
NESTED = """query($first: Int!) { organization(id: "org_acme") {
    users(first: $first) { totalCount nodes { id changes(first: 2) { totalCount nodes { roleName } } } }
    groups(first: $first) { nodes { members(first: 1) { totalCount nodes { id roles { role { name } } } } } }
    changes(first: $first) { nodes { role { name } user { email } event { id type } } } } }"""


def staffed(world: World, users: int) -> World:
    company(world)
    world.send(*(world.snapshot(f"user{each:03}", "eng", "ops", roles=("ghost", "viewer")) for each in range(users)))
    world.send(world.event("organization.directory_enabled", {"id": "dir_1", "provider": "OKTA"}))
    world.send(world.command(CreateRole(name="lacking", protected=True), None)).maps("nobodys", "lacking")
    return world.grants("user000", "viewer")


def cost(world: World, query: str, **variables: Any) -> int:
    with statements() as found:
        assert ask(world.database, query, **variables)
    return len(found)


@pytest.mark.parametrize("query", [USERS, NESTED], ids=["attributes", "lists with arguments"])
def test_sixty_users_take_no_more_selects_than_three(world: World, query: str) -> None:
    staffed(world, 60)
    assert cost(world, query, first=3) == cost(world, query, first=60)


def test_a_user_with_roles_and_permissions_takes_three_selects(world: World) -> None:
    staffed(world, 1)
    query = '{ user(id: "user000") { email roles { role { name } since } primaryRole { name } permissions { name } } }'
    ask(world.database, query)
    with statements() as found:
        ask(world.database, query)
    first = [re.findall(r"(?:FROM|JOIN) (?!json)(\w+)", text)[0] for text, _ in found]
    of_the_catalogue = ["roles", "permissions", "role_permissions", "default_roles"]  # a process keeps it
    assert first == ["log", *of_the_catalogue, "users", "grants"]


@pytest.mark.parametrize(
    ("selected", "unread"),
    [
        ("id email", "grants memberships groups mappings assertions changes hand_grants journal"),
        ("groups { id }", "grants mappings assertions changes directories"),
        ("roles { role { name } }", "memberships mappings groups changes"),  # hand_grants tell what is over
        ("organization { id }", "grants memberships mappings directories creators changes journal"),
        ("changes { totalCount }", "grants memberships journal"),
    ],
)
def test_what_is_not_selected_is_not_read(world: World, selected: str, unread: str) -> None:
    staffed(world, 2)
    with statements() as found:
        ask(world.database, f'{{ users(organizationId: "org_acme") {{ nodes {{ {selected} }} }} }}')
    text = " ".join(text for text, _ in found)
    assert [table for table in unread.split() if re.search(rf"(FROM|JOIN) {table}\b", text)] == []


def test_only_the_total_is_counted_and_only_when_asked_for(world: World) -> None:
    staffed(world, 2)
    with statements() as found:
        ask(world.database, '{ users(organizationId: "org_acme") { nodes { id } } }')
    assert not any("count(*)" in text for text, _ in found)
    with statements() as found:
        assert ask(world.database, '{ users(organizationId: "org_acme") { totalCount } }')["users"]["totalCount"] == 2
    assert not any("LIMIT" in text for text, _ in found)


def test_nested_lists_are_read_once_for_all_their_parents_however_they_are_named(world: World) -> None:
    staffed(world, 5)
    query = """{ users(organizationId: "org_acme") { nodes {
        a: changes(first: 1) { nodes { ...Name } } b: changes(first: 1) { nodes { ...Name } }
        c: changes(first: 2) { nodes { ...Name } } } } } fragment Name on RoleChange { roleName }"""
    with statements() as found:
        ask(world.database, query)
    assert len([text for text, _ in found if "FROM changes" in text]) == 2


BIG = "users groups memberships assertions grants hand_grants changes journal mappings".split()
# These may be gone through: SQLite names a row of values json_each, and a table by its alias.
LIGHT = re.compile(
    r"SCAN (json_each|asked|bounds|last|found|numbered|log|roles|permissions|role_permissions|default_roles"
    r"|CONSTANT ROW|\(.*)\b"
)
PLANNED = [
    (EVERYTHING, {"id": "user003"}),
    (USERS, {"first": 5}),
    (NESTED, {"first": 5}),
    ('{ users(organizationId: "org_acme", where: {groupId: "eng", role: "admin", search: "u"}) { totalCount } }', {}),
    ('{ users(organizationId: "org_acme", where: {withoutGroupReason: true}) { nodes { id } } }', {}),
    ('{ changes(organizationId: "org_acme", where: {userId: "user001", kind: GRANTED}) { nodes { at } } }', {}),
    ('{ events(organizationId: "org_acme") { nodes { id payload } totalCount } }', {}),
    ('{ event(id: "evt_000009") { changes { reasons { ... on MappedGroup { group { id } } } } } }', {}),
    ('{ group(id: "eng") { memberCount members(first: 2) { nodes { id } } } }', {}),
    ('{ user(id: "user003") { rolesAt(time: "2200-01-01T00:00:00Z") { role { name } } } }', {}),
    ('{ user(id: "user003") { explain(role: "admin") { missing } x: explain(role: "viewer") { missing } } }', {}),
    ('{ user(id: "user003") { explain(role: "lacking") { missing } } }', {}),
    ('{ check(userId: "user003", permission: "a:read", at: "2200-01-01T00:00:00Z") { allowed } }', {}),
    ('{ organization(id: "org_acme") { warnings { code } } }', {}),
    ('{ users(organizationId: "org_acme", where: {role: "viewer", withoutGroupReason: true}) { totalCount } }', {}),
    ('{ groups(organizationId: "org_acme", search: "e") { nodes { mappings { role { name } } } } }', {}),
]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # PostgreSQL's plan follows the size of the tables
@pytest.mark.parametrize(("query", "variables"), PLANNED)
def test_no_large_table_is_gone_through_for_one_user_or_one_page(
    world: World, query: str, variables: dict[str, Any]
) -> None:
    staffed(world, 20)
    with statements() as found:
        for viewer in (ROOT, of("org_acme")):
            ask(world.database, query, viewer, **variables)
    for text, parameters in found:

        def plan(session: Any, text: str = text, parameters: Any = parameters) -> list[str]:
            answer = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters)
            return [row[3] for row in answer]

        steps = world.database.read_now(plan)
        scans = [step for step in steps if "SCAN" in step and not LIGHT.match(step)]
        assert scans == [], (text, steps)
