"""The client that browsers use, graphql-ws for JavaScript, against a real server."""

from __future__ import annotations

import hashlib
import json
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.processes import KEY, REPOSITORY, clean_environment
from tests.system.directory import ORGANIZATION, Json, user_in
from tests.system.following import CHANGES
from tests.system.served import Served, served_at
from tests.system.waiting import listens, until

SOURCES = REPOSITORY / "tests" / "node"
CACHE = REPOSITORY / ".cache"
WITHIN = 15.0  # seconds
pytestmark = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm")), reason="needs Node.js with npm, for graphql-ws"
)


@pytest.fixture(scope="session")
def node_folder() -> Path:
    """A folder with the client and what the lock says it needs; installed once, until the lock changes."""
    lock = (SOURCES / "package-lock.json").read_bytes()
    folder = CACHE / f"node-{hashlib.sha256(lock).hexdigest()[:12]}"
    CACHE.mkdir(exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n")
    if not folder.exists():
        fresh = Path(tempfile.mkdtemp(dir=CACHE))
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCES / name, fresh)
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(command, cwd=fresh, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stderr
        fresh.rename(folder)
    shutil.copy(SOURCES / "follow.mjs", folder)
    return folder


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Served]:
    with served_at(f"sqlite:///{tmp_path}/rolecast.db") as served:
        served.tell(user_in("ada", "eng"))
        served.role("deployer")
        served.maps("eng", "deployer")
        yield served


class Follower:
    """The lines that a running client prints, as they come."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: queue.Queue[Json] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(json.loads(line))

    def next(self, kind: str) -> object:
        """What the next line says, which must be of this kind."""
        line = self._lines.get(timeout=WITHIN)
        assert line.keys() == {kind}, line
        return line[kind]

    def change(self) -> tuple[str, str, str]:
        """The next role change."""
        result = self.next("next")
        assert isinstance(result, dict)
        found = result["data"]["roleChanges"]
        return found["kind"], found["userId"], found["roleName"]

    def unsubscribe(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()


@contextmanager
def following(folder: Path, url: str, query: str, key: str = KEY, **variables: object) -> Iterator[Follower]:
    address = url.replace("http", "ws", 1) + "/graphql"
    request = json.dumps({"query": query, "variables": variables})
    with subprocess.Popen(
        ["node", "follow.mjs", address, f"Bearer {key}", request],
        cwd=folder,
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Follower(process)
        finally:
            process.kill()


def test_graphql_ws_follows_live_changes_until_it_unsubscribes(node_folder: Path, company: Served) -> None:
    with following(node_folder, company.url, CHANGES, organization=ORGANIZATION) as follower:
        assert follower.next("connected")
        listens(company)
        company.tell(user_in("eve", "eng"))
        assert follower.change() == ("GRANTED", "eve", "deployer")
        company.tell(user_in("eve"))
        assert follower.change() == ("REVOKED", "eve", "deployer")
        follower.unsubscribe()
        assert follower.next("complete")
        assert follower.next("closed") == 1000
        until(lambda: company.service.feed.listeners() == 0)
        assert follower.process.wait(WITHIN) == 0


def test_graphql_ws_resumes_after_a_cursor(node_folder: Path, company: Served) -> None:
    head = company.head()
    company.tell(user_in("ada"), user_in("eve", "eng"))
    with following(node_folder, company.url, CHANGES, organization=ORGANIZATION, after=head) as follower:
        assert follower.next("connected")
        assert [follower.change(), follower.change()] == [
            ("REVOKED", "ada", "deployer"),
            ("GRANTED", "eve", "deployer"),
        ]


def test_graphql_ws_runs_a_query_over_the_same_socket(node_folder: Path, company: Served) -> None:
    query = "query ($id: ID!) { user(id: $id) { roles { role { name } } } }"
    with following(node_folder, company.url, query, id="ada") as follower:
        assert follower.next("connected")
        assert follower.next("next") == {"data": {"user": {"roles": [{"role": {"name": "deployer"}}]}}}
        assert follower.next("complete")


def test_graphql_ws_hears_errors_with_their_codes(node_folder: Path, company: Served) -> None:
    with following(node_folder, company.url, CHANGES, organization=ORGANIZATION, after="garbage") as follower:
        assert follower.next("connected")
        assert follower.next("error") == ["CURSOR_EXPIRED"]


def test_graphql_ws_is_told_4403_for_an_unknown_key_and_does_not_try_again(node_folder: Path, company: Served) -> None:
    with following(node_folder, company.url, CHANGES, key="rk_unknown") as follower:
        assert follower.next("closed") == 4403
        assert follower.next("error") == 4403
        assert follower.process.wait(WITHIN) == 0
