"""No statement of the writer or of a look back reads a whole table for a few users: the planner on 20,000 users."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlmodel import Session

from api import settle, wording
from api.database import Database
from api.facts import groups, keys, people
from api.migrate import migrate
from schema.queries import accounts, changes, explaining, rule
from schema.queries import people as reading
from schema.sql import Statement, encode

USERS, GROUPS = 20_000, 200
LARGE = {"users", "memberships", "assertions", "grants", "hand_grants", "journal", "changes"}
NUMBERS = {  # keys from 1 to so many
    "sqlite": "(WITH RECURSIVE n(key) AS (SELECT 1 UNION ALL SELECT key + 1 FROM n WHERE key < {}) SELECT * FROM n) n",
    "postgresql": "(SELECT generate_series(1, {}) AS key) n",
}
FILL = f"""
    INSERT INTO organizations (key, id, deleted, at, by, mappings_version) SELECT key, 'org_' || key, false, 0, '', 0
        FROM {{20}};
    INSERT INTO users (key, id, organization_key, email, active, deleted, at, by)
        SELECT key, 'user_' || key, 1 + key % 20, 'user_' || key || '@acme', true, false, 0, '' FROM {{{USERS}}};
    INSERT INTO groups (key, id, organization_key, deleted, seen_at, seen_by, at, by)
        SELECT key, 'group_' || key, 1 + key % 20, false, 0, '', 0, '' FROM {{{GROUPS}}};
    INSERT INTO roles (key, name, priority, protected, deleted, stamps)
        SELECT key, 'role_' || key, 100, false, false, '{{}}' FROM {{10}};
    INSERT INTO memberships (user_key, group_key)
        SELECT n.key, 1 + (n.key + m.key * 20) % {GROUPS} FROM {{{USERS}}} CROSS JOIN {{3}};
    INSERT INTO mappings (key, organization_key, group_key, role_key, created_at, created_by)
        SELECT key, 1 + key % 20, key, 1 + key % 10, 0, '' FROM {{{GROUPS}}};
    INSERT INTO assertions (user_key, name) SELECT key, 'role_' || (1 + key % 10) FROM {{{USERS}}};
    INSERT INTO hand_grants (user_key, role_key, actor) SELECT key, 1 + key % 10, '' FROM {{{USERS}}};
    INSERT INTO grants (user_key, role_key, kind, ref, since) SELECT key, 1 + key % 10, 3, 0, 0 FROM {{{USERS}}};
    INSERT INTO journal (position, id, type, source, actor, occurred_at, received_at, outcome, payload)
        SELECT key, 'evt_' || key, 'x', 1, '', 0, 0, 1, CAST('x' AS {{blob}}) FROM {{{USERS}}};
    INSERT INTO changes (position, at, event_position, organization_key, user_key, role_key, turn, reasons)
        SELECT key, 0, key, 1 + key % 20, key, 1, 1, '[]' FROM {{{USERS}}}"""
PAIRS = [[7, 3], [8, 4]]
PERSON = [7, "user_7", 1, None, None, None, None, None, None, True, False, 1, "evt"]
GROUP = [7, "group_7", 1, None, False, 1, "evt"]
ASKED: dict[str, tuple[Statement, dict[str, Any]]] = {
    "rule.DESIRED_GRANTS": (rule.DESIRED_GRANTS, {"users": [7, 8], "now": 5}),
    "settle.STORED": (settle.STORED, {"users": [7, 8]}),
    "settle.DROP": (settle.DROP, {"rows": [[7, 8, 3, 0]]}),
    "settle.ADD": (settle.ADD, {"rows": [[7, 2, 1, 5, 0]]}),
    "settle.APPEND": (settle.APPEND, {"at": 1, "rows": [[90_000, 7, 7, 1, 1, "[]"]]}),
    "settle.ORPHANED": (settle.ORPHANED, {"event": 7}),
    "wording.MAPPINGS": (wording.MAPPINGS, {"mappings": [7]}),
    "wording.BY_HAND": (wording.BY_HAND, {"held": [[7, 8]]}),
    "people.KNOWN": (people.KNOWN, {"ids": ["user_7", "user_x"]}),
    "people.WRITE": (people.WRITE, {"rows": [PERSON]}),
    "people.MEMBERSHIPS": (people.MEMBERSHIPS, {"users": [7, 8]}),
    "people.LEAVE": (people.LEAVE, {"pairs": PAIRS}),
    "people.JOIN": (people.JOIN, {"pairs": PAIRS}),
    "people.ASSERTIONS": (people.ASSERTIONS, {"users": [7, 8]}),
    "people.UNASSERT": (people.UNASSERT, {"pairs": [[7, "role_1"]]}),
    "people.ASSERT": (people.ASSERT, {"pairs": [[7, "role_1"]]}),
    "groups.KNOWN": (groups.KNOWN, {"ids": ["group_7"]}),
    "groups.SEE": (groups.SEE, {"rows": [GROUP]}),
    "groups.DESCRIBE": (groups.DESCRIBE, {"rows": [[7, "Eng", None, None, 1, "evt"]]}),
    "groups.MEMBERS": (groups.MEMBERS, {"groups": [7]}),
    "reading.GRANTS": (reading.GRANTS, {"users": [7, 8], "now": 5}),
    "accounts.BY_ID": (accounts.BY_ID, {"asked": ["user_7", "nobody"]}),
    "accounts.BY_EMAIL": (accounts.BY_EMAIL, {"asked": ["User_7@acme", "nobody"]}),
    "changes.HELD_AT": (changes.HELD_AT, {"users": [7, 8], "time": 5}),
    "explaining.BELONGING": (explaining.BELONGING, {"users": [7, 8], "roles": [1]}),
    "explaining.LAST": (explaining.LAST, {"users": [7, 8], "roles": [1]}),
    **{f"keys.LAST[{table}]": (keys.LAST[table], {}) for table in ("users", "groups", "roles")},
}
MODULES = {"rule": rule, "settle": settle, "wording": wording, "people": people, "groups": groups, "accounts": accounts}


@pytest.fixture(scope="module", params=("sqlite", "sqlite, analysed", "postgresql"))
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database of 20,000 users, filled once for the module."""
    url = f"sqlite:///{tmp_path_factory.mktemp('plans')}/rolecast.db"
    if request.param == "postgresql":
        url = plans_database(request.getfixturevalue("postgresql"))
    database = Database(url)
    migrate(database)
    for sql in FILL.split(";"):
        run(database, written_for(database.dialect, sql))
    if request.param != "sqlite":
        run(database, "ANALYZE")
    yield database
    database.close()


