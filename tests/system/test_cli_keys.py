"""Keys from the command line: a real process makes and revokes what a real server takes and refuses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from schema.credentials import hash_of
from schema.sql import Statement
from tests.processes import rolecast
from tests.system.directory import user_in
from tests.system.served import Served
from tests.system.waiting import until

VIEWER = "{ viewer { mayWrite expiresAt organization { id } apiKey { id name } } }"
EVENTS = "{ events(first: 10) { nodes { type actor organization { id } payload } } }"
MADE = re.compile(r"(key_\w+) ('.*'): may (read|write) (.*), until (.*)\.")
ONE = Statement("SELECT count(*) FROM api_keys")


class Shell:
    """Runs `python -m api key …` on a server's database."""

    def __init__(self, folder: Path, url: str, served: Served) -> None:
        self.folder, self.environment, self.served = folder, {"DATABASE_URL": url}, served

    def run(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """What a command wrote on standard output and on standard error."""
        done = rolecast(self.folder, "key", *arguments, environment=self.environment)
        assert done.returncode == code, done
        assert "Traceback" not in done.stderr
        return done.stdout, done.stderr

    def new(self, *arguments: str) -> tuple[str, re.Match[str]]:
        """A new key: its secret, which is all that standard output has, and what was said of it."""
        secret, explained = self.run("new", *arguments)
        assert re.fullmatch(r"rk_[\w-]{43}\n", secret)
        said = MADE.search(explained)
        assert said
        assert secret.strip() not in explained
        return secret.strip(), said

    def keys(self) -> int:
        """How many keys are stored."""
        return int(self.served.service.database.read_now(lambda session: ONE.scalars(session))[0])

    def asks(self, secret: str, query: str = VIEWER) -> httpx.Response:
        """What the server answers to the holder of a secret."""
        headers = {"Authorization": f"Bearer {secret}"}
        return self.served.client.post("/graphql", json={"query": query}, headers=headers)

    def viewer(self, secret: str) -> Any:
        """Who the server takes the holder of a secret for."""
        return self.asks(secret).json()["data"]["viewer"]


@pytest.fixture
def shell(tmp_path: Path, url: str, served: Served) -> Shell:
    served.tell(user_in("ada", "eng"))
    return Shell(tmp_path, url, served)


def test_a_printed_secret_opens_a_running_server_until_its_key_is_revoked(shell: Shell) -> None:
    secret, said = shell.new("nightly job")
    id = said[1]
    assert said.groups() == (id, "'nightly job'", "read", "every organization", "it is revoked")
    key = {"id": id, "name": "nightly job"}
    assert shell.viewer(secret) == {"mayWrite": False, "expiresAt": None, "organization": None, "apiKey": key}

    assert shell.run("revoke", id)[0].startswith(f"Revoked {id} 'nightly job', as of 20")
    until(lambda: shell.asks(secret).status_code == 401)
    again, _ = shell.run("revoke", id)
    assert again == shell.run("revoke", id)[0]


def test_an_organizations_key_that_may_write_sees_its_own_journal(shell: Shell) -> None:
    secret, said = shell.new("ops", "--organization", "org_acme", "--write", "--expires-at", "2100-01-01T00:00:00Z")
    assert said.groups()[2:] == ("write", "organization org_acme", "2100-01-01T00:00:00Z")
    viewer = shell.viewer(secret)
    assert (viewer["mayWrite"], viewer["organization"]) == (True, {"id": "org_acme"})
    assert viewer["expiresAt"] == "2100-01-01T00:00:00Z"
    own = shell.asks(secret, EVENTS.replace("first: 10", 'organizationId: "org_acme"')).json()["data"]["events"]
    assert own["nodes"][0]["type"] == "admin.create_api_key"

    shell.run("revoke", said[1])
    revoked, created, *_ = shell.served.ask(EVENTS)["events"]["nodes"]
    assert [event["type"] for event in (revoked, created)] == ["admin.revoke_api_key", "admin.create_api_key"]
    assert [event["actor"] for event in (revoked, created)] == ["cli", "cli"]
    assert revoked["organization"] == created["organization"] == {"id": "org_acme"}
    assert secret not in repr(created)
    assert hash_of(secret) not in repr(created)


def test_the_list_shows_every_key_and_its_state_but_no_secret_and_no_hash(shell: Shell) -> None:
    wide, _ = shell.new("wide", "--write", "--expires-in", "90d")
    gone, said = shell.new("gone", "--organization", "org_acme")
    assert shell.viewer(wide)["apiKey"]["name"] == "wide"
    shell.run("revoke", said[1])
    listed, _ = shell.run("list")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in listed.splitlines() if "│" in line]
    shown = {name: (organization, may, state) for _, name, organization, may, _, _, _, state in rows}
    assert shown["ROLECAST_API_KEY"] == ("all", "write", "valid")
    assert shown["wide"] == ("all", "write", "valid")
    assert shown["gone"][:2] == ("org_acme", "read")
    assert re.fullmatch(r"revoked 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", shown["gone"][2])
    for secret in (wide, gone):
        assert secret not in listed
        assert hash_of(secret) not in listed


def test_what_cannot_be_is_a_sentence_and_makes_no_key(shell: Shell) -> None:
    before = shell.keys()
    for arguments, said in (
        (("new", "x", "--organization", "org_nowhere"), "rolecast: no such organization"),
        (("new", "x", "--expires-in", "soon"), "such as 90d: 'soon'"),
        (("new", "x", "--expires-at", "tomorrow"), "--expires-at: not an RFC 3339 time"),
        (("new", "x", "--expires-at", "2020-01-01T00:00:00Z"), "in the past"),
        (("new", "x", "--expires-in", "1d", "--expires-at", "2100-01-01T00:00:00Z"), "not both"),
        (("new", "ROLECAST_API_KEY"), "take another"),
        (("new", ""), "1 to 100 printable characters"),
        (("revoke", "key_unknown"), "rolecast: no such API key"),
    ):
        printed, complained = shell.run(*arguments, code=1)
        assert printed == ""
        assert said in complained
    assert shell.keys() == before


def test_the_environments_key_is_not_revoked_from_a_shell(shell: Shell) -> None:
    (line,) = [line for line in shell.run("list")[0].splitlines() if "ROLECAST_API_KEY" in line]
    _, complained = shell.run("revoke", line.split("│")[1].strip(), code=1)
    assert "change ROLECAST_API_KEY and restart" in complained
    assert "viewer" in shell.served.ask(VIEWER)
