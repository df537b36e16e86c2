"""The archive's folder: files that are whole or not there, never written over, and readable by their owner alone."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from msgspec import Struct

from schema.problems import BadInput, Conflict

UNFINISHED = ".unfinished-"
BLOCK = 1 << 20


class Filed(Struct, frozen=True):
    """A file of the archive, as a snapshot names it."""

    name: str
    lines: int
    sha256: str


class Writing:
    """A file on its way: nobody sees it under its name before it is whole and on the disk."""

    def __init__(self, place: Path, name: str) -> None:
        """`place` is the folder for what is unfinished, `name` the one the file is to have."""
        self.name = name
        self.path = place / name
        self.lines = 0
        self._file = os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        # Without the time and the name in its header the same lines are the same bytes, and a second run can tell.
        self._gzip = gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=self._file, mtime=0)

    def write(self, line: bytes) -> None:
        """Add a line."""
        self._gzip.write(line + b"\n")
        self.lines += 1

    def finish(self) -> str:
        """Bring the file to the disk, and give its SHA-256."""
        self._gzip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return _hash(self.path)

    def abandon(self) -> None:
        """Let go of the file, whatever is in it; does nothing once it is finished."""
        self._file.close()


class Folder:
    """A folder that one compaction at a time works in."""

    def __init__(self, path: Path, place: Path) -> None:
        """`place`, inside the folder, is for what is unfinished, and is gone when the work is over."""
        self.path = path
        self.place = place
        self._open = ExitStack()

    def start(self, name: str) -> Writing:
        """Begin a file of this name."""
        writing = Writing(self.place, name)
        self._open.callback(writing.abandon)
        return writing

    def close(self) -> None:
        """Let go of every file."""
        self._open.close()

    def publish(self, writing: Writing) -> Filed:
        """Give a file its name, for good; the same file, left by a run that was killed, may be there already.

        Raises Conflict for any other file of that name.
        """
        digest, target = writing.finish(), self.path / writing.name
        if not target.exists():
            os.rename(writing.path, target)
            _sync(self.path)
        elif _hash(target) != digest:
            raise Conflict(f"{target} is there already, with other content; name another folder with --to")
        return Filed(writing.name, writing.lines, digest)


@contextmanager
def alone_in(path: Path) -> Iterator[None]:
    """Keep every other compaction out of the folder, which is made if it is not there.

    Raises BadInput if it cannot be made or opened, Conflict if another is working in it.
    """
    with _nothing_moved(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with _nothing_moved(path):
            _take(handle, path)
        yield
    finally:
        os.close(handle)


@contextmanager
def archive_in(path: Path) -> Iterator[Folder]:
    """The folder, for as long as files are written to it: the snapshot is put in place after that, and never within.

    What a run that was killed left unfinished is cleared away. Raises BadInput if the folder cannot be written, also
    when that shows only at its end.
    """
    with _nothing_moved(path):
        for left in path.glob(f"{UNFINISHED}*"):
            shutil.rmtree(left)
        with (
            tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=path) as place,
            closing(Folder(path, Path(place))) as folder,
        ):
            yield folder


@contextmanager
def _nothing_moved(path: Path) -> Iterator[None]:
    """What the system refuses while the database is as it was."""
    try:
        yield
    except OSError as error:
        raise BadInput(f"the archive cannot be written to {path}: {error.strerror}; nothing was moved") from error


def _take(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Conflict(f"another compaction is working in {path}") from None


def _sync(path: Path) -> None:
    """Bring a folder's list of names to the disk: a file is found after a power cut only once that is there."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
