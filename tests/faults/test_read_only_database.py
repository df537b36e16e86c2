"""What was the original is a copy now, as while PostgreSQL changes over: nothing is written, and reads go on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.faults.truth import footprint, is_unharmed
from tests.processes import SECRETS, serving_process
from tests.system.directory import Outside, user_in
from tests.system.waiting import until

CUT = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""


@contextmanager
def read_only(url: str) -> Iterator[None]:
    """New connections to the database may only read, and there are no old ones."""
    name = conninfo_to_dict(url)["dbname"]
    with psycopg.connect(url, autocommit=True) as operator:
        operator.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
        operator.execute(CUT)
        yield
        operator.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only".encode())
        operator.execute(CUT)


def test_a_database_that_only_reads_refuses_webhooks_until_it_writes_again(
    migrated_postgresql: str, tmp_path: Path
) -> None:
    earlier, during = user_in("ada", "eng"), user_in("bob", "eng")
    body = json.dumps(during).encode()
    environment = SECRETS | {"DATABASE_URL": migrated_postgresql}
    with serving_process(tmp_path, environment=environment) as server, Outside(server.url) as outside:
        outside.tell(earlier)
        before = footprint(server)
        with read_only(migrated_postgresql):
            for _ in range(2):
                refused = outside.post(body)
                assert (refused.status_code, refused.json()["error"]["code"]) == (503, "UNAVAILABLE")
            until(lambda: server.answers("/readyz"))
            assert [entry["id"] for entry in outside.journal()] == [earlier["id"]]
        until(lambda: outside.post(body).status_code == 201)
        assert [entry["id"] for entry in outside.journal()] == [during["id"], earlier["id"]]
        assert "Traceback" not in server.log, "it is nobody's mistake"
        is_unharmed(server, before, migrated_postgresql, others=[earlier, during])
