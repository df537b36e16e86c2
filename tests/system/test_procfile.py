"""The Procfile: what a platform runs at a release, and then for as long as it is there."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.processes import REPOSITORY, SECRETS, clean_environment, free_port
from tests.system.directory import Outside, user_in
from tests.system.waiting import until

ENDS_WITHIN = 10.0  # seconds


def command(process: str) -> list[str]:
    """What the Procfile says of a process, with this Python, and for this machine alone."""
    lines = dict(line.split(": ", 1) for line in (REPOSITORY / "Procfile").read_text().splitlines())
    words = shlex.split(lines[process].replace("0.0.0.0", "127.0.0.1"))
    return [sys.executable if word == "python" else word for word in words]


def is_ready(url: str) -> bool:
    try:
        with urlopen(f"{url}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except URLError:
        return False


def test_a_release_migrates_and_the_web_process_serves_until_it_is_asked_to_stop(
    new_postgresql: str, tmp_path: Path
) -> None:
    port = free_port()
    environment = clean_environment(SECRETS | {"DATABASE_URL": new_postgresql, "PORT": str(port)})
    subprocess.run(command("release"), cwd=tmp_path, env=environment, check=True, timeout=60)
    with subprocess.Popen(command("web"), cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL) as web:
        try:
            until(lambda: is_ready(f"http://127.0.0.1:{port}"), 30)
            with Outside(f"http://127.0.0.1:{port}") as outside:
                outside.tell(user_in("ada", "eng"))
            web.terminate()
            assert web.wait(ENDS_WITHIN) == 0
        finally:
            web.kill()
