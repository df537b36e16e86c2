"""What is asked with: filters of lists, and the inputs of mutations."""

from __future__ import annotations

import strawberry

from schema.commands import Pair, SetMappings
from schema.graphql.enums import RoleChangeKind
from schema.graphql.scalars import DateTime
from schema.kinds import Outcome, Source


@strawberry.input(description="Which users to list; everything given must hold.")
class UserFilter:
    """See queries.people.UserFilter."""

    active: bool | None = None
    role: str | None = strawberry.field(default=None, description="A role they hold, by name.")
    group_id: strawberry.ID | None = None
    search: str | None = strawberry.field(default=None, description="Part of a name, an address or the provider's id.")
    without_group_reason: bool | None = strawberry.field(
        default=None, description="Whether a role (`role`, if given) is held that no group gives."
    )


@strawberry.input(description="Which changes to list; everything given must hold.")
class ChangeFilter:
    """See queries.changes.ChangeFilter."""

    user_id: strawberry.ID | None = None
    role: str | None = None
    kind: RoleChangeKind | None = None
    since: DateTime | None = strawberry.field(default=None, description="Inclusive.")
    until: DateTime | None = strawberry.field(default=None, description="Exclusive.")


@strawberry.input(description="Which events to list; everything given must hold.")
class EventFilter:
    """See queries.journal.EventFilter."""

    type: str | None = None
    outcome: Outcome | None = None
    source: Source | None = None


@strawberry.input(description="Members of the group hold the role.")
class MappingInput:
    """One mapping of a set."""

    group_id: strawberry.ID
    role: str


@strawberry.input(description="An organization's whole set of mappings.")
class SetMappingsInput:
    """See commands.SetMappings."""

    organization_id: strawberry.ID
    mappings: list[MappingInput]
    expected_version: int | None = strawberry.field(
        default=None, description="CONFLICT when the organization's mappingsVersion is another."
    )
    max_revocations: int | None = strawberry.field(
        default=None, description="CONFLICT when more roles than this would be revoked."
    )


@strawberry.input(description="A new role, of the environment or of one organization.")
class CreateRoleInput:
    """See commands.CreateRole."""

    name: str = strawberry.field(description="Letters, digits and underscores, at most 64; it never changes.")
    display_name: str | None = None
    description: str | None = None
    priority: int | None = strawberry.field(default=None, description="Lower is more significant.")
    extends: str | None = strawberry.field(default=None, description="A role whose permissions it has too, by name.")
    permissions: list[str] = strawberry.field(default_factory=list)
    organization_id: strawberry.ID | None = None
    protected: bool = False


@strawberry.input(description="What to change of a role; what is left out stays.")
class UpdateRoleInput:
    """See commands.UpdateRole."""

    name: str
    organization_id: strawberry.ID | None = None
    display_name: str | None = strawberry.UNSET
    description: str | None = strawberry.UNSET
    priority: int | None = strawberry.UNSET
    extends: str | None = strawberry.UNSET
    permissions: list[str] | None = strawberry.UNSET
    protected: bool | None = strawberry.UNSET


@strawberry.input(description="Default roles by name; null for none, left out for as before.")
class DefaultRolesInput:
    """See commands.SetDefaultRoles."""

    organization_id: strawberry.ID | None = strawberry.field(
        default=None, description="Without one, the environment's defaults."
    )
    member: str | None = strawberry.UNSET
    creator: str | None = strawberry.UNSET


@strawberry.input(description="A new API key, of the environment or of one organization.")
class CreateApiKeyInput:
    """See commands.CreateApiKey."""

    name: str = strawberry.field(description="What it is for: 1 to 100 printable characters; part of the actor.")
    organization_id: strawberry.ID | None = strawberry.field(
        default=None, description="Without one, the key sees every organization."
    )
    write: bool = False
    expires_at: DateTime | None = strawberry.field(
        default=None, description="A key that expires makes only keys that expire no later."
    )


def set_mappings_of(input: SetMappingsInput) -> SetMappings:
    """The command that the input asks for."""
    return SetMappings(
        organization_id=input.organization_id,
        mappings=tuple(Pair(group_id=each.group_id, role=each.role) for each in input.mappings),
        expected_version=input.expected_version,
        max_revocations=input.max_revocations,
    )
