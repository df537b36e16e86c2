"""Who is asking, as the contract says it."""

from __future__ import annotations

import strawberry

from schema.graphql.context import ViewerKind
from schema.graphql.objects import UNREAD, Organization, User
from schema.graphql.scalars import DateTime


@strawberry.type(description="A credential of an application; its secret is shown once, when it is made.")
class ApiKey:
    """An API key; without an organization it is environment-wide."""

    id: strawberry.ID
    name: str
    organization: Organization | None = UNREAD
    write: bool
    created_at: DateTime
    expires_at: DateTime | None
    last_used_at: DateTime | None
    revoked_at: DateTime | None


@strawberry.type(description="An API key that was just made, with its secret: it is in this answer and nowhere else.")
class NewApiKey:
    """The secret is sent as `Authorization: Bearer rk_…`."""

    api_key: ApiKey = UNREAD
    secret: str


@strawberry.type(description="Who is asking, and what they may do.")
class Viewer:
    """The credential of this request."""

    kind: ViewerKind
    organization: Organization | None = strawberry.field(default=None, description="Null: every organization.")
    user: User | None = None
    api_key: ApiKey | None = None
    may_write: bool
    expires_at: DateTime | None
