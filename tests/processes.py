"""Real processes: the command line and the server, each in a folder and an environment of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from tests.forked import NEEDS_A_START, Forked

REPOSITORY = Path(__file__).resolve().parent.parent
SECRET = "whsec_" + "c2l4dGVlbiBieXRlcyBhdCBsZWFzdCE="
KEY = "rk_a_key_for_the_tests_and_nothing_else"
SECRETS = {"ROLECAST_WEBHOOK_SECRETS": SECRET, "ROLECAST_API_KEY": KEY}
READY_WITHIN = 30.0  # seconds; a migrating server takes two on an idle machine
ENDED_WITHIN = 15.0


def clean_environment(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment that knows where Python and Rolecast are, and of the settings only what is given."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1", "COLUMNS": "120"} | dict(given or {})


def rolecast(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, stdin: str = "", timeout: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run one command of `python -m api` in the folder, to its end."""
    with tempfile.TemporaryDirectory(prefix="rolecast-command-") as place:
        files = {name: Path(place) / name for name in ("stdin", "stdout", "stderr")}
        files["stdin"].write_text(stdin, encoding="utf-8")
        process = begun(arguments, folder, environment, **files)
        try:
            code = process.wait(timeout)
        finally:
            end(process)
        said = [files[name].read_text(encoding="utf-8") for name in ("stdout", "stderr")]
    return subprocess.CompletedProcess(["rolecast", *arguments], code, *said)


def begun(
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str] | None,
    *,
    stdin: Path,
    stdout: Path,
    stderr: Path,
) -> Forked | subprocess.Popen[bytes]:
    """Begin `python -m api`, in a session of its own so that `end` ends what it starts; output is appended to files."""
    whole = clean_environment(environment)
    if not any(name in (environment or {}) for name in NEEDS_A_START):
        return Forked(arguments, cwd=folder, env=whole, stdin=stdin, stdout=stdout, stderr=stderr)
    command = [sys.executable, "-m", "api", *arguments]
    with stdin.open("rb") as given, stdout.open("ab") as told, stderr.open("ab") as wrong:
        return subprocess.Popen(
            command, cwd=folder, env=whole, stdin=given, stdout=told, stderr=wrong, start_new_session=True
        )


def end(process: Forked | subprocess.Popen[bytes]) -> None:
    """End it and what it started at once, as a power cut or the kernel would."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:  # it has ended by itself, or has no session yet
        process.send_signal(signal.SIGKILL)
    process.wait(ENDED_WITHIN)


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """What a command says that refuses: exit code 1, and on stderr a sentence instead of a traceback."""
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr + done.stdout
    assert done.stderr.startswith("rolecast: ")
    assert len(done.stderr.splitlines()) <= 2  # the sentence, and what the database said
    return done.stderr


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Server:
    """A `python -m api serve` of one folder. It may be killed and started again, on the same port and database."""

    def __init__(self, folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {"PORT": str(self.port)} | dict(SECRETS if environment is None else environment)
        self.file = folder / "server.log"
        self._arguments = arguments
        self._process: Forked | subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What the server has written so far, of every start."""
        return self.file.read_text(encoding="utf-8", errors="replace")

    def start(self, *, ready: bool = True) -> None:
        """Start, and return once `/readyz` says so; raise RuntimeError with the log when it does not in time."""
        nothing, log = Path(os.devnull), self.file
        arguments = ("serve", *self._arguments)
        self._process = begun(arguments, self.folder, self.environment, stdin=nothing, stdout=log, stderr=log)
        deadline = time.monotonic() + READY_WITHIN
        while ready and not self.answers("/readyz"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the server did not become ready:\n{self.log}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, as a power cut or the kernel would."""
        if self._process is not None:
            end(self._process)

    def terminate(self) -> None:
        """Ask it to end, as a supervisor does; `wait` sees it through."""
        self.signal(signal.SIGTERM)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    @property
    def pid(self) -> int:
        """The process that was started last."""
        assert self._process is not None
        return self._process.pid

    def wait(self, seconds: float = ENDED_WITHIN) -> int:
        """Its exit code; raises subprocess.TimeoutExpired when it has not ended within `seconds`."""
        assert self._process is not None
        return self._process.wait(seconds)

    def answers(self, path: str) -> bool:
        """Whether a GET of the path is answered with 200."""
        try:
            with urlopen(f"{self.url}{path}", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:  # nobody listens yet, or 503
            return False


@contextmanager
def serving_process(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A server process that is ready, and is ended with the block."""
    server = Server(folder, *arguments, environment=environment)
    server.start()
    try:
        yield server
    finally:
        server.kill()
