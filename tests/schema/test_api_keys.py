"""Who may make and revoke API keys, and of which organization."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from api.access.keys import find_keys, keep_environment_key
from schema.credentials import hash_of
from schema.graphql.context import KeyInfo, Viewer, ViewerKind
from schema.times import parse_time
from tests.schema.asker import ROOT, as_user, of
from tests.schema.company import another
from tests.schema.key_asking import CREATE, REVOKE, do, journal, make, refused
from tests.world import World

ACME, OTHER = of("org_acme", may_write=True), of("org_other", may_write=True)
PORTAL = Viewer(kind=ViewerKind.PORTAL, actor="portal:1", may_write=True, organization_id="org_acme")
STORED = "SELECT hash || ' ' || coalesce(CAST(revoked_at AS text), '-') FROM api_keys WHERE id = :id"
ENVIRONMENT_SECRET = "rk_of_the_environment_and_long_enough"


@pytest.fixture
def two(world: World) -> World:
    """Two organizations that exist."""
    another(world.joins("ada"))
    return world


def found_by(world: World, secret: str) -> KeyInfo:
    hashed = hash_of(secret)
    return world.database.read_now(lambda session: find_keys(session, [hashed]))[hashed]


def test_a_key_is_made_and_its_secret_is_the_answers_alone(two: World) -> None:
    made = make(two, organizationId="org_acme", write=True, expiresAt="2100-01-01T00:00:00Z")
    secret, key = made["secret"], made["apiKey"]
    assert secret.startswith("rk_")
    assert len(secret) >= 43
    assert key.pop("createdAt").startswith("20")
    assert key == {
        "id": key["id"],
        "name": "ci",
        "organization": {"id": "org_acme"},
        "write": True,
        "expiresAt": "2100-01-01T00:00:00Z",
        "lastUsedAt": None,
        "revokedAt": None,
    }
    assert two.one(STORED, id=key["id"]) == f"{hash_of(secret)} -"
    assert make(two)["secret"] != secret


def test_a_made_key_is_found_by_its_secret_with_what_it_may(two: World) -> None:
    secret = make(two, ACME, organizationId="org_acme")["secret"]
    found = found_by(two, secret)
    assert (found.name, found.organization_id, found.write, found.revoked_at) == ("ci", "org_acme", False, None)


@pytest.mark.parametrize("organization", [None, "org_acme", "org_other"])
@pytest.mark.parametrize("viewer", [of("org_acme"), as_user("ada"), PORTAL, dataclasses.replace(ROOT, may_write=False)])
def test_only_a_key_that_may_write_makes_and_revokes_keys(two: World, viewer: Viewer, organization: str | None) -> None:
    made = make(two, organizationId=organization)["apiKey"]["id"]
    create = refused(two, CREATE, viewer, input={"name": "mine", "organizationId": organization})
    revoke = refused(two, REVOKE, viewer, id=made)
    assert (create[0], revoke[0]) == ("FORBIDDEN", "FORBIDDEN")
    assert refused(two, REVOKE, viewer, id="key_unknown") == revoke
    assert two.one("SELECT count(*) FROM api_keys WHERE name = 'mine' OR revoked_at IS NOT NULL") == 0


def test_an_organizations_key_makes_keys_of_its_own_organization_only(two: World) -> None:
    assert make(two, ACME, organizationId="org_acme")["apiKey"]["organization"] == {"id": "org_acme"}
    assert refused(two, CREATE, ACME, input={"name": "wide"})[0] == "FORBIDDEN"
    foreign = refused(two, CREATE, ACME, input={"name": "x", "organizationId": "org_other"})
    unknown = refused(two, CREATE, ACME, input={"name": "x", "organizationId": "org_nowhere"})
    assert foreign == unknown == ("NOT_FOUND", "no such organization")
    assert refused(two, CREATE, ROOT, input={"name": "x", "organizationId": "org_nowhere"}) == unknown


def test_a_key_that_is_out_of_sight_is_one_that_does_not_exist(two: World) -> None:
    wide = make(two)["apiKey"]["id"]
    theirs = make(two, OTHER, organizationId="org_other")["apiKey"]["id"]
    for id in (wide, theirs, "key_unknown"):
        assert refused(two, REVOKE, ACME, id=id) == ("NOT_FOUND", "no such API key")
    assert refused(two, REVOKE, ROOT, id="key_unknown") == ("NOT_FOUND", "no such API key")
    assert two.one("SELECT count(*) FROM api_keys WHERE revoked_at IS NOT NULL") == 0
    assert do(two, REVOKE, OTHER, id=theirs)["organization"] == {"id": "org_other"}


def test_a_revoked_key_keeps_the_time_of_the_first_revocation(two: World) -> None:
    id = make(two)["apiKey"]["id"]
    first = do(two, REVOKE, id=id)
    assert first["revokedAt"] is not None
    assert do(two, REVOKE, id=id) == first


def test_a_key_may_revoke_itself(two: World) -> None:
    secret = make(two, organizationId="org_acme", write=True)["secret"]
    own = found_by(two, secret)
    assert do(two, REVOKE, dataclasses.replace(ACME, key=own), id=own.id)["id"] == own.id


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": ""}, "1 to 100 printable"),
        ({"name": "n" * 101}, "1 to 100 printable"),
        ({"name": "two\nlines"}, "1 to 100 printable"),
        ({"name": "\u202eright to left"}, "1 to 100 printable"),
        ({"name": "nul\0"}, "U+0000"),
        ({"name": " "}, "1 to 100 printable"),
        ({"name": "ROLECAST_API_KEY"}, "take another"),
        ({"name": "ROLECAST_API_KEY "}, "take another"),
        ({"name": " Rolecast_API_key"}, "take another"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt is in the past"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused_and_leaves_nothing(two: World, given: dict[str, Any], said: str) -> None:
    code, message = refused(two, CREATE, input={"name": "ci"} | given)
    assert code == "BAD_INPUT"
    assert said in message
    assert two.one("SELECT count(*) FROM api_keys") == 0
    assert journal(two) == []


def test_names_may_be_long_and_in_any_script(two: World) -> None:
    for name in ("n" * 100, "Übersicht für 東京 — v2"):
        assert make(two, name=name)["apiKey"]["name"] == name


def test_a_name_is_kept_without_the_space_around_it(two: World) -> None:
    assert make(two, name="  ci of acme ")["apiKey"]["name"] == "ci of acme"


def test_a_key_that_expires_makes_none_that_outlives_it(two: World) -> None:
    end = parse_time("2100-01-01T00:00:00Z")
    for maker, organization in ((ROOT, None), (ACME, "org_acme")):
        expiring = dataclasses.replace(maker, expires_at=end)
        for later in ({}, {"expiresAt": None}, {"expiresAt": "2100-01-01T00:00:00.001Z"}):
            given = {"name": "x", "organizationId": organization, "write": True} | later
            code, message = refused(two, CREATE, expiring, input=given)
            assert code == "BAD_INPUT"
            assert "no later than your own key's: 2100-01-01T00:00:00Z" in message
        for sooner in ("2100-01-01T00:00:00Z", "2099-01-01T00:00:00Z"):
            made = make(two, expiring, organizationId=organization, expiresAt=sooner)
            assert made["apiKey"]["expiresAt"] == sooner
    assert two.one("SELECT count(*) FROM api_keys") == 4


def test_the_environments_key_is_revoked_by_changing_the_variable(two: World) -> None:
    two.database.write_now(lambda session: keep_environment_key(session, ENVIRONMENT_SECRET, 1))
    id = two.one("SELECT id FROM api_keys")
    code, message = refused(two, REVOKE, id=id)
    assert code == "CONFLICT"
    assert "change ROLECAST_API_KEY" in message
    assert two.one("SELECT revoked_at FROM api_keys") is None


def test_only_what_is_asked_of_a_key_is_read(two: World) -> None:
    mutation = 'mutation { createApiKey(input: {name: "ci"}) { secret } }'
    assert json.dumps(do(two, mutation)).count("rk_") == 1
