"""A database that refuses its work, by an operator's hand or by damage: no event is to blame, and none is rejected."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.faults.truth import footprint, is_back, is_clean
from tests.processes import SECRETS, serving_process
from tests.system.directory import Outside, user_in
from tests.system.waiting import until

ROLES = '{ user(id: "ada") { roles { role { name } } } }'


def run(url: str, *statements: str) -> None:
    """Do something to the database past Rolecast."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=10)) as connection:
            for statement in statements:
                connection.execute(statement)
    else:
        with psycopg.connect(url, autocommit=True) as operator:
            for statement in statements:
                operator.execute(statement.encode())


@contextmanager
def without_grants(url: str) -> Iterator[None]:
    """The table is not there, as after an accident of an operator's."""
    run(url, "ALTER TABLE grants RENAME TO elsewhere")
    try:
        yield
    finally:
        run(url, "ALTER TABLE elsewhere RENAME TO grants")


def employs(outside: Outside) -> bytes:
    """Ada holds a role by her group; gives the event by which she is to lose it."""
    outside.role("deployer")
    outside.tell(user_in("ada", "eng"))
    outside.maps("eng", "deployer")
    return json.dumps(user_in("ada")).encode()


def test_a_table_that_is_gone_is_503_and_what_is_to_be_revoked_is_revoked_when_it_is_back(
    url: str, tmp_path: Path
) -> None:
    with serving_process(tmp_path, environment=SECRETS | {"DATABASE_URL": url}) as server:
        with Outside(server.url) as outside:
            leaves = employs(outside)
            before = footprint(server)
            with without_grants(url):
                for _ in range(2):
                    refused = outside.post(leaves)
                    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "UNAVAILABLE"), refused.text
                assert outside.answer(ROLES)["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
            until(lambda: outside.post(leaves).status_code == 201)
            assert outside.roles("ada") == set()
            assert {entry["outcome"] for entry in outside.journal()} == {"APPLIED"}
        assert "ada@" not in server.log
        is_back(server, before)
    is_clean(tmp_path, url)


def test_rights_that_were_taken_away_are_503_with_the_reason_in_the_log(
    migrated_postgresql: str, tmp_path: Path
) -> None:
    name = "app_" + str(conninfo_to_dict(migrated_postgresql)["dbname"])
    run(
        migrated_postgresql,
        f"CREATE ROLE {name} LOGIN PASSWORD 'secret'",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}",
    )
    url = f"postgresql://{name}:secret@{migrated_postgresql.partition('@')[2]}"
    try:
        with serving_process(tmp_path, environment=SECRETS | {"DATABASE_URL": url}) as server:
            with Outside(server.url) as outside:
                leaves = employs(outside)
                run(migrated_postgresql, f"REVOKE INSERT, DELETE ON grants FROM {name}")
                assert outside.post(leaves).status_code == 503
                until(lambda: "permission denied for table grants" in server.log)
                run(migrated_postgresql, f"REVOKE SELECT ON alembic_version FROM {name}")
                until(lambda: not server.answers("/readyz"))
                run(migrated_postgresql, f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}")
                until(lambda: server.answers("/readyz"))
                outside.tell(json.loads(leaves))
                assert outside.roles("ada") == set()
            assert "Traceback" not in server.log
        is_clean(tmp_path, migrated_postgresql)
    finally:
        run(migrated_postgresql, f"DROP OWNED BY {name}", f"DROP ROLE {name}")
