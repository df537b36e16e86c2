"""The file that a copy makes is gone again unless it is kept; what was there before is never touched."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from api.copying.fresh import BESIDE, fresh


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def fill(folder: Path) -> None:
    for end in BESIDE:
        (folder / f"x.db{end}").write_text("x")


def fails_full(folder: Path) -> None:
    fill(folder)
    raise ZeroDivisionError


def test_what_was_made_is_gone_with_all_beside_it_unless_it_is_kept(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    with pytest.raises(ZeroDivisionError), fresh(url):
        fails_full(tmp_path)
    assert names(tmp_path) == set()
    with fresh(url) as keep:
        assert names(tmp_path) == {"x.db"}
        keep()
    assert names(tmp_path) == {"x.db"}


def test_what_was_there_stays_whatever_happens(tmp_path: Path) -> None:
    fill(tmp_path)
    with pytest.raises(ZeroDivisionError), fresh(f"sqlite:///{tmp_path}/x.db"):
        raise ZeroDivisionError
    assert len(names(tmp_path)) == len(BESIDE)


@pytest.mark.parametrize("url", ["postgresql+psycopg://u@localhost/x.db", "sqlite:///no/such/folder/x.db"])
def test_where_there_is_no_file_to_make_none_is_made(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with fresh(url):
        assert names(tmp_path) == set()


def test_sigterm_ends_it_as_ctrl_c_does_and_is_as_before_afterwards(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), fresh(f"sqlite:///{tmp_path}/x.db"):
        os.kill(os.getpid(), signal.SIGTERM)
    assert names(tmp_path) == set()
    assert signal.getsignal(signal.SIGTERM) is before
