"""What the server's log says: an object a line, with ids and positions, and nothing of what events say of people."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_bytes, token_hex

import httpx
import psycopg

from schema.credentials import new_api_key
from tests.api.access.signers import public_jwk, publishing, signed
from tests.api.graphql.clients import socket
from tests.processes import KEY, SECRET, SECRETS, clean_environment, free_port, serving_process
from tests.system.credentials import bearer
from tests.system.directory import ORGANIZATION, Json, Outside, headers, user_in
from tests.system.waiting import until


def test_each_event_is_a_line_of_json_with_its_ids_and_no_personal_data(tmp_path: Path) -> None:
    with serving_process(tmp_path) as server, Outside(server.url) as outside:
        told = user_in("ada", "eng", id="evt_logged")
        told["data"] |= {"name": "Ada Lovelace", "custom_attributes": {"salary": 31415}}
        outside.tell(told, told)
        outside.post(b'{"id": "evt_unread"}')
        outside.post(b"{}", {"webhook-id": "x"})
        outside.role("deployer")
        log = server.log
    lines = [json.loads(line) for line in log.splitlines()]
    first, repeat, unread = [line for line in lines if line.get("event") in ("evt_logged", "evt_unread")]
    assert {name: first[name] for name in ("level", "logger", "organization", "position", "outcome")} == {
        "level": "INFO",
        "logger": "rolecast.ingest",
        "organization": ORGANIZATION,
        "position": 1,
        "outcome": "APPLIED",
    }
    assert first["time"].endswith("Z")
    assert (repeat["position"], "repeat" in repeat["message"]) == (1, True)
    assert unread["outcome"] == "REJECTED"
    for secret in ("ada@acme.example", "Lovelace", "31415", KEY, SECRET, SECRET.removeprefix("whsec_")):
        assert secret not in log


def test_text_is_for_a_person(tmp_path: Path) -> None:
    environment = SECRETS | {"ROLECAST_LOG_FORMAT": "text"}
    with serving_process(tmp_path, environment=environment) as server, Outside(server.url) as outside:
        outside.tell(user_in("ada", "eng"))
        assert "INFO rolecast.ingest: organization.directory.user_updated APPLIED at position 1" in server.log
        assert "{" not in server.log


@contextmanager
def by_uvicorn(folder: Path, database: str) -> Iterator[tuple[str, Path]]:
    """The server under a uvicorn that is run by itself: its URL, and its log's file."""
    port, log = free_port(), folder / "server.log"
    command = [sys.executable, "-m", "uvicorn", "--factory", "api.app:app", "--port", str(port)]
    environment = clean_environment(SECRETS | {"DATABASE_URL": database})
    with (
        log.open("wb") as file,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=file, stderr=file) as process,
    ):
        try:
            yield f"http://127.0.0.1:{port}", log
        finally:
            process.kill()


def test_an_event_that_the_database_refuses_is_logged_by_its_id_and_the_reason_without_the_row(
    migrated_postgresql: str, tmp_path: Path
) -> None:
    with psycopg.connect(migrated_postgresql) as connection:
        connection.execute("ALTER TABLE users ADD CONSTRAINT no_ada CHECK (email NOT LIKE 'ada%')")
    with by_uvicorn(tmp_path, migrated_postgresql) as (url, file), Outside(url) as outside:
        until(lambda: answers(outside, "/readyz"), 30)
        body = json.dumps(user_in("ada", "eng", id="evt_refused")).encode()
        assert outside.post(body).json()["outcome"] == "REJECTED"
        log = file.read_text()
    (line,) = [line for line in map(json.loads, log.splitlines()) if "evt_refused cannot be" in line["message"]]
    assert '23514: new row for relation "users" violates check constraint "no_ada"' in line["exc_info"]
    assert "Traceback (most recent call last)" in line["exc_info"]
    for part in ("ada@acme.example", "DETAIL", "Failing row"):
        assert part not in log


def answers(outside: Outside, path: str) -> bool:
    """Whether a GET of the path is answered with 200."""
    try:
        return outside.client.get(path).status_code == 200
    except httpx.TransportError:  # nobody listens yet
        return False


LONGEST_PART = 12  # characters of a secret that a log may have by chance


def parts(secret: str) -> set[str]:
    """What may not be in a log: the secret, and whatever is cut out of it."""
    return {secret[start : start + LONGEST_PART] for start in range(len(secret) - LONGEST_PART + 1)}


def test_at_debug_the_log_has_no_secret_and_no_part_of_one(tmp_path: Path) -> None:
    hidden = f"hush_{token_hex(16)}"
    key, webhook = new_api_key(), f"whsec_{b64encode(token_bytes(24)).decode()}"
    with publishing(public_jwk("RS256", "k1")) as provider:
        environment = {
            "ROLECAST_API_KEY": key,
            "ROLECAST_WEBHOOK_SECRETS": webhook,
            "ROLECAST_JWKS_URL": f"{provider.url}?code={hidden}",
            "ROLECAST_LOG_LEVEL": "debug",
        }
        token = signed("RS256", "k1")
        with serving_process(tmp_path, environment=environment) as server, Outside(server.url) as outside:
            body = json.dumps(user_in("ada", "eng")).encode()
            assert outside.post(body, headers(body, secret=webhook)).status_code == 201
            made = ask(outside, key, 'mutation { createApiKey(input: {name: "ci"}) { secret } }')
            secrets = {key, webhook.removeprefix("whsec_"), hidden, made["createApiKey"]["secret"], token}
            assert ask(outside, token, "{ viewer { user { id } } }")["viewer"]["user"] == {"id": "ada"}
            assert provider.fetches == 1
            with socket(server.url, token=key, additional_headers=bearer(token)) as client:
                client.subscribe("{ viewer { kind } }")
                assert client.receive()["type"] == "next"
            with socket(server.url, token=token):
                pass
            log = server.log
    found = {part for secret in secrets for part in parts(secret) if part in log}
    assert not found
    lines = [json.loads(line) for line in log.splitlines()]
    assert {line["logger"].partition(".")[0] for line in lines if line["level"] == "DEBUG"} <= {"rolecast", "api"}


def ask(outside: Outside, secret: str, query: str) -> Json:
    """The data of an operation by a credential."""
    answer = outside.client.post("/graphql", json={"query": query}, headers=bearer(secret)).json()
    assert "errors" not in answer, answer
    data: Json = answer["data"]
    return data
