"""What every command of the command line needs: a voice on each stream, the database at hand, a progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

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
    if migrated and url.startswith("sqlite") and not Path(url.removeprefix("sqlite:///")).exists():
        raise Unavailable(f"there is no database at {url}: set DATABASE_URL, or run `python -m api migrate` first")
    database = Database(url)
    try:
        if migrated and not is_migrated(database):
            raise Unavailable("the database is not at this version's tables: run `python -m api migrate` first")
        yield database
    finally:
        database.close()


@contextmanager
def progress_of(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that says how far it is; quiet where there is no terminal."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=complain, transient=True, disable=not complain.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
