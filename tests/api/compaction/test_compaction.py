"""What a compaction leaves, what it archives, and what is answered afterwards."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from api.check import check
from schema.commands import ReplayEvent
from schema.events import Event, Rejected, from_webhook
from schema.kinds import Outcome
from schema.problems import BadInput, Conflict
from schema.sql import Statement
from tests.compacting import beginnings, compacted, lines_of
from tests.world import START, World

DAY = 86_400 * 10**9


@pytest.fixture
def old(world: World) -> World:
    """A world with a past: Ada came and went and came again, Bob is gone, and one body made no sense."""
    world.maps("eng", "deployer").joins("ada", "eng").joins("bob", "eng").joins("ada").joins("ada", "eng")
    world.leaves("bob")
    world.submit(from_webhook("evt_odd", b'\xff{"id": 7'))
    return world


def later(world: World) -> int:
    """A moment after everything that the world has told so far."""
    return int(world.one("SELECT max(received_at) FROM journal")) + 1


def test_a_snapshot_stands_for_all_before_it_and_the_files_hold_that(old: World, tmp_path: Path) -> None:
    head, changes = old.one("SELECT max(position) FROM journal"), old.changes()
    bodies = dict(old.database.read_now(Statement("SELECT id, payload FROM journal").run))
    summary = compacted(old, later(old), tmp_path / "archive")
    assert summary is not None
    assert beginnings(old)[:2] == (head, len(changes))
    assert old.one("SELECT count(*) FROM journal") == 1
    assert str(old.one("SELECT id FROM journal")).startswith("snap_")
    assert json.loads(old.one("SELECT payload FROM journal"))["sha256"] == summary.sha256
    entries, turns = (lines_of(tmp_path / "archive" / file.name) for file in summary.files)
    assert [line["position"] for line in entries] == list(range(1, head + 1))
    assert {line["id"]: line["payload"].encode() for line in entries if "payload" in line} == {
        id: bytes(body) for id, body in bodies.items() if id != "evt_odd"
    }
    assert entries[-1]["payload_base64"] == "/3siaWQiOiA3"
    assert [(line["position"], line["user_id"], line["role"]) for line in turns] == [
        (position, user, role) for position, _, _, user, role, _, _ in changes
    ]
    assert old.drift() == []


def test_files_are_whole_private_and_named_with_their_hash(old: World, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    summary = compacted(old, later(old), folder)
    assert summary is not None
    assert sorted(path.name for path in folder.iterdir()) == sorted(file.name for file in summary.files)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in summary.files:
        path = folder / file.name
        assert hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256
        assert len(lines_of(path)) == file.lines
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_older_is_nothing_done(old: World, tmp_path: Path) -> None:
    assert compacted(old, 1, tmp_path / "archive") is None
    assert not (tmp_path / "archive").exists()
    assert compacted(old, later(old), tmp_path / "archive") is not None
    left = old.tables()
    assert compacted(old, later(old) + DAY, tmp_path / "archive") is None
    assert old.tables() == left


def test_a_compacted_journal_is_compacted_again_and_names_all_files(old: World, tmp_path: Path) -> None:
    first = compacted(old, later(old), tmp_path)
    old.joins("cem", "eng").joins("bob", "eng").joins("cem")
    second = compacted(old, later(old), tmp_path)
    assert first is not None
    assert second is not None
    assert second.files[:2] == first.files
    assert second.entries[0] == first.entries[1] + 1
    assert old.one("SELECT count(*) FROM snapshot_parts WHERE position <> :p", p=second.entries[1]) == 0
    assert old.one("SELECT count(*) FROM archived") == second.entries[1]
    assert old.drift() == []
    left = old.tables()
    assert old.rebuilds().tables() == left


def test_a_repeat_of_what_was_archived_is_answered_like_the_first_and_has_no_effect(old: World, tmp_path: Path) -> None:
    event = old.snapshot("eve", "eng")
    (first,) = old.submit(event)
    old.joins("eve")
    compacted(old, later(old), tmp_path)
    left = old.tables()
    (again,) = old.submit(event)
    assert (again.outcome, again.position, again.repeated) == (first.outcome, first.position, True)  # type: ignore[union-attr]
    (odd,) = old.submit(from_webhook("evt_odd", b"another body"))
    assert odd.outcome is Outcome.REJECTED  # type: ignore[union-attr]
    assert old.tables() == left


def rejected(world: World, event: Event) -> Event:
    """The event as it was recorded while it could not be applied."""
    world.send(Event(**{name: getattr(event, name) for name in event.__struct_fields__} | {"body": Rejected("a bug")}))
    return event


def replays(world: World, id: str) -> Any:
    (answer,) = world.submit(world.command(ReplayEvent(event_id=id), None))
    return answer


def test_what_was_rejected_is_replayed_after_it_was_archived(old: World, tmp_path: Path) -> None:
    event = rejected(old, old.snapshot("eve", "eng"))
    compacted(old, later(old), tmp_path)
    assert old.joins("fay").roles("eve") == set()
    assert replays(old, event.id).outcome is Outcome.APPLIED
    assert old.roles("eve") == {"deployer"}
    assert compacted(old, later(old) - 1, tmp_path)  # the replay itself stays in the journal, and needs the body
    left = old.tables()
    assert old.rebuilds().tables() == left
    compacted(old, later(old), tmp_path)
    assert old.one("SELECT payload FROM archived WHERE id = :id", id=event.id) is None
    left = old.tables()
    assert old.rebuilds().tables() == left
    assert old.roles("eve") == {"deployer"}


def test_what_had_its_effect_and_is_archived_is_not_replayed(old: World, tmp_path: Path) -> None:
    id = old.joins("eve", "eng").receipts[-1].event
    compacted(old, later(old), tmp_path)
    assert isinstance(replays(old, id), BadInput)


def test_an_applied_event_that_a_kept_replay_names_keeps_its_body(old: World, tmp_path: Path) -> None:
    id = old.joins("eve", "eng").receipts[-1].event
    moment = later(old)
    assert replays(old, id).outcome is Outcome.SUPERSEDED
    compacted(old, moment, tmp_path)
    assert old.one("SELECT payload FROM archived WHERE id = :id", id=id) is not None
    left = old.tables()
    assert old.rebuilds().tables() == left


def test_a_file_of_that_name_is_never_written_over(old: World, tmp_path: Path) -> None:
    head = old.one("SELECT max(position) FROM journal")
    mine = tmp_path / f"journal-1-{head}.jsonl.gz"
    mine.write_bytes(b"mine")
    left = old.tables()
    with pytest.raises(Conflict, match="is there already"):
        compacted(old, later(old), tmp_path)
    assert mine.read_bytes() == b"mine"
    assert old.tables() | {"snapshot_parts": []} == left
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_log_that_a_replay_does_not_give_again_is_left_alone(old: World, tmp_path: Path) -> None:
    old.database.write_now(Statement("UPDATE changes SET reasons = '[ ]' WHERE position = 2").run)
    left = old.tables()
    with pytest.raises(Conflict, match="rebuild"):
        compacted(old, later(old), tmp_path)
    assert old.tables() == left
    old.rebuilds()
    assert compacted(old, later(old), tmp_path) is not None


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DELETE FROM snapshot_parts WHERE name = 'grants'", "not what was stored"),
        ("UPDATE journal SET type = 'other'", "is not there"),
        ("DELETE FROM changes", "lacks the change"),
    ],
)
def test_check_finds_a_damaged_snapshot(old: World, tmp_path: Path, damage: str, said: str) -> None:
    compacted(old, later(old), tmp_path)
    assert old.drift() == []
    old.database.write_now(Statement(damage).run)
    (sentence,) = old.database.read_now(lambda session: check(session, lambda _done, _total: None))
    assert said in sentence


def test_check_finds_a_hole_above_the_snapshot(old: World, tmp_path: Path) -> None:
    compacted(old, later(old), tmp_path)
    old.send(from_webhook("evt_a", b"1"), from_webhook("evt_b", b"2"), clock=START + DAY)
    old.database.write_now(Statement("DELETE FROM journal WHERE id = 'evt_a'").run)
    assert any("positions are missing" in sentence for sentence in old.drift())
