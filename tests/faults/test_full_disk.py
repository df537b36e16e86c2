"""No room on the disk: writes are refused as a whole, reads go on, and with room again everything is taken."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.insistent import company, load
from tests.faults.truth import footprint, is_unharmed
from tests.processes import SECRETS, Server, serving_process
from tests.system.directory import Outside
from tests.system.waiting import until

Full = Callable[[Server, Path], Iterator[None]]
DISK = "32m"


def file_system(_server: Server, folder: Path) -> Iterator[None]:
    """Another file takes all the room there is (ENOSPC)."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                continue
        except OSError:
            yield
    filler.unlink()


def quota(server: Server, folder: Path) -> Iterator[None]:
    """No file of the server may grow past what the largest has (EFBIG)."""
    limits = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    largest = max(file.stat().st_size for file in folder.glob("rolecast.db*"))
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (largest, limits[1]))
    yield
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, limits)


only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")


@pytest.fixture(params=[pytest.param(quota, id="quota"), pytest.param(file_system, id="file_system", marks=only_root)])
def full(request: pytest.FixtureRequest) -> Full:
    kind: Full = request.param
    return kind


@pytest.fixture
def disk(full: Full, tmp_path: Path) -> Iterator[Path]:
    """The folder of the database: on a small file system of its own, where one is to be full."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if full is quota:
        yield folder
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_refuses_webhooks_while_reads_go_on_and_room_again_takes_them_all(
    full: Full, disk: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{disk}/rolecast.db"
    quiet = {"ROLECAST_LOG_LEVEL": "warning"}
    with serving_process(tmp_path, environment=SECRETS | quiet | {"DATABASE_URL": url}) as server:
        company(server.url)
        before = footprint(server)
        with load(server.url) as busy, Outside(server.url) as outside:
            busy.goes_on()
            with contextmanager(full)(server, disk):
                until(lambda: busy.refused() >= 20, 40)
                assert outside.roles("founder") == {"eng", "ops", "sales", "law"}
                assert server.answers("/readyz")
                until(lambda: "events could not be written" in server.log)
                answered = busy.answered()
            busy.goes_on()
            assert busy.answered() > answered
        is_unharmed(server, before, url, busy)
