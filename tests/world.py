"""A world to tell histories in: directory events and commands, through the real batch code, into a real database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Self

from sqlmodel import SQLModel

from api.batch import Answer, apply_batch
from api.check import check
from api.database import Database
from api.rebuild import EMPTY, FORGET_KEYS, rebuild
from schema.commands import Command, CreateRole, GrantRole, MapGroup, Pair, SetMappings, UnmapGroup
from schema.events import Event, Receipt, from_command, from_webhook
from schema.kinds import Outcome
from schema.problems import Problem
from schema.sql import Statement
from schema.times import SECOND, format_time

START = 1_767_225_600 * SECOND  # 2026-01-01T00:00:00Z
EMPTY_JOURNAL = Statement("DELETE FROM journal")
HELD = Statement("""
    SELECT DISTINCT r.name FROM users u JOIN grants g ON g.user_key = u.key JOIN roles r ON r.key = g.role_key
    WHERE u.id = :user""")
CHANGES = Statement("""
    SELECT c.position, c.at, j.id, u.id, r.name, c.turn, c.reasons FROM changes c
    JOIN journal j ON j.position = c.event_position
    JOIN users u ON u.key = c.user_key JOIN roles r ON r.key = c.role_key
    ORDER BY c.position""")


class World:
    """One organization, unless told otherwise, and a clock that moves a second with every event."""

    def __init__(self, database: Database, organization: str = "org_acme") -> None:
        self.database = database
        self.organization = organization
        self.seconds = 0
        self.receipts: list[Receipt] = []

    # ---- what is sent

    def event(
        self,
        type: str,
        data: dict[str, Any],
        *,
        at: int | None = None,
        nanoseconds: int = 0,
        id: str | None = None,
        organization: str | None = None,
    ) -> Event:
        """A directory webhook as the event it becomes; `at` in seconds after START, by default later than all."""
        self.seconds += 1
        moment = format_time(START + (self.seconds if at is None else at) * SECOND + nanoseconds)
        envelope: dict[str, Any] = {
            "spec_version": "1",
            "id": id or f"evt_{self.seconds:06}",
            "type": type,
            "object": "DirectoryUser",
            "occurred_at": moment,
            "environment_id": "env_1",
            "data": data,
        }
        if not type.startswith(("role.", "permission.")):
            envelope["organization_id"] = organization or self.organization
        return from_webhook(f"msg_{self.seconds:06}", json.dumps(envelope).encode())

    def command(self, command: Command, organization: str | None = "") -> Event:
        """A command as the event it becomes, for this world's organization unless told otherwise."""
        self.seconds += 1
        scope = self.organization if organization == "" else organization
        return from_command(f"cmd_{self.seconds:06}", "tester", command, scope, None)

    def snapshot(
        self,
        user: str,
        *groups: str,
        roles: Sequence[str] | None = (),
        at: int | None = None,
        nanoseconds: int = 0,
        id: str | None = None,
        organization: str | None = None,
        **more: Any,
    ) -> Event:
        """A full snapshot of a user in the groups, asserting the roles; `more` goes into the data."""
        data: dict[str, Any] = {
            "id": user,
            "email": f"{user}@acme.example",
            "groups": [{"id": each} for each in groups],
        }
        data["roles"] = None if roles is None else [{"role_name": each} for each in roles]
        words: dict[str, Any] = {"at": at, "nanoseconds": nanoseconds, "id": id, "organization": organization}
        return self.event("organization.directory.user_updated", data | more, **words)

    def submit(self, *events: Event, clock: int | None = None) -> list[Answer]:
        """Apply events as one batch, and give their answers."""
        now = START + self.seconds * SECOND if clock is None else clock
        answers = self.database.write_now(lambda session: apply_batch(session, events, now))
        self.receipts += [answer for answer in answers if isinstance(answer, Receipt)]
        return answers

    def send(self, *events: Event, clock: int | None = None) -> Self:
        """Apply events as one batch; raise the Problem that refuses one."""
        for answer in self.submit(*events, clock=clock):
            if isinstance(answer, Problem):
                raise answer
        return self

    # ---- what happens, in a word

    def role(self, *names: str) -> Self:
        """Register roles of the environment."""
        for name in names:
            self.send(self.command(CreateRole(name=name), None))
        return self

    def group(self, *ids: str) -> Self:
        """The directory has these groups."""
        return self.send(
            *(
                self.event("organization.directory.group_created", {"id": each, "display_name": each.title()})
                for each in ids
            )
        )

    def maps(self, group: str, role: str) -> Self:
        """Members of the group shall hold the role; both are made if they are not there."""
        if not self.one("SELECT 1 FROM groups WHERE id = :id", id=group):
            self.group(group)
        if not self.one("SELECT 1 FROM roles WHERE name = :name AND NOT deleted", name=role):
            self.role(role)
        return self.send(self.command(MapGroup(group_id=group, role=role)))

    def unmaps(self, group: str, role: str) -> Self:
        """Members of the group shall no longer hold the role through it."""
        return self.send(self.command(UnmapGroup(group_id=group, role=role)))

    def mappings(self, *pairs: tuple[str, str]) -> Self:
        """The mappings are exactly these."""
        wanted = tuple(Pair(group, role) for group, role in pairs)
        return self.send(self.command(SetMappings(organization_id=self.organization, mappings=wanted)))

    def joins(self, user: str, *groups: str, at: int | None = None) -> Self:
        """The user is in these groups and in no other."""
        return self.send(self.snapshot(user, *groups, at=at))

    def asserts(self, user: str, *roles: str, at: int | None = None) -> Self:
        """The directory says that the user has these roles."""
        return self.send(self.snapshot(user, roles=roles, at=at))

    def leaves(self, user: str, at: int | None = None) -> Self:
        """The directory removed the user."""
        return self.send(self.event("organization.directory.user_deleted", {"id": user}, at=at))

    def loses_group(self, group: str, at: int | None = None) -> Self:
        """The directory removed the group."""
        return self.send(self.event("organization.directory.group_deleted", {"id": group}, at=at))

    def grants(self, user: str, role: str, **more: Any) -> Self:
        """An administrator grants the role by hand."""
        return self.send(self.command(GrantRole(user_id=user, role=role, **more)))

    def deactivates(self, user: str, *groups: str) -> Self:
        """The directory keeps the user, in these groups, and says that they are not active."""
        return self.send(self.snapshot(user, *groups, active=False))

    def renames(self, group: str, name: str, at: int | None = None) -> Self:
        """The directory gives the group another name."""
        described = {"id": group, "display_name": name}
        return self.send(self.event("organization.directory.group_updated", described, at=at))

    # ---- what is so

    def outcome(self) -> Outcome:
        """What the last event that was answered with a receipt came to."""
        return self.receipts[-1].outcome

    def turns(self, user: str) -> list[tuple[str, int]]:
        """(role, Turn) of each change of a user, in order."""
        return [(role, turn) for _, _, _, who, role, turn, _ in self.changes() if who == user]

    def roles(self, user: str) -> set[str]:
        """The roles that a user holds."""
        return set(self.database.read_now(lambda session: HELD.scalars(session, user=user)))

    def changes(self) -> list[tuple[Any, ...]]:
        """The change log, with names for keys: (position, at, event, user, role, turn, reasons)."""
        return [tuple(row) for row in self.database.read_now(lambda session: CHANGES.run(session))]

    def one(self, sql: str, **values: Any) -> Any:
        """The first column of the first row, or None."""
        return next(iter(self.database.read_now(lambda session: Statement(sql).scalars(session, **values))), None)

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table but the log's own, sorted."""

        def read(session: Any) -> dict[str, list[tuple[Any, ...]]]:
            names = [table.name for table in SQLModel.metadata.sorted_tables if table.name != "log"]
            return {
                name: sorted((tuple(row) for row in Statement(f"SELECT * FROM {name}").run(session)), key=repr)
                for name in names
            }

        return self.database.read_now(read)

    def empties(self) -> Self:
        """Forget everything: for tests that tell many histories in one database."""
        self.database.write_now(
            lambda session: [statement.run(session) for statement in (*EMPTY, FORGET_KEYS, EMPTY_JOURNAL)]
        )
        return self

    def rebuilds(self) -> Self:
        """Derive everything again from the journal."""
        self.database.write_now(lambda session: rebuild(session, lambda _done, _total: None))
        return self

    def drift(self) -> list[str]:
        """What `check` finds wrong."""
        return self.database.read_now(lambda session: check(session, lambda _done, _total: None))
