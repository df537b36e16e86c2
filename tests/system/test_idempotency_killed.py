"""A server that is killed between a mutation's effect and its answer: the repeat gets the answer, and has no effect."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlmodel import Session

from api.check import check
from api.database import Database
from schema.sql import Statement
from tests.conftest import driven
from tests.processes import SECRETS, Server
from tests.system.directory import Json, Outside, user_in
from tests.system.repeating import MAP, NEW_KEY, REPLAYED, ROLE, send

END = "mutation ($name: String!) { deletePermission(name: $name) { name description } }"
STALL = {  # storing an answer takes longer than the server will live
    "sqlite": [
        "CREATE VIEW long AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 9000000000)"
        " SELECT count(*) AS c FROM n",
        "CREATE TRIGGER stall BEFORE UPDATE ON replies BEGIN SELECT c FROM long; END",
    ],
    "postgresql": [
        "CREATE FUNCTION stall() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(3); RETURN NEW; END $$",
        "CREATE TRIGGER stall BEFORE UPDATE ON replies FOR EACH ROW EXECUTE FUNCTION stall()",
    ],
}
GO_ON = {"sqlite": "DROP TRIGGER stall", "postgresql": "DROP TRIGGER stall ON replies"}
RECORDED = Statement("SELECT count(*) FROM journal WHERE type = :type")
UNANSWERED = Statement("SELECT count(*) FROM replies WHERE answer IS NULL")


def recorded(database: Database, type: str) -> int:
    """How many events of a type are in the journal."""
    return int(database.read_now(lambda session: RECORDED.scalars(session, type=type))[0])


def execute(database: Database, *statements: str) -> None:
    def work(session: Session) -> None:
        for statement in statements:
            session.connection().exec_driver_sql(statement)

    database.write_now(work)


def kill_after_its_commit(server: Server, database: Database, type: str, query: str, **variables: str) -> None:
    """Send the mutation under the key "k", and kill the server once its event is on disk and its answer is not."""
    with Outside(server.url) as outside, ThreadPoolExecutor(1) as pool:
        before = recorded(database, type)
        sent = pool.submit(lambda: send(outside, "k", query, **variables))
        deadline = time.monotonic() + 15
        while recorded(database, type) == before:
            assert time.monotonic() < deadline, "no effect within 15 s"
            time.sleep(0.005)
        server.kill()
        assert isinstance(sent.exception(15), httpx.TransportError)
    assert database.read_now(UNANSWERED.scalars) == [1]


@pytest.fixture
def stalled(url: str, tmp_path: Path) -> Iterator[tuple[Server, Database]]:
    """A server that cannot store an answer in time, and its database, with what the mutations speak of."""
    server = Server(tmp_path, environment=SECRETS | {"DATABASE_URL": url})
    database = Database(driven(url))
    try:
        server.start()
        with Outside(server.url) as outside:
            outside.tell(user_in("ada", "eng"))
            outside.role("deployer")
            outside.ask('mutation { createPermission(name: "deploy", description: "To ship.") { name } }')
        execute(database, *STALL[database.dialect])
        yield server, database
    finally:
        server.kill()
        database.close()


@pytest.mark.parametrize(
    ("type", "query", "variables"),
    [
        ("admin.create_role", ROLE, {"name": "seller"}),
        ("admin.map_group", MAP, {"group": "eng", "role": "deployer"}),
        ("admin.create_api_key", NEW_KEY, {}),
        ("admin.delete_permission", END, {"name": "deploy"}),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("admin") else "",
)
def test_killed_between_the_effect_and_the_answer_the_repeat_gets_the_answer_and_no_second_effect(
    type: str, query: str, variables: Json, stalled: tuple[Server, Database]
) -> None:
    server, database = stalled
    before = recorded(database, type)
    kill_after_its_commit(server, database, type, query, **variables)
    execute(database, GO_ON[database.dialect])
    server.start()
    with Outside(server.url) as outside:
        answer = send(outside, "k", query, **variables)
        assert "errors" not in answer.json(), answer.text
        assert send(outside, "k", query, **variables).json() == answer.json()
        assert recorded(database, type) == before + 1
        check_answer(outside, answer.json()["data"])
        outside.role("later")
    server.kill()
    server.start()
    with Outside(server.url) as outside:
        again = send(outside, "k", query, **variables)
        assert (again.json(), again.headers[REPLAYED]) == (answer.json(), "true")
    assert database.read_now(lambda session: check(session, lambda _done, _all: None)) == []


def check_answer(outside: Outside, data: Json) -> None:
    """What the repeat was told is what is so."""
    if "mapGroup" in data:
        assert (data["mapGroup"]["granted"], data["mapGroup"]["version"]) == (1, 1)
        assert data["mapGroup"]["cursor"] == outside.head()
        assert outside.roles("ada") == {"deployer"}
    if "deletePermission" in data:
        assert data["deletePermission"] == {"name": "deploy", "description": "To ship."}
    if "createApiKey" in data:
        secret = data["createApiKey"]["secret"]
        with httpx.Client(base_url=outside.url, headers={"Authorization": f"Bearer {secret}"}) as client:
            asked = client.post("/graphql", json={"query": "{ viewer { apiKey { id } } }"})
        assert asked.json()["data"]["viewer"]["apiKey"] == data["createApiKey"]["apiKey"]
