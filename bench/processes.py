"""The processes of a measurement, Rolecast as it is served, the bare route and clients: each ends with its block."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec

from bench.company import API_KEY, SECRET

ROOT = Path(__file__).parent.parent
START_WITHIN = 30.0  # seconds
STOP_WITHIN = 15.0
IN_MEMORY = {"tmpfs", "ramfs", "overlay"}  # overlay may be anything; a plain disk is better where there is one


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def computed(self) -> float:
        """Seconds of processor time so far, all threads; 0 where the system does not tell (only Linux does here)."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def rolecast(prepare: Callable[[Path], None] = lambda folder: None) -> Iterator[Server]:
    """`python -m api serve` on a new SQLite database on a disk, filled by `prepare`; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="rolecast-bench-", dir=disk()[0], ignore_cleanup_errors=True) as folder:
        prepare(Path(folder))
        environment = {
            "DATABASE_URL": f"sqlite:///{folder}/rolecast.db",
            "ROLECAST_WEBHOOK_SECRETS": SECRET,
            "ROLECAST_API_KEY": API_KEY,
        }
        with _serving(["api", "serve"], environment, Path(folder)) as server:
            yield server


@contextmanager
def bare() -> Iterator[Server]:
    """The baseline's routes, by the same server."""
    with (
        tempfile.TemporaryDirectory(prefix="rolecast-bench-", ignore_cleanup_errors=True) as folder,
        _serving(["bench.bare"], {}, Path(folder)) as server,
    ):
        yield server


@contextmanager
def child(module: str, job: msgspec.Struct) -> Iterator[subprocess.Popen[bytes]]:
    """A client's process, which finds its job in standard input; it does not outlive the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", module], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        if process.stdin is not None:
            process.stdin.write(msgspec.json.encode(job) + b"\n")
            process.stdin.flush()
        yield process
    finally:
        _end(process)


def result_of(process: subprocess.Popen[bytes], within: float) -> bytes:
    """What a client's process wrote; raise RuntimeError if it failed, and TimeoutExpired if it hangs."""
    output, _ = process.communicate(timeout=within)
    if process.returncode != 0:
        raise RuntimeError(f"a client failed with exit code {process.returncode}; its reason is above")
    return output


def disk() -> tuple[str, str]:
    """A folder for databases and the type of its file system: a disk's, if any of the usual places has one."""
    places = [tempfile.gettempdir(), "/var/tmp", str(ROOT)]
    known = [(place, _filesystem(place)) for place in places if os.access(place, os.W_OK)]
    return next((each for each in known if each[1] not in IN_MEMORY), known[0])


def syncing() -> float:
    """How many milliseconds the disk takes to sync 8 KB, the median of 100 times: no commit can take less."""
    taken = []
    with tempfile.TemporaryFile(prefix="rolecast-bench-", dir=disk()[0]) as file:
        for _ in range(100):
            file.write(bytes(8192))
            file.flush()
            start = time.perf_counter()
            os.fsync(file.fileno())
            taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def _filesystem(folder: str) -> str:
    try:
        lines = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return "unknown"
    path = os.path.realpath(folder)
    holding = [line for line in lines if path == line[1] or path.startswith(line[1].rstrip("/") + "/")]
    return max(holding, key=lambda line: len(line[1]))[2] if holding else "unknown"


@contextmanager
def _serving(command: list[str], environment: dict[str, str], folder: Path) -> Iterator[Server]:
    settings = environment | {"PORT": str(_free_port()), "ROLECAST_LOG_LEVEL": "warning", "WEB_CONCURRENCY": "1"}
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=os.environ | settings,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(int(settings["PORT"]), process.pid)
    try:
        _await_ready(server, process, log)
        yield server
    finally:
        _end(process)
        sys.stderr.write(log.read_text(errors="replace")[-4000:])


def _await_ready(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{server.url}/readyz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise RuntimeError(f"a server did not start within {START_WITHIN:.0f} s; what it said is below")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the process to stop, then stop it and whatever it started."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(STOP_WITHIN)
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
