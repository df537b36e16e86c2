"""The file that a copy makes: gone again, with what SQLite put beside it, unless the copy is made."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

BESIDE = ("", "-wal", "-shm", "-journal")


@contextmanager
def fresh(url: str) -> Iterator[Callable[[], None]]:
    """Make the file of an SQLite URL, unless it is there, and take it away again unless what is given is called.

    The database must be closed by then. A file that was there stays, and so does what is no file. SIGTERM is raised
    within as Ctrl-C is, so that nothing is left then either; SIGKILL leaves the file.
    """
    made = _made(url)
    kept = False

    def keep() -> None:
        nonlocal kept
        kept = True

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield keep
    finally:
        if made is not None and not kept:
            for end in BESIDE:
                Path(f"{made}{end}").unlink(missing_ok=True)
        signal.signal(signal.SIGTERM, before)


def _made(url: str) -> str | None:
    """The path of the file that was made; None for one that was there, and for what the database has to refuse."""
    parts = make_url(url)
    if parts.get_backend_name() != "sqlite" or parts.query:
        return None
    try:
        Path(parts.database or "").touch(exist_ok=False)
    except OSError:
        return None
    return parts.database
