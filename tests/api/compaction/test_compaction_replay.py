"""A rejected webhook that a compaction moved is run again over GraphQL, by those who could have run it before."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from msgspec import structs
from typer.testing import CliRunner

from api.cli import cli
from api.compaction.kept import unresolved
from api.compaction.moving import Summary
from schema.events import Event, from_webhook
from tests.compacting import compacted
from tests.schema.asker import ROOT, as_user, of
from tests.schema.company import another, company
from tests.schema.test_mutations import PORTAL, STRANGER, WRITER, do, refused
from tests.world import World

REPLAY = """mutation($id: ID!) { replayEvent(id: $id) {
    id outcome problem organization { id } changes { userId roleName kind } } }"""


def missed(event: Event) -> Event:
    """The event as a version that did not understand it recorded it."""
    odd = from_webhook(event.id, json.dumps({**json.loads(event.payload), "data": 7}).encode())
    return structs.replace(event, body=odd.body)


@pytest.fixture
def world_before(world: World) -> World:
    """Bob's joining was not understood, nor an organization's own event of no organization."""
    company(world).joins("ada", "eng")
    another(world)
    odd = world.event("role.created", {"name": 5}, id="evt_environment")
    return world.send(missed(world.snapshot("bob", "ops", id="evt_bob")), odd)


def moved(world: World, folder: Path) -> Summary:
    """Everything goes to the archive."""
    summary = compacted(world, int(world.one("SELECT max(received_at) FROM journal")) + 1, folder)
    assert summary is not None
    return summary


def left(world: World, summary: Summary) -> int:
    first, last = summary.entries
    return world.database.read_now(partial(unresolved, first=first, last=last))


def test_it_has_the_effect_that_it_was_to_have_and_is_then_resolved(world_before: World, tmp_path: Path) -> None:
    world = world_before
    summary = moved(world, tmp_path)
    assert left(world, summary) == 2
    answer = do(world, REPLAY, id="evt_bob")["replayEvent"]
    assert (answer["outcome"], answer["organization"]) == ("APPLIED", {"id": "org_acme"})
    assert answer["changes"] == [{"userId": "bob", "roleName": "viewer", "kind": "GRANTED"}]
    assert left(world, summary) == 1
    assert do(world, REPLAY, id="evt_bob")["replayEvent"]["outcome"] == "SUPERSEDED"
    tables = world.tables()
    assert world.rebuilds().tables() == tables
    assert left(world, moved(world, tmp_path)) == 0


def test_it_is_refused_as_before_to_whom_it_was_refused(world_before: World, tmp_path: Path) -> None:
    world = world_before
    viewers = (STRANGER, of("org_acme"), PORTAL, as_user("ada"), as_user("eve", "org_other"))
    before = [refused(world, REPLAY, viewer, id="evt_bob") for viewer in viewers]
    before += [refused(world, REPLAY, viewer, id="evt_environment") for viewer in (WRITER, STRANGER)]
    moved(world, tmp_path)
    tables = world.tables()
    after = [refused(world, REPLAY, viewer, id="evt_bob") for viewer in viewers]
    after += [refused(world, REPLAY, viewer, id="evt_environment") for viewer in (WRITER, STRANGER)]
    assert after == before
    assert after[0] == after[-1] == refused(world, REPLAY, id="evt_none") == ("NOT_FOUND", "no such event")
    assert world.tables() == tables
    assert do(world, REPLAY, ROOT, id="evt_environment")["replayEvent"]["outcome"] == "REJECTED"


def test_what_had_its_effect_or_is_a_command_is_not_run_again(world_before: World, tmp_path: Path) -> None:
    world = world_before
    applied, command = (
        world.one(f"SELECT id FROM journal WHERE type = '{type}' ORDER BY position LIMIT 1")
        for type in ("organization.directory.user_updated", "admin.map_group")
    )
    moved(world, tmp_path)
    assert refused(world, REPLAY, id=applied)[0] == "BAD_INPUT"
    assert refused(world, REPLAY, STRANGER, id=applied) == ("NOT_FOUND", "no such event")
    code, said = refused(world, REPLAY, id=command)
    assert (code, "give a command again" in said) == ("BAD_INPUT", True)


@pytest.mark.parametrize(
    ("events", "said"), [(1, "1 rejected webhook among them has"), (2, "2 rejected webhooks among them have"), (0, "")]
)
def test_compact_says_how_many_it_moved_that_wait_for_a_fix(
    events: int, said: str, world: World, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.joins("ada").send(*(missed(world.snapshot("bob", id=f"evt_{number}")) for number in range(events)))
    monkeypatch.setenv("DATABASE_URL", url)
    done = CliRunner().invoke(cli, ["compact", "--before", "1d", "--to", str(tmp_path / "archive")])
    assert (done.exit_code, said in done.stdout, "rejected" in done.stdout) == (0, True, events > 0), done.output
