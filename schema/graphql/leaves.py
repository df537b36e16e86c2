"""The nouns of the contract that know no other."""

from __future__ import annotations

import strawberry

from schema.graphql.enums import DefaultOf
from schema.graphql.scalars import DateTime


@strawberry.type(description="Held by default.")
class DefaultRole:
    """A default."""

    of: DefaultOf


@strawberry.type(description="Held because an administrator granted it.")
class ManualGrant:
    """A grant by hand."""

    actor: str
    note: str | None
    expires_at: DateTime | None


@strawberry.type(name="Warning", description="Something that an administrator should look at.")
class OrganizationWarning:
    """`code` is for programs, `message` for people; `subject` is the name or the id of what it is about."""

    code: str
    message: str
    subject: str | None


@strawberry.type(description="Something a role allows.")
class Permission:
    """A permission."""

    name: str
    description: str | None
