"""SQLite's file moved, deleted or replaced under a server: nothing is acknowledged that nobody would find again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.test_killed_postgresql import why_not_ready
from tests.faults.truth import is_clean
from tests.processes import serving_process
from tests.system.directory import Outside, user_in
from tests.system.waiting import until


def deleted(_file: Path) -> None:
    """What an operator thinks is a fresh start."""


def replaced(file: Path) -> None:
    """What an operator thinks is a restore."""
    shutil.copy(file.with_name("aside.db"), file)


@pytest.mark.parametrize("what", [deleted, replaced])
def test_whoever_tells_is_told_to_repeat_it_until_the_file_is_back(
    tmp_path: Path, what: Callable[[Path], None]
) -> None:
    file, aside = tmp_path / "rolecast.db", tmp_path / "aside.db"
    first, during = user_in("ada", "eng"), user_in("bob", "eng")
    with serving_process(tmp_path) as server, Outside(server.url) as outside:
        outside.tell(first)
        file.rename(aside)
        what(file)
        refused = outside.post(json.dumps(during).encode())
        assert (refused.status_code, "restart the server" in refused.text) == (503, True), refused.text
        assert "moved, deleted or replaced" in why_not_ready(server)
        assert outside.answer("{ organizations { totalCount } }")["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        aside.replace(file)
        until(lambda: server.answers("/readyz"))
        assert [entry["id"] for entry in outside.journal()] == [first["id"]]
        outside.tell(during)
        assert "Traceback" not in server.log
        server.kill()
        server.start()
        assert [entry["id"] for entry in outside.journal()] == [during["id"], first["id"]]
    is_clean(tmp_path, f"sqlite:///{file}")
