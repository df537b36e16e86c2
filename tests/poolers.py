"""A real PgBouncer in transaction mode in front of a PostgreSQL database, for as long as a block lasts."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.processes import free_port

STARTS_WITHIN = 10.0  # seconds
SERVER_CONNECTIONS = 4  # fewer than its clients open: they have to share, and get another one at each transaction
CONFIGURATION = """[databases]
* = host={host} port={port} user={user} {password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
"""


def pgbouncer() -> str | None:
    """Where Debian puts it is not in everybody's path."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def pooled(url: str) -> Iterator[str]:
    """The URL of the same database, through the pooler."""
    server = conninfo_to_dict(url)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="rolecast-pgbouncer-") as folder:
        password = f"password={server['password']}" if server.get("password") else ""
        file = Path(folder) / "pgbouncer.ini"
        words = {name: server.get(name) or default for name, default in (("host", "127.0.0.1"), ("port", 5432))}
        user = server.get("user") or "postgres"
        file.write_text(
            CONFIGURATION.format(**words, user=user, password=password, listen=port, size=SERVER_CONNECTIONS)
        )
        Path(folder).chmod(0o755)
        # It refuses to be root, and PostgreSQL's socket is its owner's.
        user_of_its_own = ["-u", Path(str(words["host"])).owner()] if os.geteuid() == 0 else []
        process = subprocess.Popen([str(pgbouncer()), "-q", *user_of_its_own, str(file)], stderr=subprocess.DEVNULL)
        through = f"postgresql://{user}@127.0.0.1:{port}/{server['dbname']}"
        try:
            _await(through, process)
            yield through
        finally:
            process.terminate()
            process.wait(STARTS_WITHIN)


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            with psycopg.connect(url, connect_timeout=2, prepare_threshold=None):
                return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
        time.sleep(0.05)
