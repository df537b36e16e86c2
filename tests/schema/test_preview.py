from __future__ import annotations

from typing import Any

import pytest

from schema.commands import UpdateRole
from tests.schema.asker import ROOT, as_user, of
from tests.schema.company import another, company
from tests.schema.test_mutations import PORTAL, STRANGER, WRITER, do, refused
from tests.world import World

PREVIEW = """query($input: SetMappingsInput!, $first: Int! = 200, $after: String) { previewMappings(input: $input) {
    version granted revoked usersAffected changes(first: $first, after: $after) {
        totalCount pageInfo { hasNextPage endCursor } edges { cursor }
        nodes { user { id email } roleName kind } } } }"""
SET = """mutation($input: SetMappingsInput!) { setMappings(input: $input) {
    version granted revoked event { id changes { userId roleName kind } } } }"""
LOG = """{ changes(organizationId: "org_acme", first: 200) { nodes { userId roleName kind event { id } } } }"""
VERSION = '{ organization(id: "org_acme") { mappingsVersion } }'
READER = of("org_acme")
Turned = list[tuple[str, str, str]]


@pytest.fixture
def full(world: World) -> World:
    """Five in `eng` (admin), two of them in `ops` (viewer) too, one of whom left; one holds viewer by hand."""
    company(world)
    for user in ("ada", "bob", "cleo"):
        world.joins(user, "eng")
    world.joins("dan", "eng", "ops").joins("eli", "eng", "ops").deactivates("eli", "eng", "ops")
    world.joins("flo", "ops").grants("ada", "viewer")
    another(world)
    return world


def pairs(*wanted: tuple[str, str], **more: Any) -> dict[str, Any]:
    mappings = [{"groupId": group, "role": role} for group, role in wanted]
    return {"organizationId": "org_acme", "mappings": mappings} | more


def preview(world: World, given: dict[str, Any], **page: Any) -> Any:
    return do(world, PREVIEW, READER, input=given, **page)["previewMappings"]


def shown(connection: Any) -> Turned:
    return [(each["user"]["id"], each["roleName"], each["kind"]) for each in connection["nodes"]]


def told(changes: Any) -> Turned:
    return [(each["userId"], each["roleName"], each["kind"]) for each in changes]


SETS = [
    pairs(),
    pairs(("eng", "viewer"), ("ops", "viewer")),
    pairs(("eng", "admin"), ("ops", "viewer")),
    pairs(("eng", "admin"), ("eng", "viewer"), ("ops", "admin")),
    pairs(("ops", "admin")),
]


@pytest.mark.parametrize("given", SETS)
def test_a_preview_is_exactly_what_setting_then_does_and_nothing_of_it_stays(
    full: World, given: dict[str, Any]
) -> None:
    before, log = full.tables(), full.changes()
    seen = preview(full, given)
    assert (full.tables(), full.changes()) == (before, log)
    assert seen["version"] == do(full, VERSION)["organization"]["mappingsVersion"]
    done = do(full, SET, input=given | {"expectedVersion": seen["version"], "maxRevocations": seen["revoked"]})
    done = done["setMappings"]
    assert (seen["granted"], seen["revoked"]) == (done["granted"], done["revoked"])
    changes = shown(seen["changes"])
    assert changes == told(done["event"]["changes"])
    assert changes == told(
        each for each in do(full, LOG)["changes"]["nodes"] if each["event"]["id"] == done["event"]["id"]
    )
    assert seen["usersAffected"] == len({user for user, _, _ in changes})
    assert seen["changes"]["totalCount"] == len(changes) == seen["granted"] + seen["revoked"]


def test_a_preview_counts_who_keeps_the_role_otherwise_and_who_is_inactive_as_unchanged(full: World) -> None:
    seen = preview(full, pairs(("eng", "viewer"), ("ops", "viewer")))
    assert sorted(shown(seen["changes"])) == [
        ("ada", "admin", "REVOKED"),  # and has viewer by hand already
        ("bob", "admin", "REVOKED"),
        ("bob", "viewer", "GRANTED"),
        ("cleo", "admin", "REVOKED"),
        ("cleo", "viewer", "GRANTED"),
        ("dan", "admin", "REVOKED"),  # and has viewer through ops already; eli is inactive
    ]
    assert (seen["granted"], seen["revoked"], seen["usersAffected"]) == (2, 4, 4)


