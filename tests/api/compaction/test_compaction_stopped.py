"""A compaction that is stopped anywhere has lost nothing, and the next run brings it to its end."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from api.compaction import compact as steps
from api.compaction import moving
from api.database import Database
from schema.problems import BadInput, Conflict
from schema.sql import Statement
from tests.compacting import compacted, facts, lines_of, silent
from tests.world import World


class Killed(BaseException):
    """What no code expects, and cleans up after less than after an exception."""


@pytest.fixture
def busy(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world with a past of some pieces."""
    monkeypatch.setattr(moving, "PIECE", 4)
    world.maps("eng", "deployer").maps("ops", "reader")
    for user in ("ada", "bob", "cem"):
        world.joins(user, "eng").joins(user).joins(user, "eng", "ops")
    return world


def killed_at(title: str, call: int) -> steps.Bar:
    """Bars of which the named one ends everything at one of its calls; 0 is its beginning."""
    runs = {"clearing what is archived": -1}

    @contextmanager
    def bar(name: str) -> Iterator[Callable[[int, int], None]]:
        runs[name] = runs.get(name, 0) + 1
        calls = 0

        def progress(_done: int, _total: int) -> None:
            nonlocal calls
            calls += 1
            if (name, calls) == (title, call):
                raise Killed

        if name == title and call == 0 and runs[name]:
            raise Killed
        yield progress

    return bar


def refusing(place: str, **_how: object) -> None:
    """In place of `shutil.rmtree`: a folder that still has something in it, as NFS shows one of files that are open."""
    raise OSError(errno.ENOTEMPTY, "Directory not empty", place)


def logs_of(world: World) -> tuple[Any, Any]:
    """Both logs, as they are stored."""
    tables = world.tables()
    return tables["journal"], tables["changes"]


STOPS = [
    ("writing the journal", 0),
    ("writing the journal", 1),
    ("replaying events", 0),
    ("replaying events", 2),
    ("writing the changes", 1),
    ("clearing what is archived", 0),
    ("clearing what is archived", 1),
    ("clearing what is archived", 3),
]


@pytest.mark.parametrize(("title", "call"), STOPS)
def test_stopped_anywhere_it_has_lost_nothing_and_a_second_run_finishes(
    busy: World, tmp_path: Path, title: str, call: int
) -> None:
    moment = int(busy.one("SELECT max(received_at) FROM journal"))
    now, head = facts(busy), int(busy.one("SELECT max(position) FROM journal"))
    with pytest.raises(Killed):
        steps.compact(busy.database, moment, tmp_path, killed_at(title, call))
    assert facts(busy) == now
    assert busy.drift() == []
    assert facts(busy.rebuilds()) == now
    steps.compact(busy.database, moment, tmp_path, silent)
    assert busy.one("SELECT count(*) FROM journal") == 2
    assert busy.one("SELECT count(*) FROM archived") == head - 1
    assert busy.one("SELECT count(*) FROM changes WHERE event_position < :head", head=head - 1) == 0
    (file,) = tmp_path.glob("journal-*")
    assert [line["position"] for line in lines_of(file)] == list(range(1, head))
    left = busy.tables()
    assert busy.rebuilds().tables() == left
    assert facts(busy) == now
    assert busy.drift() == []


def test_a_compaction_that_another_overtook_changes_nothing(busy: World, tmp_path: Path) -> None:
    moment = int(busy.one("SELECT max(received_at) FROM journal"))

    @contextmanager
    def overtaken(title: str) -> Iterator[Callable[[int, int], None]]:
        yield lambda _done, _total: None
        if title == "writing the changes":
            assert compacted(busy, moment, tmp_path / "other")

    with pytest.raises(Conflict, match="another compaction"):
        steps.compact(busy.database, moment - 1, tmp_path / "mine", overtaken)
    left = busy.tables()
    assert busy.rebuilds().tables() == left
    assert busy.drift() == []
    assert compacted(busy, moment + 1, tmp_path / "mine")
    assert busy.drift() == []


