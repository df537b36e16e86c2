"""What every command of the command line needs: a voice on each stream, the database at hand, a progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from sqlalchemy.engine import make_url

from api.database import Database
from api.migrate import is_migrated
from api.settings import load_settings
from schema.problems import Unavailable

console = Console(highlight=False, soft_wrap=True)
complain = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def database_at_hand(*, migrated: bool = True) -> Iterator[Database]:
    """The environment's database, for a command that works on it directly."""
    url = load_settings().url
    if migrated and not _is_there(url):
        raise Unavailable(f"there is no database at {url}: set DATABASE_URL, or run `python -m api migrate` first")
    database = Database(url)
    try:
        if migrated and not is_migrated(database):
            raise Unavailable("the database is not at this version's tables: run `python -m api migrate` first")
        yield database
    finally:
        database.close()


def _is_there(url: str) -> bool:
    """Whether SQLite would find a file, instead of making one; of a server, or a URI, nothing is known beforehand."""
    parts = make_url(url)
    file = parts.database or ""
    return parts.get_backend_name() != "sqlite" or file.startswith("file:") or Path(file).exists()


@contextmanager
def progress_of(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that says how far it is; quiet where there is no terminal."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=complain, transient=True, disable=not complain.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