def run(database: Database, sql: str) -> None:
    database.write_now(lambda session: session.connection().exec_driver_sql(sql).close())


def written_for(dialect: str, sql: str) -> str:
    numbers = NUMBERS[dialect]
    text = sql.replace("{blob}", "bytea" if dialect == "postgresql" else "blob")
    text = text.replace("CROSS JOIN {3}", "CROSS JOIN " + numbers.format(3).removesuffix(" n") + " m")
    text = re.sub(r"\{(\d+)\}", lambda found: numbers.format(found[1]), text)
    return text.replace("%", "%%") if dialect == "postgresql" else text


def plans_database(server: str) -> str:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE plans")
    return server.replace("postgresql://", "postgresql+psycopg://", 1).replace("/postgres?", "/plans?", 1)


# PostgreSQL's own default for a random read is that of a spinning disk: with it, reading 20,000 users whole passes for
# cheaper than 100 look-ups, which is what it expects of a JSON parameter of unknown length. This is a solid disk's.
SOLID = "SET LOCAL random_page_cost = 1.1"


def scanned(database: Database, statement: Statement, values: dict[str, Any]) -> set[str]:
    """The large tables that the planner would read whole."""
    parameters = {name: encode(value) if name in statement.tables else value for name, value in values.items()}

    def explain(session: Session) -> set[str]:
        connection, sql = session.connection(), statement.text(database.dialect)
        if database.dialect == "postgresql":
            connection.exec_driver_sql(SOLID)
            found = connection.exec_driver_sql("EXPLAIN (FORMAT JSON) " + sql, parameters).scalar_one()
            return set(_read_whole(found[0]["Plan"]))
        names = _aliases(sql)
        plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + sql, parameters)
        steps = [found[1] for row in plan if (found := re.match(r"SCAN (\w+)", row[-1]))]
        return {names.get(step, step) for step in steps}

    return database.write_now(explain) & LARGE


def _read_whole(plan: dict[str, Any]) -> Iterator[str]:
    """Tables that a plan reads from end to end; one row from an index's end is not that."""
    narrowed = plan.keys() & {"Index Cond", "Recheck Cond"}
    if "Relation Name" in plan and "Scan" in plan["Node Type"] and not narrowed:
        yield plan["Relation Name"]
    for inner in plan.get("Plans", ()):
        if plan["Node Type"] != "Limit" or not inner["Node Type"].startswith("Index"):
            yield from _read_whole(inner)


def _aliases(sql: str) -> dict[str, str]:
    return {alias: table for table, alias in re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(\w+)\s+(?:AS\s+)?(\w+)", sql)}


@pytest.mark.parametrize("name", ASKED)
def test_a_statement_reads_only_the_rows_it_is_about(filled: Database, name: str) -> None:
    statement, values = ASKED[name]
    assert scanned(filled, statement, values) == set()


def test_every_statement_of_these_modules_is_asked_for() -> None:
    small = {"wording.ROLES"}  # the catalogue is small: reading it whole is no harm
    there = {
        f"{module}.{name}"
        for module, of in MODULES.items()
        for name, it in vars(of).items()
        if isinstance(it, Statement)
    }
    assert there - small <= set(ASKED)


def test_a_scan_would_be_seen(filled: Database) -> None:
    assert scanned(filled, Statement("SELECT key FROM users u WHERE u.name = 'x'"), {}) == {"users"}
    assert scanned(filled, Statement("SELECT count(*) FROM grants"), {}) == {"grants"}
