"""What is asked after a compaction: the present as ever, the past from its horizon on, and what is older is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schema.kinds import Outcome
from schema.times import format_time
from tests.compacting import beginnings, compacted
from tests.schema.asker import ROOT, ask, refusal
from tests.schema.company import EVERYTHING, company
from tests.world import World

AT = """query($time: DateTime!) { user(id: "ada") {
    rolesAt(time: $time) { since role { name } reasons { __typename } } } }"""
CHECK = 'query($time: DateTime!) { check(userId: "ada", permission: "b:write", at: $time) { allowed } }'
CHANGES = """query($after: Cursor, $since: DateTime, $until: DateTime) {
    changes(organizationId: "org_acme", after: $after, where: {since: $since, until: $until}) {
        totalCount nodes { cursor kind userId roleName event { id type } } } }"""
NESTED = """query($since: DateTime, $until: DateTime) { organization(id: "org_acme") {
    changes(where: {userId: "cem", since: $since, until: $until}) { totalCount } } }"""
EVENTS = "query($after: String) { events(after: $after) { totalCount nodes { id type changes { cursor } payload } } }"
WORDS = """{ organization(id: "org_acme") { head warnings { __typename }
    users { nodes { id explain(role: "admin") { held missing } } } } }"""


@pytest.fixture
def told(world: World) -> World:
    """Ada is an administrator, was none in between, and Bob no longer is one."""
    company(world).joins("ada", "eng").joins("bob", "eng").joins("ada").joins("bob")
    return world.send(world.event("organization.directory_enabled", {"id": "dir_1"})).joins("ada", "eng", "ops")


def moment(world: World) -> int:
    return int(world.one("SELECT max(received_at) FROM journal"))


def later(world: World, folder: Path) -> World:
    """The same, compacted, with one more change."""
    compacted(world, moment(world) + 1, folder)
    return world.joins("cem", "eng")


def test_the_present_is_answered_as_before(told: World, tmp_path: Path) -> None:
    def present() -> Any:
        found = ask(told.database, EVERYTHING, id="ada")["user"]
        del found["changes"]
        return found, ask(told.database, WORDS)

    before = present()
    compacted(told, moment(told) + 1, tmp_path)
    assert present() == before


def test_the_past_is_answered_from_the_horizon_on(told: World, tmp_path: Path) -> None:
    since = moment(told)
    before = ask(told.database, AT, time=format_time(since))
    later(told, tmp_path)
    assert beginnings(told).since == since
    for time in (since, since + 1, moment(told), moment(told) + 1):
        assert ask(told.database, AT, time=format_time(time)) == before
        assert ask(told.database, CHECK, time=format_time(time))["check"] == {"allowed": True}


@pytest.mark.parametrize("query", [AT, CHECK])
def test_what_was_before_the_horizon_is_refused_and_the_horizon_named(told: World, tmp_path: Path, query: str) -> None:
    since = moment(told)
    later(told, tmp_path)
    code, said = refusal(told.database, query, time=format_time(since - 1))
    assert code == "CURSOR_EXPIRED"
    assert format_time(since) in said


def test_lists_of_changes_begin_above_the_floor(told: World, tmp_path: Path) -> None:
    later(told, tmp_path)
    expected = [("GRANTED", "cem", "admin")]
    for since in (None, format_time(moment(told))):
        found = ask(told.database, CHANGES, since=since)["changes"]
        assert found["totalCount"] == 1
        assert [(each["kind"], each["userId"], each["roleName"]) for each in found["nodes"]] == expected
    assert ask(told.database, CHANGES, since=format_time(moment(told) + 1))["changes"]["nodes"] == []
    of_users = '{ organization(id: "org_acme") { users { nodes { id changes { totalCount nodes { kind } } } } } }'
    users = ask(told.database, of_users)["organization"]["users"]["nodes"]
    assert {user["id"]: user["changes"]["totalCount"] for user in users} == {"ada": 0, "bob": 0, "cem": 1}


def texts(moments: dict[str, int]) -> dict[str, str]:
    return {name: format_time(time) for name, time in moments.items()}


@pytest.mark.parametrize("query", [CHANGES, NESTED])
def test_a_list_of_changes_by_moments_before_the_log_is_whole_is_refused_and_the_first_good_one_named(
    told: World, tmp_path: Path, query: str
) -> None:
    last = moment(told)  # Ada's change, which is archived, is of this very moment
    later(told, tmp_path)
    gone: list[dict[str, int]] = [{"since": last - 10**9}, {"since": last}, {"until": last}, {"until": last + 1}]
    for asked in (*gone, {"since": 0, "until": last + 2 * 10**9}):
        code, said = refusal(told.database, query, ROOT, **texts(asked))
        assert (code, format_time(last + 1) in said) == ("CURSOR_EXPIRED", True), asked
    kept: list[dict[str, int]] = [{"since": last + 1}, {"until": last + 2 * 10**9}, {"since": last + 1, "until": 0}]
    for asked, count in zip(kept, (1, 1, 0), strict=True):
        found = ask(told.database, query, ROOT, **texts(asked))
        assert (found.get("organization") or found)["changes"]["totalCount"] == count, asked


def test_a_list_of_changes_from_the_very_horizon_is_whole_when_nothing_changed_then(
    told: World, tmp_path: Path
) -> None:
    told.joins("ada", "eng", "ops")
    since = moment(told)
    later(told, tmp_path)
    assert ask(told.database, CHANGES, since=format_time(since))["changes"]["totalCount"] == 1
    code, said = refusal(told.database, CHANGES, since=format_time(since - 1))
    assert (code, format_time(since) in said) == ("CURSOR_EXPIRED", True)


def test_before_any_compaction_no_moment_is_too_early(told: World) -> None:
    start = "1970-01-01T00:00:00Z"
    assert ask(told.database, CHANGES, since=start)["changes"]["totalCount"] > 0
    assert ask(told.database, CHANGES, until=start)["changes"]["totalCount"] == 0


def test_a_cursor_at_the_floor_is_good_and_one_below_has_expired(told: World, tmp_path: Path) -> None:
    cursors = [each["cursor"] for each in ask(told.database, CHANGES)["changes"]["nodes"]]
    later(told, tmp_path)
    (node,) = ask(told.database, CHANGES, after=cursors[-1])["changes"]["nodes"]
    assert node["userId"] == "cem"
    assert node["event"]["type"] == "organization.directory.user_updated"
    assert refusal(told.database, CHANGES, after=cursors[-2])[0] == "CURSOR_EXPIRED"
    assert ask(told.database, CHANGES, after=node["cursor"])["changes"]["nodes"] == []


def test_the_journal_shows_the_snapshot_first_of_all_without_changes(told: World, tmp_path: Path) -> None:
    last = ask(told.database, "{ events(first: 1) { edges { cursor } } }")["events"]["edges"][0]["cursor"]
    older = ask(told.database, "{ events(first: 3) { edges { cursor } } }")["events"]["edges"][-1]["cursor"]
    later(told, tmp_path)
    found = ask(told.database, EVENTS)["events"]
    assert found["totalCount"] == 2
    snapshot = found["nodes"][-1]
    assert (snapshot["type"], snapshot["changes"]) == ("system.snapshot", [])
    assert len(snapshot["payload"]["files"]) == 2
    alone = ask(told.database, "query($id: ID!) { event(id: $id) { type outcome actor } }", id=snapshot["id"])["event"]
    assert alone == {"type": "system.snapshot", "outcome": Outcome.APPLIED.name, "actor": "compaction"}
    assert ask(told.database, EVENTS, after=last)["events"]["nodes"] == []
    assert refusal(told.database, EVENTS, after=older)[0] == "CURSOR_EXPIRED"
