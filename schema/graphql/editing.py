"""How a mutation runs: look whether its subject is in sight, submit the command, read what it left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import strawberry
from msgspec import UNSET

from schema.commands import Command
from schema.events import NUL, Receipt
from schema.graphql.asking import Info
from schema.graphql.leaves import Permission
from schema.graphql.objects import Event, Organization, Role, User
from schema.graphql.payloads import MappingsPayload, RolePayload, UserPayload
from schema.graphql.reading import roots
from schema.graphql.reading.read import read
from schema.graphql.reading.reading import Reading
from schema.graphql.reading.roles import permission_object
from schema.graphql.rights import Right
from schema.graphql.wanted import Wanted, wanted_by
from schema.kinds import Kind
from schema.problems import BadInput, Conflict, NotFound
from schema.queries.catalogue import permission_ever
from schema.queries.journal import home_of_event
from schema.queries.organizations import OrganizationRow
from schema.queries.people import UserRow

Subject = TypeVar("Subject")
Answer = TypeVar("Answer")


async def edit(
    info: Info,
    command: Command,
    look: Callable[[Reading], Subject],
    answer: Callable[[Reading, Subject, Receipt, Wanted], Answer],
) -> Answer:
    """Submit the command once `look` has found its subject in sight, and put together the answer of one read.

    `look` finds what is gone as well: whether that may be is for the command to say, which knows a second attempt.

    Raises the Problem that refuses it: Forbidden or NotFound of ours, or what the command itself meets.
    """
    context, wanted = info.context, wanted_by(info)
    must_be_storable(command)
    subject = await read(context, look)
    event_id = context.attempt.event_id(info.path.key) if context.attempt is not None else None
    receipt = await context.command(command, actor=context.viewer.actor, event_id=event_id)
    return await read(context, lambda reading: answer(reading, subject, receipt, wanted))


def must_be_storable(command: Command) -> None:
    """Raise BadInput for text that the journal cannot keep as it is."""
    try:
        storable = not NUL.search(msgspec.json.encode(command))
    except UnicodeEncodeError:
        storable = False
    if not storable:
        raise BadInput("text can hold neither U+0000 nor half a surrogate pair")


def given(name: str, value: Any, *, nullable: bool = True) -> Any:
    """An input's field as a command's: left out is unset. Raises BadInput for a null where it means nothing."""
    if value is strawberry.UNSET:
        return UNSET
    if value is None and not nullable:
        raise BadInput(f"`{name}` cannot be null; leave it out to keep it as it is")
    return value


def in_sight(organization_id: str | None) -> Callable[[Reading], int | None]:
    """Look for the owner of a role or a default: an organization in sight, or the environment (None)."""

    def look(reading: Reading) -> int | None:
        if organization_id is None:
            reading.viewer.must(Right.EVERYWHERE)
            return None
        return roots.organization_row(reading, organization_id).key

    return look


def mappings_in_sight(organization_id: str) -> Callable[[Reading], OrganizationRow]:
    """Look for an organization; its mappings may be edited through a portal too."""
    return lambda reading: roots.organization_row(reading, organization_id)


def group_in_sight(group_id: str) -> Callable[[Reading], OrganizationRow]:
    """Look for the organization of a group to map; through a portal too."""
    return lambda reading: roots.organization_row(reading, roots.group_row(reading, group_id).organization_id)


def creator_in_sight(organization_id: str, user_id: str) -> Callable[[Reading], OrganizationRow]:
    """Look for an organization and a user of its own."""

    def look(reading: Reading) -> OrganizationRow:
        row = roots.organization_row(reading, organization_id)
        if roots.user_row(reading, user_id).organization_key != row.key:
            raise NotFound("no such user")
        return row

    return look


def user_in_sight(user_id: str) -> Callable[[Reading], UserRow]:
    """Look for a user to grant to."""
    return lambda reading: roots.user_row(reading, user_id)


def permission_in_sight(name: str) -> Callable[[Reading], Permission]:
    """Look for a permission to end, or one that has ended: the first of two attempts may have ended it."""

    def look(reading: Reading) -> Permission:
        entry = permission_ever(reading.session, name)
        if entry is None:
            raise NotFound(f"no permission named {name!r}")
        return permission_object(entry)

    return look


def event_in_sight(id: str) -> Callable[[Reading], None]:
    """Look for an event to replay; one that a compaction moved is still seen by those who saw it."""

    def look(reading: Reading) -> None:
        if not any(roots.sees_events_of(reading, home) for home in home_of_event(reading.session, id)):
            raise NotFound("no such event")

    return look


def permission_as_it_was(reading: Reading, permission: Permission, receipt: Receipt, wanted: Wanted) -> Permission:
    """The permission that was ended."""
    return permission


def event_answer(reading: Reading, subject: None, receipt: Receipt, wanted: Wanted) -> Event:
    """The journal's entry of the command itself, whose outcome is the replay's."""
    return reading.load(Event, [receipt.position], wanted)[receipt.position]


def mappings_payload(reading: Reading, owner: OrganizationRow, receipt: Receipt, wanted: Wanted) -> MappingsPayload:
    """An organization's mappings, and what the edit did."""
    row = roots.organization_row(reading, owner.id)  # its version has gone up
    payload = MappingsPayload(
        version=row.mappings_version,
        granted=receipt.granted,
        revoked=receipt.revoked,
        cursor=reading.end_of(receipt),
    )
    if "mappings" in wanted:
        payload.mappings = roots.list_mappings(reading, row.key, wanted["mappings"])
    if "event" in wanted:
        payload.event = _event(reading, receipt, wanted)
    return payload


