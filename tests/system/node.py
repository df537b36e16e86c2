"""Node.js for the tests: what the lock says, installed once, and programs whose lines of JSON are read as they come."""

from __future__ import annotations

import hashlib
import json
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.processes import REPOSITORY, clean_environment
from tests.system.directory import Json

SOURCES = REPOSITORY / "tests" / "node"
CACHE = REPOSITORY / ".cache"
INSTALL_WITHIN = 100.0  # seconds
WITHIN = 20.0
needs_node = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm")), reason="needs Node.js with npm, for the clients of frontends"
)


def installed() -> Path:
    """A folder with what the lock says is needed; installed once, until the lock changes."""
    lock = (SOURCES / "package-lock.json").read_bytes()
    folder = CACHE / f"node-{hashlib.sha256(lock).hexdigest()[:12]}"
    CACHE.mkdir(exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n")
    if not folder.exists():
        fresh = Path(tempfile.mkdtemp(dir=CACHE))
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCES / name, fresh)
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(command, cwd=fresh, capture_output=True, text=True, timeout=INSTALL_WITHIN)
        assert done.returncode == 0, done.stderr
        try:
            fresh.rename(folder)
        except OSError:  # another process of this test run was quicker
            assert folder.exists()
            shutil.rmtree(fresh)
    return folder


class Follower:
    """The lines that a running client prints, as they come."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: queue.Queue[Json] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(json.loads(line))

    def next(self, kind: str) -> object:
        """What the next line says, which must be of this kind."""
        line = self._lines.get(timeout=WITHIN)
        assert line.keys() == {kind}, line
        return line[kind]

    def change(self) -> tuple[str, str, str]:
        """The next role change."""
        result = self.next("next")
        assert isinstance(result, dict)
        found = result["data"]["roleChanges"]
        return found["kind"], found["userId"], found["roleName"]

    def is_silent(self, seconds: float) -> bool:
        """Whether nothing is printed for so long."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            return True
        raise AssertionError(line)

    def end(self) -> None:
        """Stop it, and read what it still said: its output is not to be closed while somebody reads."""
        self.process.kill()
        self._reader.join(WITHIN)

    def unsubscribe(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()


@contextmanager
def running(folder: Path, *command: str) -> Iterator[Follower]:
    """Run a program of the folder for as long as the block lasts."""
    with subprocess.Popen(
        ["node", *command],
        cwd=folder,
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        follower = Follower(process)
        try:
            yield follower
        finally:
            follower.end()
