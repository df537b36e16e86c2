"""The stage for docs/frontend.md: its code, compiled, in pages beside a server and the application's own backend."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt

from tests.processes import REPOSITORY, SECRETS, Server, clean_environment, serving_process
from tests.system.directory import ORGANIZATION, Outside, user_in
from tests.system.node import SOURCES, Follower, installed, running

DOCUMENT = (REPOSITORY / "docs" / "frontend.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w*)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = {"ts", "tsx"}
TOKEN_SECRET = "a-secret-of-the-tests-long-enough-for-HS256"
CHANGES = """subscription Changes($user: ID, $organization: ID, $after: Cursor) {
    roleChanges(userId: $user, organizationId: $organization, after: $after) { cursor kind userId roleName } }"""
NAME = "query Name($id: ID!) { user(id: $id) { id } }"
CLIENTS = ["ws", "sse", "apollo", "urql", "relay"]


@contextmanager
def compiled_document() -> Iterator[Path]:
    """The document's code and the tests' program, type-checked together and compiled."""
    with tempfile.TemporaryDirectory(dir=installed(), prefix="frontend-") as name:
        folder = Path(name)
        for path in (SOURCES / "frontend").iterdir():
            shutil.copy(path, folder)
        for kind, file, body in BLOCK.findall(DOCUMENT):
            if kind in CODE:
                (folder / file).write_text(body, encoding="utf-8")
        command = ["node", "../node_modules/typescript/bin/tsc", "--project", "."]
        done = subprocess.run(command, cwd=folder, env=clean_environment(), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout
        (folder / "out" / "package.json").write_text('{"type": "commonjs"}')
        yield folder


class Backend:
    """The application's own backend: it gives the page the tokens that it is told to, the last one for ever."""

    def __init__(self) -> None:
        self.tokens: list[Callable[[], str]] = []
        self.asked = 0

    def gives(self, *tokens: Callable[[], str]) -> None:
        """Whoever asks from now on gets these, one after the other."""
        self.tokens, self.asked = list(tokens), 0

    def token(self) -> str:
        """The next one."""
        self.asked += 1
        return (self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0])()


@contextmanager
def listening_backend() -> Iterator[tuple[Backend, str]]:
    """A backend, and its origin."""
    gives = Backend()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.dumps({"token": gives.token()}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Not into the tests' output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield gives, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def begin(company: Outside) -> None:
    """Ada is in engineering, whose members are deployers."""
    company.tell(user_in("ada", "eng"))
    company.role("deployer")
    company.maps("eng", "deployer")


class Stage:
    """A server process, a company in it, and pages that run the document's code against both."""

    def __init__(self, server: Server, backend: Backend, origin: str, compiled: Path) -> None:
        self.server = server
        self.backend = backend
        self.origin = origin
        self.compiled = compiled
        self.company = Outside(server.url)

    def restarts(self, *, meanwhile: Callable[[], None] = lambda: None) -> None:
        """The server goes away without a word, and comes back on the same port."""
        self.server.kill()
        meanwhile()
        self.server.start()

    @contextmanager
    def page(self, client: str, query: str = "", **variables: object) -> Iterator[Follower]:
        with tempfile.TemporaryDirectory(dir=self.compiled, prefix="page-") as name:
            folder = Path(shutil.copytree(self.compiled / "out", Path(name) / "out"))
            session = (folder / "session.js").read_text(encoding="utf-8")
            for there, here in (
                ("s://roles.example.com", self.server.url[4:]),
                ("https://app.example.com", self.origin),
            ):
                assert there in session
                session = session.replace(there, here)
            (folder / "session.js").write_text(session, encoding="utf-8")
            asked = json.dumps({"query": query, "variables": variables})
            # As bundlers have it in development, where Apollo warns of what a cache loses
            with running(folder, "--conditions=development", "run.js", client, asked) as follower:
                yield follower


@contextmanager
def set_up(folder: Path, compiled: Path) -> Iterator[Stage]:
    """A stage whose company has begun, with user tokens."""
    environment = SECRETS | {"ROLECAST_JWT_SECRET": TOKEN_SECRET}
    with listening_backend() as (backend, origin), serving_process(folder, environment=environment) as server:
        stage = Stage(server, backend, origin, compiled)
        with stage.company:
            begin(stage.company)
            yield stage


def token(user: str, seconds: float = 600) -> str:
    """What a backend signs for a user."""
    claims = {"sub": user, "org_id": ORGANIZATION, "exp": int(time.time() + seconds)}
    return jwt.encode(claims, TOKEN_SECRET, "HS256")