def test_two_do_not_work_in_one_folder(busy: World, tmp_path: Path) -> None:
    moment = int(busy.one("SELECT max(received_at) FROM journal"))

    @contextmanager
    def beside(title: str) -> Iterator[Callable[[int, int], None]]:
        if title == "replaying events":
            with pytest.raises(Conflict, match="another compaction"):
                compacted(busy, moment, tmp_path)
        yield lambda _done, _total: None

    assert steps.compact(busy.database, moment, tmp_path, beside)


def test_what_comes_meanwhile_is_kept(busy: World, tmp_path: Path) -> None:
    moment = int(busy.one("SELECT max(received_at) FROM journal")) + 1
    users = iter(range(100))

    @contextmanager
    def meanwhile(_title: str) -> Iterator[Callable[[int, int], None]]:
        def come(_done: int, _total: int) -> None:
            busy.joins(f"user_{next(users)}", "eng")

        come(0, 0)
        yield come

    assert steps.compact(busy.database, moment, tmp_path, meanwhile)
    came = next(users)
    assert came > 6
    assert busy.one("SELECT count(*) FROM users WHERE id LIKE 'user_%'") == came
    assert busy.drift() == []
    left = busy.tables()
    assert busy.rebuilds().tables() == left


def test_a_folder_that_is_none_is_refused_in_a_sentence(busy: World, tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("a file")
    left = busy.tables()
    with pytest.raises(BadInput, match="cannot be written"):
        compacted(busy, int(busy.one("SELECT max(received_at) FROM journal")), tmp_path / "archive")
    assert busy.tables() == left


def test_a_folder_that_does_not_let_go_of_what_is_unfinished_is_refused_before_anything_is_moved(
    busy: World, tmp_path: Path
) -> None:
    moment, left = int(busy.one("SELECT max(received_at) FROM journal")), logs_of(busy)
    folder = tmp_path / "archive"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shutil, "rmtree", refusing)
        with pytest.raises(BadInput, match="Directory not empty; nothing was moved"):
            compacted(busy, moment, folder)
    assert logs_of(busy) == left
    assert compacted(busy, moment, folder)
    assert logs_of(busy) != left
    assert all(path.name.endswith(".gz") for path in folder.iterdir())


def test_what_fails_once_the_snapshot_is_in_place_does_not_say_that_nothing_was_moved(
    busy: World, tmp_path: Path
) -> None:
    moment, left = int(busy.one("SELECT max(received_at) FROM journal")), logs_of(busy)

    def in_place(database: Database, *arguments: Any) -> None:
        put_in_place(database, *arguments)
        raise OSError(errno.EIO, "Input/output error")

    put_in_place = steps._put_in_place
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "_put_in_place", in_place)
        with pytest.raises(OSError, match=r"^\[Errno 5\] Input/output error$"):
            compacted(busy, moment, tmp_path)
    assert logs_of(busy) != left
    assert compacted(busy, moment, tmp_path) is None, "what is older leaves now"
    assert busy.one("SELECT count(*) FROM journal") == 2
    assert busy.drift() == []


def test_what_a_dead_run_left_unfinished_is_cleared_away(busy: World, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    (folder / ".unfinished-dead").mkdir(parents=True)
    (folder / ".unfinished-dead" / "scratch.db").write_text("x")
    busy.database.write_now(
        Statement(
            "INSERT INTO snapshot_parts (position, name, part, data) VALUES (7, 'users', 0, CAST('' AS {}))".format(
                "bytea" if busy.database.dialect == "postgresql" else "blob"
            )
        ).run
    )
    assert compacted(busy, int(busy.one("SELECT max(received_at) FROM journal")), folder)
    assert all(path.name.endswith(".gz") for path in folder.iterdir())
    assert busy.one("SELECT count(*) FROM snapshot_parts WHERE position = 7") == 0
