"""What mutations and subscriptions answer with."""

from __future__ import annotations

import strawberry

from schema.graphql.objects import UNREAD, Event, Mapping, Role, RoleChange, User
from schema.graphql.scalars import Cursor


@strawberry.type(description="An organization's mappings after an edit, and what the edit did.")
class MappingsPayload:
    """`granted` and `revoked` count the changes of this edit."""

    mappings: list[Mapping] = UNREAD
    version: int
    granted: int
    revoked: int
    cursor: Cursor = strawberry.field(description="The end of the change log once the edit was in force.")
    event: Event = UNREAD


@strawberry.type(description="A role after an edit.")
class RolePayload:
    """The role, with the end of the change log once the edit was in force."""

    role: Role | None = None
    cursor: Cursor
    event: Event = UNREAD


@strawberry.type(description="A user after an edit.")
class UserPayload:
    """The user, with the end of the change log once the edit was in force."""

    user: User = UNREAD
    cursor: Cursor
    event: Event = UNREAD


@strawberry.type(description="A user's roles at one moment, and the changes since the moment before.")
class UserRoles:
    """`changes` is empty in the first, which is what the user holds now."""

    cursor: Cursor
    user: User = UNREAD
    changes: list[RoleChange] = UNREAD
