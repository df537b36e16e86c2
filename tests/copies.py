"""Words for tests of copying: a deployment with a row in every table, and everything that a database holds."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, TypeDecorator, inspect, select
from sqlmodel import Session

from api.copying import TABLES, Copied, copy
from api.copying.holding import hold_still
from api.database import Database
from schema.commands import CreatePermission, CreateRole, SetCreator, SetDefaultRoles
from tests.world import World

LARGEST = 2**63 - 1


def peopled(world: World) -> World:
    """A row in every table: by a history, and made up where no history of this version leaves one."""
    world.role("viewer", "seller")
    world.send(
        world.command(CreatePermission(name="doc:read", description="Les\u00e9n \U0001f511 \\N\t\n\\."), None),
        world.command(CreateRole(name="editor", extends="viewer", permissions=("doc:read",), priority=7), None),
        world.command(SetDefaultRoles(member="viewer", creator="editor"), None),
        world.event("organization.directory_enabled", {"id": "dir_1", "provider": "OKTA", "enabled": True}),
    )
    world.maps("eng", "deployer").joins("ada", "eng").asserts("bob", "seller", "unheard_of").grants("ada", "editor")
    world.send(world.command(SetCreator(organization_id="org_acme", user_id="ada")))
    world.joins("ada").joins("ada", "eng").asserts("zed", "seller").deactivates("bob").leaves("eve")
    world.database.write_now(_make_up)
    return world


def kind(column: Column[Any]) -> type:
    """What Python has a column's values as."""
    found = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    return found.python_type


def _make_up(session: Session) -> None:
    made = {bool: True, int: 3, bytes: bytes(range(256)), str: "\u00fc\\."}
    for table in TABLES:
        if session.connection().execute(select(table).limit(1)).first() is None:
            values = {
                column.name: LARGEST if isinstance(column.type, BigInteger) else made[kind(column)]
                for column in table.columns
                if not column.nullable
            }
            session.connection().execute(table.insert().values(values))


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, as SQLAlchemy reads it."""

    def read(session: Any) -> dict[str, list[tuple[Any, ...]]]:
        rows = {table.name: session.connection().execute(select(table)).all() for table in TABLES}
        return {name: sorted((tuple(row) for row in found), key=repr) for name, found in rows.items()}

    return database.read_now(read)


def copied(source: Database, target: Database) -> Copied:
    return hold_still(source, lambda hold: copy(hold, target, lambda _done, _total: None))


def table_names(database: Database) -> set[str]:
    return set(database.read_now(lambda session: inspect(session.connection()).get_table_names()))
