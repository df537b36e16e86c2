"""The process that started the workers is killed, and they are not: they end, and the port is free for the next."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.faults.truth import is_clean
from tests.processes import SECRETS, serving_process
from tests.system.directory import Outside, user_in
from tests.system.waiting import until


def children(pid: int) -> list[int]:
    """The processes that it started and that run."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(each) for each in found]


def runs(pid: int) -> bool:
    """Whether the process runs; one that has ended and that nobody asked about does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_workers_without_their_parent_end_and_another_server_takes_the_port(
    migrated_postgresql: str, tmp_path: Path
) -> None:
    environment = SECRETS | {"DATABASE_URL": migrated_postgresql, "WEB_CONCURRENCY": "2"}
    with serving_process(tmp_path, environment=environment) as server, Outside(server.url) as outside:
        outside.tell(user_in("ada", "eng"))
        workers = children(server.pid)
        assert len(workers) >= 2
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        until(lambda: not any(runs(worker) for worker in workers), 12)
        server.start()
        outside.tell(user_in("bob", "eng"))
        assert len(outside.journal()) == 2
        assert "Traceback" not in server.log
    is_clean(tmp_path, migrated_postgresql)