def test_the_changes_of_a_preview_come_in_pages(full: World) -> None:
    given = pairs(("eng", "viewer"), ("ops", "viewer"))
    whole = preview(full, given)["changes"]
    assert whole["pageInfo"] == {"hasNextPage": False, "endCursor": whole["edges"][-1]["cursor"]}
    found: Turned = []
    after, more = None, True
    while more:
        page = preview(full, given, first=4, after=after)["changes"]
        assert page["totalCount"] == 6
        assert page["pageInfo"]["endCursor"] == page["edges"][-1]["cursor"]
        found += shown(page)
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert found == shown(whole)
    assert preview(full, given, after=after)["changes"] == {
        "totalCount": 6,
        "pageInfo": {"hasNextPage": False, "endCursor": None},
        "edges": [],
        "nodes": [],
    }
    for first, cursor in ((0, None), (201, None), (4, "not a cursor")):
        assert refused(full, PREVIEW, READER, input=given, first=first, after=cursor)[0] == "BAD_INPUT"


def test_counts_alone_are_answered_too(full: World) -> None:
    query = "query($input: SetMappingsInput!) { previewMappings(input: $input) { revoked changes { totalCount } } }"
    assert do(full, query, READER, input=pairs())["previewMappings"] == {"revoked": 6, "changes": {"totalCount": 6}}


def test_a_stale_version_is_a_conflict(full: World) -> None:
    version = preview(full, pairs())["version"]
    assert preview(full, pairs(expectedVersion=version))["version"] == version
    full.maps("ops", "admin")
    words = refused(full, PREVIEW, READER, input=pairs(expectedVersion=version))
    assert words[0] == "CONFLICT"
    assert words == refused(full, SET, input=pairs(expectedVersion=version))


def test_a_protected_roles_last_holder_is_a_conflict(full: World) -> None:
    full.send(full.command(UpdateRole(name="admin", protected=True), None))
    before = full.tables()
    words = refused(full, PREVIEW, READER, input=pairs(("ops", "viewer")))
    assert (words[0], "'admin'" in words[1]) == ("CONFLICT", True)
    assert full.tables() == before
    assert words == refused(full, SET, input=pairs(("ops", "viewer")))
    assert full.tables() == before
    assert preview(full, pairs(("ops", "admin")))["revoked"] > 0  # others hold it then


def test_a_bound_on_revocations_does_not_refuse_a_preview(full: World) -> None:
    given = pairs(maxRevocations=1)
    assert preview(full, given)["revoked"] == 6
    assert refused(full, SET, input=given)[0] == "CONFLICT"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (pairs(("none", "viewer")), "NOT_FOUND"),
        (pairs(("their_group", "viewer")), "NOT_FOUND"),
        (pairs(("eng", "none")), "NOT_FOUND"),
        (pairs(("\0", "viewer")), "BAD_INPUT"),
        (pairs(("eng", "a\0b")), "BAD_INPUT"),
        (pairs(("\ud800", "viewer")), "BAD_INPUT"),
    ],
)
def test_what_setting_refuses_a_preview_refuses_in_the_same_words(
    full: World, given: dict[str, Any], code: str
) -> None:
    before = full.tables()
    words = refused(full, SET, input=given)
    assert words[0] == code
    assert refused(full, PREVIEW, READER, input=given) == words
    assert full.tables() == before


def test_whoever_sees_the_organization_may_preview_and_nobody_else(full: World) -> None:
    for viewer in (READER, WRITER, ROOT, PORTAL):
        assert do(full, PREVIEW, viewer, input=pairs())["previewMappings"]["revoked"] == 6
    nowhere = refused(full, PREVIEW, ROOT, input=pairs() | {"organizationId": "org_none"})
    assert nowhere == ("NOT_FOUND", "no such organization")
    for stranger in (STRANGER, of("org_other")):
        assert refused(full, PREVIEW, stranger, input=pairs()) == nowhere
    for user in (as_user("ada"), as_user("eve", "org_other")):
        assert refused(full, PREVIEW, user, input=pairs())[0] == "FORBIDDEN"
