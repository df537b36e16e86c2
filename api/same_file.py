"""Which file a SQLite database is: one that is put in its place under a running process is another database."""

from __future__ import annotations

import os

from sqlalchemy.engine import make_url

from schema.problems import Unavailable

Identity = tuple[int, int]  # device and inode


class SameFile:
    """The file that was opened. What goes into one that nobody finds by its name any more is lost."""

    def __init__(self, url: str) -> None:
        """`url` may be of a database that has no file; then there is nothing to compare."""
        parts = make_url(url)
        named = parts.get_backend_name() == "sqlite" and parts.database not in (None, "", ":memory:")
        self._path = os.path.abspath(str(parts.database)) if named else None
        self._opened: Identity | None = None

    def remember(self) -> None:
        """Take note of the file, once there is one."""
        if self._path is not None and self._opened is None:
            self._opened = self._identity()

    def hold(self) -> None:
        """Raise Unavailable when the name leads elsewhere than to the file that was opened."""
        if self._opened is not None and self._identity() != self._opened:
            raise Unavailable(
                "the database's file was moved, deleted or replaced while it was open; restart the server",
                retry_after=30,
                detail=f"{self._path} is not the file that was opened",
            )

    def _identity(self) -> Identity | None:
        try:
            found = os.stat(self._path or "")
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino
