"""Every documented webhook is understood, and what is not is kept with its reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schema import wire
from schema.commands import CreateRole, MapGroup, Pair, SetDefaultRoles, SetMappings, UpdateRole
from schema.events import Event, Ignored, Rejected, from_command, from_journal, from_webhook
from schema.kinds import Source
from tests.deliveries import DOCUMENTED, ENVELOPE, SNAPSHOT


def sent(envelope: Any, **more: Any) -> Event:
    return from_webhook("msg_1", json.dumps(envelope | more if more else envelope).encode())


@pytest.mark.parametrize(("kind", "data", "shape"), DOCUMENTED, ids=lambda each: each if isinstance(each, str) else "")
def test_every_documented_type_is_understood(kind: str, data: dict[str, Any], shape: type) -> None:
    environment = kind.startswith(("role.", "permission."))
    envelope = {name: value for name, value in ENVELOPE.items() if not (environment and name == "organization_id")}
    event = sent(envelope, type=kind, data=data)
    assert type(event.body) is shape
    assert (event.id, event.type, event.source, event.occurred_at) == (
        "evt_1",
        kind,
        Source.WEBHOOK,
        1767225600123456789,
    )
    assert event.organization_id == (None if environment else "org_1")


def test_every_type_with_a_shape_is_documented() -> None:
    assert {kind for kind, _, _ in DOCUMENTED} == set(wire.SHAPES)


def test_a_snapshot_says_what_it_says() -> None:
    body = sent(ENVELOPE, data=SNAPSHOT).body
    assert isinstance(body, wire.UserSnapshot)
    assert body.groups == (wire.Named("dirgroup_1", "Eng"),)
    assert body.roles == (wire.Asserted("admin"),)
    assert (body.active, body.email, body.dp_id) == (True, "ada@acme.example", "00u1")


def test_the_data_may_name_the_organization_alone() -> None:
    envelope = {name: value for name, value in ENVELOPE.items() if name != "organization_id"}
    assert sent(envelope, data={"id": "u", "organization_id": "org_2"}).organization_id == "org_2"


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": None},
        {"occurred_at": None},
        {"occurred_at": "yesterday"},
        {"occurred_at": 1767225600},
        {"organization_id": None},
        {"organization_id": ""},
        {"organization_id": "org_other", "data": {"id": "u", "organization_id": "org_1"}},
        {"data": None},
        {"data": []},
        {"data": {}},
        {"data": {"id": ""}},
        {"data": {"id": "x" * 256}},
        {"data": {"id": 7}},
        {"data": {"id": "u", "active": "true"}},
        {"data": {"id": "u", "groups": "eng"}},
        {"data": {"id": "u", "groups": ["eng"]}},
        {"data": {"id": "u", "groups": [{"name": "Eng"}]}},
        {"type": "role.created", "data": {"name": "with space"}},
        {"type": "role.created", "data": {"name": "admin\n"}},
        {"type": "role.created", "data": {"name": "x" * 65}},
        {"type": "role.created", "data": {"name": "admin", "extends": "no way"}},
        {"type": "permission.created", "data": {"name": "de ploy"}},
    ],
    ids=str,
)
def test_what_is_not_understood_is_kept_with_its_id_and_its_reason(wrong: dict[str, Any]) -> None:
    event = sent(ENVELOPE, **wrong)
    assert isinstance(event.body, Rejected)
    assert event.body.problem
    assert event.id == "evt_1"
    assert event.organization_id == ((ENVELOPE | wrong)["organization_id"] or None), "so that its administrators see it"


@pytest.mark.parametrize(
    "odd",
    [
        {"roles": "admin"},
        {"roles": ["admin", {"role_name": "editor"}]},
        {"roles": [{"name": "admin"}, {"role_name": ""}, {"role_name": 7}, {"role_name": "editor"}]},
        {"name": {"first": "Ada"}, "roles": [{"role_name": "editor"}]},
        {"email": 7, "dp_id": [], "groups": [{"id": "eng", "name": 7}]},
    ],
    ids=str,
)
def test_an_oddity_in_a_snapshot_does_not_keep_what_it_takes_away(odd: dict[str, Any]) -> None:
    event = sent(ENVELOPE, data={"id": "u", "active": False, **odd})
    assert isinstance(event.body, wire.UserSnapshot)
    assert event.body.active is False
    assert event.note is not None
    assert {role.role_name for role in event.body.roles or ()} <= {"editor"}
    assert event.body.name is None
    assert event.body.email is None


@pytest.mark.parametrize(("text", "name"), [("\\ud800", "\ufffd"), ("\\udc00x", "\ufffdx"), ("\\ud83d\\ude00", "😀")])
def test_half_a_surrogate_pair_costs_a_character_and_no_event(text: str, name: str) -> None:
    payload = json.dumps(ENVELOPE | {"data": {"id": "u", "name": "NAME"}}).replace("NAME", text).encode()
    event = from_webhook("msg_1", payload)
    assert isinstance(event.body, wire.UserSnapshot)
    assert event.body.name == name


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"x"', b"7", b"{", b"\xff\xfe", b"\x00", b"nul", b"[" * 100_000]
)
def test_what_is_no_envelope_is_kept_under_the_deliverys_id(body: bytes) -> None:
    event = from_webhook("msg_1", body)
    assert isinstance(event.body, Rejected)
    assert (event.id, event.type, event.payload) == ("msg_1", "unknown", body)


def test_an_envelope_without_an_id_has_its_deliverys() -> None:
    event = sent({name: value for name, value in ENVELOPE.items() if name != "id"})
    assert isinstance(event.body, wire.UserSnapshot)
    assert event.id == "msg_1"


def test_an_unknown_type_is_ignored_whatever_its_data() -> None:
    unusual: list[Any] = [{}, [], None, {"id": 7}]
    for data in unusual:
        event = sent(ENVELOPE, type="organization.sso_enabled", data=data)
        assert isinstance(event.body, Ignored)
        assert event.organization_id == "org_1"


def test_a_nul_which_no_postgresql_text_holds_is_replaced_and_the_payload_kept() -> None:
    payload = json.dumps(ENVELOPE | {"data": {"id": "u", "name": "a\0\0b\\u0000\\\0"}}).encode()
    event = from_webhook("msg_1", payload)
    assert isinstance(event.body, wire.UserSnapshot)
    assert event.body.name == "a\ufffd\ufffdb\\u0000\\\ufffd"
    assert event.payload == payload


@pytest.mark.parametrize(
    "command",
    [
        CreateRole(name="admin", permissions=("a", "b"), priority=3),
        UpdateRole(name="admin", description=None),
        MapGroup(group_id="eng", role="admin"),
        SetMappings(organization_id="org_1", mappings=(Pair("eng", "admin"),), expected_version=3),
        SetDefaultRoles(member=None),
    ],
)
def test_a_command_is_read_back_from_the_journal_as_it_was(command: Any) -> None:
    event = from_command("cmd_1", "tester", command, "org_1", 7)
    assert from_journal(event.id, event.source, event.actor, "org_1", 7, event.payload) == event
    assert event.type == json.loads(event.payload)["type"]
