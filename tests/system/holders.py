"""Another process in the way: it holds the writer's lock of a database for as long as a block lasts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.processes import clean_environment

SQLITE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""
POSTGRESQL = """
import psycopg, sys
from api.engines import WRITER_LOCK
with psycopg.connect(sys.argv[1]) as connection:
    connection.execute(f"SELECT pg_advisory_lock({WRITER_LOCK})")
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_writer(url: str) -> Iterator[None]:
    """Hold the lock from another process; it lets go with the block."""
    script, name = (SQLITE, url.removeprefix("sqlite:///")) if url.startswith("sqlite") else (POSTGRESQL, url)
    with subprocess.Popen(
        [sys.executable, "-c", script, name],
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield
        finally:
            process.kill()