def role_payload(name: str) -> Callable[[Reading, int | None, Receipt, Wanted], RolePayload]:
    """The role of that name as it now is."""

    def answer(reading: Reading, owner: int | None, receipt: Receipt, wanted: Wanted) -> RolePayload:
        payload = RolePayload(cursor=reading.end_of(receipt))
        if "role" in wanted:
            payload.role = roots.find_role(reading, name, owner, wanted["role"])
        if "event" in wanted:
            payload.event = _event(reading, receipt, wanted)
        return payload

    return answer


def ended_role(reading: Reading, owner: int | None, receipt: Receipt, wanted: Wanted) -> RolePayload:
    """No role: what has its name now is another."""
    payload = RolePayload(cursor=reading.end_of(receipt))
    if "event" in wanted:
        payload.event = _event(reading, receipt, wanted)
    return payload


def user_payload(reading: Reading, row: UserRow, receipt: Receipt, wanted: Wanted) -> UserPayload:
    """The user as they now are."""
    payload = UserPayload(cursor=reading.end_of(receipt))
    if "user" in wanted:
        payload.user = reading.load(User, [row.key], wanted["user"])[row.key]
    if "event" in wanted:
        payload.event = _event(reading, receipt, wanted)
    return payload


def organization_answer(reading: Reading, row: OrganizationRow, receipt: Receipt, wanted: Wanted) -> Organization:
    """The organization as it now is."""
    return reading.load(Organization, [row.key], wanted)[row.key]


def permission_answer(name: str) -> Callable[[Reading, int | None, Receipt, Wanted], Permission]:
    """The permission of that name as it now is."""

    def answer(reading: Reading, owner: int | None, receipt: Receipt, wanted: Wanted) -> Permission:
        entry = reading.catalogue.permission(name)
        if entry is None:
            raise Conflict(f"the permission {name!r} was deleted meanwhile")
        return permission_object(entry)

    return answer


def default_roles(reading: Reading, owner: int | None, receipt: Receipt, wanted: Wanted) -> list[Role]:
    """The roles now held by default in the environment or the organization, the member's first."""
    entries = [reading.catalogue.default(kind, owner) for kind in (Kind.MEMBER, Kind.CREATOR)]
    keys = list(dict.fromkeys((entry.key, owner) for entry in entries if entry is not None))
    roles = reading.load(Role, keys, wanted)
    return [roles[key] for key in keys]


def _event(reading: Reading, receipt: Receipt, wanted: Wanted) -> Event:
    return reading.load(Event, [receipt.position], wanted["event"])[receipt.position]
