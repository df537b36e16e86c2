"""Processes that begin with Rolecast imported: forked from one that did nothing else, each saves a second of work.

The rest is as `python -m api` has it: a process and a session of its own, its folder, its environment, its files.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from signal import Signals

# What must be there before Rolecast is imported, or is handed on to interpreters that it starts, needs a real start.
NEEDS_A_START = ("PYTHONPATH", "WEB_CONCURRENCY")
FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(["api.cli", "api.app", "api.demo.play", "api.sender", "tests.forked"])


class Forked:
    """One process; what is used of subprocess.Popen."""

    def __init__(
        self, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdin: Path, stdout: Path, stderr: Path
    ) -> None:
        """Begin. Of the files, the last two are appended to."""
        files = (str(stdin), str(stdout), str(stderr))
        given = (list(arguments), str(cwd), dict(env), files)
        self._process: BaseProcess = FORKED.Process(target=_become, args=given, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """Its process, and its session."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit code; minus the signal that ended it; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """Its exit code, within so many seconds; raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        if (code := self._process.exitcode) is None:
            raise subprocess.TimeoutExpired("rolecast", timeout)
        return code

    def send_signal(self, number: Signals) -> None:
        """Send it a signal, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)


def _become(arguments: list[str], folder: str, environment: dict[str, str], files: tuple[str, str, str]) -> None:
    """Be `python -m api` with these arguments."""
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    modes = (os.O_RDONLY, os.O_WRONLY | os.O_APPEND | os.O_CREAT, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for number, (file, mode) in enumerate(zip(files, modes, strict=True)):
        opened = os.open(file, mode, 0o644)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  # for as long as the process lives
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", write_through=True)  # type: ignore[union-attr]
    sys.argv = ["-m", *arguments]
    from api.cli import main

    main()
