"""What is left of API keys in the journal, in a rebuilt database and for a repeat: never the secret itself."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from typing import Any

import msgspec
import pytest

from schema.commands import Command, CreateApiKey, RevokeApiKey
from schema.credentials import hash_of
from schema.graphql.context import Attempt
from schema.problems import Problem
from schema.sql import Statement
from tests.schema.asker import ROOT, SCHEMA, Asker, coded, of
from tests.schema.company import another
from tests.schema.key_asking import CREATE, REVOKE, do, journal, make
from tests.world import World

ACME = of("org_acme", may_write=True)
KEEP_NOTHING = Statement("DELETE FROM api_keys")
FORGET_REVOCATIONS = Statement("UPDATE api_keys SET revoked_at = NULL")


@pytest.fixture
def two(world: World) -> World:
    """Two organizations that exist."""
    another(world.joins("ada"))
    return world


def test_the_journal_has_who_made_which_key_and_neither_secret_nor_hash(
    two: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = make(two, ACME, organizationId="org_acme")
    id, secret = made["apiKey"]["id"], made["secret"]
    do(two, REVOKE, ACME, id=id)
    revoked, created = journal(two, ACME, of="org_acme")
    assert created["payload"] == {
        "type": "admin.create_api_key",
        "name": "ci",
        "organization_id": "org_acme",
        "write": False,
    }
    assert created["id"].removeprefix("cmd_") == id.removeprefix("key_")
    assert revoked["payload"] == {"type": "admin.revoke_api_key", "id": id}
    for event in (revoked, created):
        assert (event["actor"], event["source"], event["outcome"]) == ("key:own", "ADMIN", "APPLIED")
        assert event["organization"] == {"id": "org_acme"}
    stored = hash_of(secret)
    kept = {name: rows for name, rows in two.tables().items() if name != "api_keys"}
    assert stored not in repr(kept)
    assert secret not in repr(two.tables())
    assert stored not in caplog.text
    assert secret not in caplog.text


def test_what_the_journal_keeps_of_a_command_is_read_again_without_its_hash() -> None:
    command = CreateApiKey(name="ci", write=True, expires_at=7, hash="secret")
    payload = msgspec.json.encode(command.recorded())
    assert b"secret" not in payload
    assert msgspec.json.decode(payload, type=Command) == CreateApiKey(name="ci", write=True, expires_at=7)
    revoke = RevokeApiKey(id="key_1")
    assert msgspec.json.decode(msgspec.json.encode(revoke.recorded()), type=Command) == revoke


def test_events_of_an_environment_wide_key_are_the_environments(two: World) -> None:
    id = make(two)["apiKey"]["id"]
    do(two, REVOKE, id=id)
    assert [event["organization"] for event in journal(two)] == [None, None]
    assert journal(two, ACME, of="org_acme") == []


def test_a_secret_that_is_stored_already_is_refused_without_telling_its_hash(
    two: World, caplog: pytest.LogCaptureFixture
) -> None:
    command = CreateApiKey(name="ci", write=False, hash=hash_of("rk_one"))
    first, second = two.submit(two.command(command, None)) + two.submit(two.command(command, None))
    assert not isinstance(first, Problem)
    assert isinstance(second, Problem)
    assert (second.code, hash_of("rk_one") in str(second)) == ("CONFLICT", False)
    assert caplog.text == ""


def test_a_rebuild_leaves_keys_exactly_as_they_are(two: World) -> None:
    kept, gone = make(two, organizationId="org_acme")["apiKey"]["id"], make(two)["apiKey"]["id"]
    do(two, REVOKE, id=gone)
    before = two.tables()
    assert two.rebuilds().tables() == before
    assert two.one("SELECT revoked_at FROM api_keys WHERE id = :id", id=kept) is None
    assert two.drift() == []


def test_a_rebuild_neither_revokes_nor_brings_back_keys_that_a_backup_has_otherwise(two: World) -> None:
    id = make(two)["apiKey"]["id"]
    do(two, REVOKE, id=id)
    two.database.write_now(lambda session: FORGET_REVOCATIONS.run(session))
    two.rebuilds()
    assert two.one("SELECT revoked_at FROM api_keys WHERE id = :id", id=id) is None
    two.database.write_now(lambda session: KEEP_NOTHING.run(session))
    assert two.rebuilds().tables()["api_keys"] == []


def attempts(world: World, *hidden: bytes) -> list[Any]:
    """What one request to make a key is answered, attempt after attempt."""

    async def run() -> list[Any]:
        async with Asker(world.database).running() as asker:
            results = []
            for each in hidden:
                context = dataclasses.replace(asker.context(ROOT), attempt=Attempt("of one request", each))
                results.append(await SCHEMA.execute(CREATE, {"input": {"name": "ci"}}, context_value=context))
            return results

    return asyncio.run(run())


def test_a_repeat_is_answered_with_the_same_key_and_its_secret(two: World, caplog: pytest.LogCaptureFixture) -> None:
    first, second = attempts(two, b"hidden", b"hidden")
    assert first.errors is None, first.errors
    assert second.data == first.data
    assert two.one("SELECT hash FROM api_keys") == hash_of(first.data["createApiKey"]["secret"])
    assert len(journal(two)) == 1
    assert caplog.text == ""


def test_a_repeat_whose_secret_was_lost_says_which_key_to_revoke(two: World) -> None:
    first, second = attempts(two, b"hidden", b"otherwise")
    assert first.errors is None, first.errors
    code, message = coded(second)
    assert code == "CONFLICT"
    assert f"revoke API key {first.data['createApiKey']['apiKey']['id']} " in message
    assert two.one("SELECT count(*) FROM api_keys") == 1
    assert len(journal(two)) == 1


def test_an_attempt_does_not_show_what_its_secrets_are_drawn_from() -> None:
    attempt = Attempt("the seed", b"what is hidden")
    assert "hidden" not in repr(attempt)
    assert "the seed" in repr(attempt)
