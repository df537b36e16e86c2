from __future__ import annotations

from typing import Any

from schema.graphql.asking import format_key
from tests.schema.asker import ask, refusal
from tests.schema.company import another, company
from tests.world import World

CHANGES = """query($first: Int! = 50, $after: Cursor, $where: ChangeFilter) {
    changes(organizationId: "org_acme", first: $first, after: $after, where: $where) {
      totalCount pageInfo { hasNextPage endCursor } edges { cursor node { cursor userId roleName kind at } } } }"""
EVENTS = """query($organization: ID, $first: Int! = 50, $after: String, $where: EventFilter) {
    events(organizationId: $organization, first: $first, after: $after, where: $where) {
      totalCount pageInfo { hasNextPage endCursor } nodes { id type outcome source } } }"""


def told(world: World, **variables: Any) -> list[tuple[str, str, str]]:
    edges = ask(world.database, CHANGES, **variables)["changes"]["edges"]
    return [(edge["node"]["kind"], edge["node"]["userId"], edge["node"]["roleName"]) for edge in edges]


def test_the_change_log_is_paged_oldest_first_and_any_cursor_resumes_it(world: World) -> None:
    company(world).joins("ada", "eng", "ops").joins("bea", "ops").joins("ada", "ops")
    whole = told(world)
    assert whole == [
        ("GRANTED", "ada", "viewer"),
        ("GRANTED", "ada", "admin"),
        ("GRANTED", "bea", "viewer"),
        ("REVOKED", "ada", "admin"),
    ] or sorted(whole[:2]) == [("GRANTED", "ada", "admin"), ("GRANTED", "ada", "viewer")]
    page = ask(world.database, CHANGES, first=2)["changes"]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (4, True)
    assert page["edges"][1]["cursor"] == page["edges"][1]["node"]["cursor"] == page["pageInfo"]["endCursor"]
    assert told(world, after=page["pageInfo"]["endCursor"]) == whole[2:]
    head = ask(world.database, '{ organization(id: "org_acme") { head } }')["organization"]["head"]
    assert told(world, after=head) == []


def test_filters_of_changes_hold_together(world: World) -> None:
    company(world).joins("ada", "eng").joins("bea", "ops").joins("ada", "ops")
    assert told(world, where={"kind": "REVOKED"}) == [("REVOKED", "ada", "admin")]
    assert told(world, where={"userId": "ada", "role": "viewer"}) == [("GRANTED", "ada", "viewer")]
    assert told(world, where={"userId": "nobody"}) == []
    edges = ask(world.database, CHANGES)["changes"]["edges"]
    moment = edges[1]["node"]["at"]
    assert told(world, where={"until": moment}) == [("GRANTED", "ada", "admin")]
    assert told(world, where={"since": moment})[0] == ("GRANTED", "bea", "viewer")


def test_what_is_kept_for_other_reasons_is_no_change(world: World) -> None:
    company(world).joins("ada", "ops").grants("ada", "viewer").joins("ada")
    assert told(world) == [("GRANTED", "ada", "viewer")]


def test_a_cursor_that_the_log_never_gave_has_expired(world: World) -> None:
    company(world).joins("ada", "eng")
    for after in ("nonsense", "c1-00000000-0000000000000001", format_key(1), ""):
        assert refusal(world.database, CHANGES, after=after)[0] == "CURSOR_EXPIRED"


def test_a_time_that_is_none_is_refused(world: World) -> None:
    for since in ("yesterday", "2026-02-30T00:00:00Z", "2026-01-01"):
        assert refusal(world.database, CHANGES, where={"since": since})[0] == "BAD_INPUT"
    literal = '{ changes(organizationId: "o", where: {since: 5}) { totalCount } }'
    assert refusal(world.database, literal)[0] == "BAD_INPUT"


def test_text_that_no_database_holds_is_no_internal_error(world: World) -> None:
    company(world)
    queries = (
        "query($text: ID!) { found: user(id: $text) { id } }",
        "query($text: ID!) { found: event(id: $text) { id } }",
        'query($text: ID!) { found: users(organizationId: "org_acme", where: {groupId: $text}) { nodes { id } } }',
        "query($text: String!) { found: events(where: {type: $text}) { nodes { id } } }",
    )
    for query in queries:
        assert refusal(world.database, query, text="\ud800")[0] == "BAD_INPUT"
        if world.database.dialect == "postgresql":
            assert refusal(world.database, query, text="\0")[0] == "BAD_INPUT"
        else:
            assert ask(world.database, query, text="\0")["found"] in (None, {"nodes": []})


