"""The demo's story: always the same for the same seed, as directories write it, and true to its own end."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.demo.company import ROLES, SHARES, Payload, Story, write_story

NOW = 1_770_000_000 * 10**9
OCCURRED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{6,9})Z")
DATA = {
    "organization.created": {"id", "display_name"},
    "organization.directory_enabled": {"id", "organization_id", "directory_type", "provider", "enabled", "updated_at"},
    "organization.directory.user_created": {"id", "organization_id", "email", "active"},
    "organization.directory.user_updated": {"id", "organization_id", "email", "active"},
    "organization.directory.user_deleted": {"id", "organization_id", "dp_id", "email"},
    "organization.directory.group_created": {"id", "organization_id", "directory_id", "display_name", "external_id"},
    "organization.directory.group_updated": {"id", "organization_id", "directory_id", "display_name", "external_id"},
    "organization.directory.group_deleted": {"id", "organization_id", "directory_id", "display_name", "dp_id"},
}

stories = st.builds(
    write_story,
    users=st.integers(1, 60),
    groups=st.integers(1, 20),
    seed=st.integers(0, 2**32),
    started_at=st.integers(NOW, 2 * NOW),
    organization=st.sampled_from(["org_demo", "org_other"]),
)
seeds = st.integers(0, 2**32)


def payloads(story: Story) -> list[Payload]:
    return [step.payload for step in story.opening + story.rest]


def order(payload: Payload) -> tuple[str, str, str]:
    match = OCCURRED.fullmatch(payload["occurred_at"])
    assert match, payload["occurred_at"]
    return match[1], match[2].ljust(9, "0"), payload["id"]


def replayed(story: Story) -> dict[str, tuple[bool, bool, set[str]]]:
    """Active, deleted and groups of every user, from nothing but the events in the order they occurred."""
    users: dict[str, tuple[bool, bool, set[str]]] = {}
    exists: dict[str, bool] = {}
    for payload in sorted(payloads(story), key=order):
        data, verb = payload["data"], payload["type"].rpartition(".")[2]
        if verb == "user_deleted":
            users[data["id"]] = (False, True, set())
        elif verb.startswith("user_"):
            named = {group["id"] for group in data.get("groups") or []}
            users[data["id"]] = (data["active"], False, named)
            exists |= dict.fromkeys(named, True)
        elif verb.startswith("group_"):
            exists[data["id"]] = verb != "group_deleted"
    return {
        user: (active, deleted, {group for group in groups if exists[group]})
        for user, (active, deleted, groups) in users.items()
    }


@given(seed=seeds)
@settings(max_examples=20)
def test_the_same_arguments_write_the_same_story(seed: int) -> None:
    first, second = (write_story(users=30, groups=8, seed=seed, started_at=NOW) for _ in range(2))
    assert first == second


@given(seed=seeds)
@settings(max_examples=20)
def test_another_run_shares_no_id_with_the_first_but_the_organization(seed: int) -> None:
    first, second = (write_story(users=30, groups=8, seed=seed, started_at=NOW + run) for run in range(2))
    events = [{payload["id"] for payload in payloads(story)} for story in (first, second)]
    subjects = [{payload["data"]["id"] for payload in payloads(story)} for story in (first, second)]
    emails = [{person.email for person in story.people.values()} for story in (first, second)]
    assert not events[0] & events[1]
    assert subjects[0] & subjects[1] == {"org_demo"}
    assert not emails[0] & emails[1]


@given(story=stories)
def test_every_envelope_has_what_a_directory_sends(story: Story) -> None:
    for payload in payloads(story):
        assert payload.keys() == {
            *("spec_version", "id", "type", "object", "occurred_at"),
            *("environment_id", "organization_id", "data"),
        }
        assert payload["spec_version"] == "1"
        assert payload["id"].startswith("evt_")
        assert payload["organization_id"] == story.organization
        assert payload["object"] in {"Organization", "Directory", "DirectoryGroup", "DirectoryUser"}
        assert payload["data"].keys() >= DATA[payload["type"]]
        assert payload["data"].get("organization_id", story.organization) == story.organization


@given(story=stories)
def test_a_deleted_user_is_only_named_and_any_other_is_described_whole(story: Story) -> None:
    for payload in payloads(story):
        data = payload["data"]
        if payload["type"].endswith("user_deleted"):
            assert data.keys() == DATA[payload["type"]]
        elif ".user_" in payload["type"]:
            assert isinstance(data["active"], bool)
            assert all(group.keys() == {"id", "name"} for group in data.get("groups") or [])


@given(seed=seeds)
@settings(max_examples=20)
def test_times_are_utc_and_end_before_the_story_is_played(seed: int) -> None:
    story = write_story(users=30, groups=8, seed=seed, started_at=NOW)
    times = [datetime.fromisoformat(f"{order(payload)[0]}+00:00") for payload in payloads(story)]
    assert datetime.fromtimestamp(NOW // 10**9, UTC) - timedelta(days=91) < min(times)
    assert max(times) <= datetime.fromtimestamp(NOW // 10**9, UTC)


def test_every_number_of_digits_and_every_way_to_say_none_occurs() -> None:
    story = write_story(users=200, groups=12, seed=1, started_at=NOW)
    lengths = {len(payload["occurred_at"].rpartition(".")[2]) - 1 for payload in payloads(story)}
    assert lengths == {6, 7, 8, 9}
    snapshots = [payload["data"] for payload in payloads(story) if "active" in payload["data"]]
    for key in ("groups", "roles"):
        assert any(key not in data for data in snapshots)
        assert any(data.get(key, ...) is None for data in snapshots)
        assert any(data.get(key) == [] for data in snapshots)


@given(seed=seeds, users=st.integers(20, 60), groups=st.integers(3, 20))
def test_every_kind_of_change_occurs(seed: int, users: int, groups: int) -> None:
    story = write_story(users=users, groups=groups, seed=seed, started_at=NOW)
    kinds = Counter(step.kind for step in story.opening + story.rest)
    assert kinds.keys() == {
        *("organization", "directory", "group created", "joined", "group renamed", "group deleted"),
        *SHARES,
    }
    assert kinds["joined"] == users == len(story.people)
    assert kinds["group created"] == groups


@given(story=stories)
def test_a_late_event_is_older_than_one_posted_before_it_about_the_same_subject(story: Story) -> None:
    newest: dict[str, tuple[str, str, str]] = {}
    for step in story.opening + story.rest:
        subject, when = step.payload["data"]["id"], order(step.payload)
        if step.kind == "late":
            assert when < newest[subject]
        elif step.kind != "duplicate":
            assert when > newest.get(subject, ("", "", ""))
        newest[subject] = max(when, newest.get(subject, when))


def test_some_late_events_are_of_the_very_instant_of_the_newer_one() -> None:
    story = write_story(users=400, groups=12, seed=1, started_at=NOW)
    instants = Counter(order(payload)[:2] for payload in {p["id"]: p for p in payloads(story)}.values())
    assert 2 in instants.values()


@given(story=stories)
def test_a_duplicate_is_a_whole_delivery_posted_before(story: Story) -> None:
    before: dict[str, Payload] = {}
    for step in story.opening + story.rest:
        if step.kind == "duplicate":
            assert before[step.payload["id"]] == step.payload
        else:
            assert step.payload["id"] not in before
        before[step.payload["id"]] = step.payload


@given(story=stories)
def test_the_truth_is_what_the_events_say_in_the_order_they_occurred(story: Story) -> None:
    truth = {person.id: (person.active, person.deleted, person.groups) for person in story.people.values()}
    assert replayed(story) == truth


@given(story=stories)
def test_roles_follow_from_the_groups_of_the_active_and_from_nothing_else(story: Story) -> None:
    assert {role for roles in story.mappings.values() for role in roles} <= ROLES.keys()
    for person in story.people.values():
        mapped = {role for group in person.groups for role in story.mappings[group]}
        assert story.roles_of(person.id) == (mapped if person.active else set())
        assert story.roles_of(person.id, "member") == ((mapped or {"member"}) if person.active else set())


def test_large_groups_are_far_larger_than_small_ones() -> None:
    story = write_story(users=1000, groups=20, seed=1, started_at=NOW)
    sizes = Counter(group for person in story.people.values() for group in person.groups).most_common()
    assert sizes[0][1] > 5 * sizes[-1][1]


@pytest.mark.parametrize(("users", "groups"), [(0, 1), (1, 0)])
def test_a_company_of_nobody_or_of_no_group_is_refused(users: int, groups: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        write_story(users=users, groups=groups, seed=1, started_at=NOW)
