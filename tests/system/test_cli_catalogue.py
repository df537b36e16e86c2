"""The catalogue in a file, and the replay of what was rejected: real processes on a real database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.database import Database
from api.migrate import migrate
from schema.events import Event, Rejected
from schema.kinds import Outcome
from tests.processes import rolecast
from tests.world import World

ROLES = """
[permissions]
"doc:read" = "Read"

[defaults]
member = "viewer"

[roles.editor]
extends = "viewer"

[roles.viewer]
priority = 10
permissions = ["doc:read"]
"""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    """A world in the database of the folder where commands are run."""
    database = Database(f"sqlite:///{tmp_path}/rolecast.db")
    migrate(database)
    yield World(database)
    database.close()


def run(folder: Path, *arguments: str, stdin: str = "", code: int = 0) -> str:
    done = rolecast(folder, *arguments, stdin=stdin)
    assert done.returncode == code, done
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stdout + done.stderr


def test_a_file_is_shown_applied_and_exported(tmp_path: Path, here: World) -> None:
    here.joins("ada")
    (tmp_path / "roles.toml").write_text(ROLES, encoding="utf-8")
    shown = ["+ permission doc:read", "+ role editor", "+ role viewer", "~ default member role: none -> viewer"]

    said = run(tmp_path, "catalogue", "apply", "roles.toml", "--dry-run").splitlines()
    assert said == [*shown, "Would be applied: 1 roles granted, 0 revoked."]
    assert here.roles("ada") == set()

    said = run(tmp_path, "catalogue", "apply", "roles.toml").splitlines()
    assert said[:-1] == shown
    assert said[-1].endswith(": 1 roles granted, 0 revoked.")
    assert here.roles("ada") == {"viewer"}
    assert here.one("SELECT actor FROM journal WHERE type = 'admin.apply_catalogue'") == "cli"

    assert run(tmp_path, "catalogue", "apply", "roles.toml", "--prune") == "Nothing to change.\n"
    exported = run(tmp_path, "catalogue", "export")
    assert run(tmp_path, "catalogue", "apply", "-", "--prune", stdin=exported) == "Nothing to change.\n"
    assert here.one("SELECT count(*) FROM journal WHERE type = 'admin.apply_catalogue'") == 1
    assert "Clean" in run(tmp_path, "check")


def test_an_empty_catalogue_is_exported_too(tmp_path: Path, here: World) -> None:
    exported = run(tmp_path, "catalogue", "export")
    assert run(tmp_path, "catalogue", "apply", "-", "--prune", stdin=exported) == "Nothing to change.\n"


def test_what_is_refused_is_a_sentence_and_changes_nothing(tmp_path: Path, here: World) -> None:
    here.role("old").asserts("ada", "old")
    for arguments in (["--prune"], ["--prune", "--dry-run"]):
        said = run(tmp_path, "catalogue", "apply", "-", *arguments, stdin=ROLES, code=1)
        assert "- role old" in said
        assert "rolecast: role 'old' is not declared, and cannot end: it is held by 1 users" in said
    assert "roles.x.priority" in run(tmp_path, "catalogue", "apply", "-", stdin="[roles.x]\npriority = ''", code=1)
    assert here.one("SELECT count(*) FROM roles") == 1


def test_all_that_was_rejected_is_replayed_once(tmp_path: Path, here: World) -> None:
    here.maps("eng", "editor")
    events = [here.snapshot(f"user_{number:03}", "eng") for number in range(70)]
    here.send(*(_as_rejected(event) for event in events))
    here.joins("user_000")
    here.send(here.event("organization.directory.user_updated", {"id": 7}))  # and this is not understood today either
    assert here.outcome() is Outcome.REJECTED

    assert run(tmp_path, "replay", "--rejected") == (
        "Replayed 71 events: 69 applied, 1 superseded, 0 ignored, 1 rejected again.\n"
    )
    assert (here.roles("user_000"), here.roles("user_069")) == (set(), {"editor"})
    assert here.one("SELECT count(*) FROM journal WHERE type = 'admin.replay_event' AND actor = 'cli'") == 71
    assert run(tmp_path, "replay", "--rejected") == (
        "Replayed 1 events: 0 applied, 0 superseded, 0 ignored, 1 rejected again.\n"
    )
    assert here.drift() == []
    tables = here.tables()
    assert here.rebuilds().tables() == tables


def test_replay_wants_to_know_which(tmp_path: Path, here: World) -> None:
    assert "--rejected" in run(tmp_path, "replay", code=1)


def _as_rejected(event: Event) -> Event:
    """The event as it was recorded while it could not be applied."""
    words = {name: getattr(event, name) for name in event.__struct_fields__}
    assert json.loads(event.payload)["id"] == event.id
    return Event(**words | {"body": Rejected("a bug")})
