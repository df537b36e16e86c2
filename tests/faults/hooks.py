"""Something changed inside a real server process before it starts: Python runs `sitecustomize` first."""

from __future__ import annotations

from pathlib import Path

from tests.processes import REPOSITORY

CLOCK = """
import time
from pathlib import Path

seconds, nanoseconds, shift = time.time, time.time_ns, Path({file!r})
time.time = lambda: seconds() + int(shift.read_text())
time.time_ns = lambda: nanoseconds() + int(shift.read_text()) * 10**9
"""
FROZEN = """
import api.engines

api.engines.WRITING = api.engines.WRITING.replace("'30s'", "'{seconds}s'")
"""
SILENT = """
import api.peers

api.peers.SILENT_SECONDS = {seconds}
"""


def hooked(folder: Path, source: str) -> dict[str, str]:
    """The environment in which Python runs the source before anything else."""
    hook = folder / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(source)
    return {"PYTHONPATH": f"{hook}:{REPOSITORY}"}


class Clock:
    """The clock of a server process: the machine's, set forth or back by whole seconds."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "shift"
        self.set(0)
        self.environment = hooked(folder, CLOCK.format(file=str(self._file)))

    def set(self, seconds: int) -> None:
        """From now on the process's clock shows the machine's time and so many seconds."""
        new = self._file.with_suffix(".new")
        new.write_text(str(seconds))
        new.replace(self._file)
        self.shift = seconds