def test_the_journal_is_paged_newest_first(world: World) -> None:
    company(world).joins("ada", "eng")
    another(world)
    page = ask(world.database, EVENTS, organization="org_acme", first=2)["events"]
    assert [event["type"] for event in page["nodes"]] == ["organization.directory.user_updated", "admin.map_group"]
    assert page["pageInfo"]["hasNextPage"]
    rest = ask(world.database, EVENTS, organization="org_acme", after=page["pageInfo"]["endCursor"])["events"]
    assert len(rest["nodes"]) == page["totalCount"] - 2
    everywhere = ask(world.database, EVENTS)["events"]
    assert everywhere["totalCount"] > page["totalCount"]


def test_filters_of_events_hold_together(world: World) -> None:
    company(world).joins("ada", "eng").joins("ada", "ops", at=1)
    world.send(world.event("organization.something_new", {}))

    def ids(**where: Any) -> list[str]:
        return [event["type"] for event in ask(world.database, EVENTS, where=where)["events"]["nodes"]]

    assert ids(outcome="SUPERSEDED") == ["organization.directory.user_updated"]
    assert ids(outcome="IGNORED", source="WEBHOOK") == ["organization.something_new"]
    assert set(ids(source="ADMIN")) == {"admin.create_permission", "admin.create_role", "admin.map_group"}
    assert ids(type="admin.map_group", outcome="APPLIED") == ["admin.map_group"] * 2


def test_a_payload_is_shown_as_it_came_and_as_text_where_it_is_no_json(world: World) -> None:
    from schema.events import from_webhook

    world.send(from_webhook("msg_bad", b"\xff{not json"))
    (event,) = ask(world.database, "{ events { nodes { id outcome problem payload organization { id } } } }")["events"][
        "nodes"
    ]
    assert (event["id"], event["outcome"], event["organization"]) == ("msg_bad", "REJECTED", None)
    assert event["payload"] == "\ufffd{not json"
    assert event["problem"]


def test_groups_are_listed_with_their_members_and_removed_ones_are_not(world: World) -> None:
    company(world).joins("ada", "eng", "ops", "unnamed").joins("bea", "eng").loses_group("ops").leaves("bea")
    query = """query($search: String) { groups(organizationId: "org_acme", search: $search) { totalCount
        nodes { id displayName memberCount members { totalCount nodes { id } } } } }"""
    groups = ask(world.database, query)["groups"]
    assert groups["totalCount"] == 2
    one = {"memberCount": 1, "members": {"totalCount": 1, "nodes": [{"id": "ada"}]}}
    assert groups["nodes"] == [
        {"id": "eng", "displayName": "Eng", **one},
        {"id": "unnamed", "displayName": "unnamed", **one},
    ]
    assert [group["id"] for group in ask(world.database, query, search="EN")["groups"]["nodes"]] == ["eng"]
    gone = ask(
        world.database,
        '{ group(id: "ops") { removedAt memberCount members { totalCount nodes { id } } mappings { role { name } } } }',
    )["group"]
    assert gone["removedAt"]
    assert (gone["memberCount"], gone["members"]) == (0, {"totalCount": 0, "nodes": []})
    assert gone["mappings"] == [{"role": {"name": "viewer"}}]


def test_organizations_are_listed_and_a_deleted_one_is_only_found_by_id(world: World) -> None:
    company(world)
    world.send(world.event("organization.created", {"id": "org_acme", "display_name": "Acme"}))
    another(world)
    query = "query($search: String) { organizations(search: $search) { totalCount nodes { id displayName } } }"
    assert ask(world.database, query)["organizations"]["totalCount"] == 2
    acme = [{"id": "org_acme", "displayName": "Acme"}]
    assert ask(world.database, query, search="acm")["organizations"]["nodes"] == acme
    world.send(world.event("organization.deleted", {"id": "org_acme"}))
    assert [each["id"] for each in ask(world.database, query)["organizations"]["nodes"]] == ["org_other"]
    found = ask(world.database, '{ organization(id: "org_acme") { displayName removedAt } }')["organization"]
    assert found["removedAt"]


def test_a_directory_knows_when_it_was_last_heard_of(world: World) -> None:
    company(world).send(world.event("organization.directory_enabled", {"id": "dir_1", "provider": "OKTA"}, at=900))
    query = '{ organization(id: "org_acme") { directories { id provider enabled lastEventAt } } }'
    (directory,) = ask(world.database, query)["organization"]["directories"]
    assert directory == {
        "id": "dir_1",
        "provider": "OKTA",
        "enabled": True,
        "lastEventAt": "2026-01-01T00:15:00Z",
    }
