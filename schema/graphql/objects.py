"""The nouns of the contract, which know one another: a read fills them, and only lists with arguments resolve."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from schema.graphql.asking import Ask, Info, Nested
from schema.graphql.connections import Connection
from schema.graphql.enums import DefaultOf, RoleChangeKind
from schema.graphql.inputs import ChangeFilter, UserFilter
from schema.graphql.leaves import DefaultRole, ManualGrant, OrganizationWarning, Permission
from schema.graphql.scalars import JSON, Cursor, DateTime
from schema.kinds import Outcome, Source

UNREAD: Any = None  # what was not selected was not read


@strawberry.type(description="A customer: what its directory and its administrators say belongs to it.")
class Organization:
    """An organization; lists with arguments are read apart."""

    key: strawberry.Private[int]
    nested: strawberry.Private[Nested]
    id: strawberry.ID
    display_name: str | None = None
    directories: list[Directory] = UNREAD
    mappings: list[Mapping] = UNREAD
    mappings_version: int = strawberry.field(
        default=0, description="Goes up by one with every change to the mappings; quote it in SetMappingsInput."
    )
    roles: list[Role] = strawberry.field(default=UNREAD, description="The environment's roles and its own.")
    default_member_role: Role | None = None
    creator: User | None = None
    head: Cursor = strawberry.field(default=UNREAD, description="The end of the change log as of this query.")
    warnings: list[OrganizationWarning] = strawberry.field(
        default=UNREAD, description="What an administrator should look at; the first 100 of each code."
    )
    removed_at: DateTime | None = strawberry.field(default=None, description="When it was deleted.")

    @strawberry.field
    async def user(self, info: Info, id: strawberry.ID) -> User | None:
        return await self.nested(info, "Organization.user", self.key, Ask(where=str(id)))

    @strawberry.field(description="In the order first heard of; removed ones are left out.")
    async def users(
        self, info: Info, first: int = 50, after: str | None = None, where: UserFilter | None = None
    ) -> Connection[User]:
        return await self.nested(info, "Organization.users", self.key, Ask(first, after, where))

    @strawberry.field(description="In the order first heard of; removed ones are left out.")
    async def groups(
        self, info: Info, first: int = 50, after: str | None = None, search: str | None = None
    ) -> Connection[Group]:
        return await self.nested(info, "Organization.groups", self.key, Ask(first, after, search))

    @strawberry.field(description="Its part of the change log, oldest first.")
    async def changes(
        self, info: Info, first: int = 50, after: Cursor | None = None, where: ChangeFilter | None = None
    ) -> Connection[RoleChange]:
        return await self.nested(info, "Organization.changes", self.key, Ask(first, after, where))


@strawberry.type(description="A connection to an organization's identity provider.")
class Directory:
    """A directory."""

    id: strawberry.ID
    provider: str | None
    enabled: bool
    organization: Organization = UNREAD
    last_event_at: DateTime | None = strawberry.field(
        default=None, description="When the organization's newest webhook occurred."
    )


@strawberry.type(description="A person in an organization's directory.")
class User:
    """A user; removed ones hold nothing and belong nowhere."""

    key: strawberry.Private[int]
    nested: strawberry.Private[Nested]
    id: strawberry.ID
    organization: Organization = UNREAD
    external_id: str | None = strawberry.field(description="The provider's own id.")
    email: str | None
    username: str | None
    name: str | None
    given_name: str | None
    family_name: str | None
    active: bool
    groups: list[Group] = UNREAD
    roles: list[HeldRole] = strawberry.field(default=UNREAD, description="Most significant first.")
    primary_role: Role | None = strawberry.field(default=None, description="The most significant role held.")
    permissions: list[Permission] = strawberry.field(
        default=UNREAD, description="Everything the roles allow, through `extends` too; sorted by name."
    )
    unknown_roles: list[str] = strawberry.field(
        default=UNREAD, description="Asserted by the directory, but not in the catalogue: they wait until registered."
    )
    updated_at: DateTime = strawberry.field(description="When the directory last spoke of them.")
    removed_at: DateTime | None = strawberry.field(default=None, description="When the directory removed them.")

    @strawberry.field(description="What was held at that moment, as the change log has it, with the reasons of then.")
    async def roles_at(self, info: Info, time: DateTime) -> list[HeldRole]:
        return await self.nested(info, "User.rolesAt", self.key, Ask(where=time))

    @strawberry.field(description="Why a role is held, or what is missing.")
    async def explain(self, info: Info, role: str) -> Explanation:
        return await self.nested(info, "User.explain", self.key, Ask(where=role))

    @strawberry.field(description="Their part of the change log, oldest first.")
    async def changes(self, info: Info, first: int = 50, after: Cursor | None = None) -> Connection[RoleChange]:
        return await self.nested(info, "User.changes", self.key, Ask(first, after))


@strawberry.type(description="A role that a user holds, and why.")
class HeldRole:
    """A role held."""

    role: Role = UNREAD
    since: DateTime
    reasons: list[Reason] = UNREAD


@strawberry.type(description="Held as a member of a group.")
class MappedGroup:
    """In a change, the name is the group's at that time."""

    group_id: strawberry.ID
    group_name: str | None
    group: Group | None = None
    mapping_id: strawberry.ID


@strawberry.type(description="Held because the directory itself says so.")
class DirectoryAssertion:
    """An assertion under a role's name."""

    directory: Directory | None = strawberry.field(default=None, description="Null where there are several.")
    asserted: str


Reason = Annotated[
    MappedGroup | DirectoryAssertion | DefaultRole | ManualGrant,
    strawberry.union("Reason", description="Why a role is held."),
]


@strawberry.type(description="Why a user holds a role, or what is missing for it.")
class Explanation:
    """`missing` is in words for an administrator; empty when the role is held."""

    held: bool
    reasons: list[Reason]
    missing: list[str]


@strawberry.type(description="A group of an organization's directory.")
class Group:
    """A group; removed ones have no members."""

    key: strawberry.Private[int]
    nested: strawberry.Private[Nested]
    id: strawberry.ID
    organization: Organization = UNREAD
    directory: Directory | None = None
    external_id: str | None
    display_name: str
    member_count: int = 0
    mappings: list[Mapping] = UNREAD
    updated_at: DateTime
    removed_at: DateTime | None = strawberry.field(default=None, description="When the directory removed it.")

    @strawberry.field(description="In the order first heard of.")
    async def members(self, info: Info, first: int = 50, after: str | None = None) -> Connection[User]:
        return await self.nested(info, "Group.members", self.key, Ask(first, after))


@strawberry.type(description="A role of the catalogue.")
class Role:
    """A role, as one organization or the environment sees it."""

    name: str
    display_name: str
    description: str | None
    priority: int = strawberry.field(description="Lower is more significant.")
    extends: Role | None = None
    organization: Organization | None = strawberry.field(
        default=None, description="Null for a role of the environment."
    )
    permissions: list[Permission] = strawberry.field(
        default=UNREAD, description="Its own; `allPermissions` follows `extends`."
    )
    all_permissions: list[Permission] = UNREAD
    default_for: list[DefaultOf] = UNREAD
    protected: bool = strawberry.field(
        description="A command that would leave an organization without a holder is refused."
    )


@strawberry.type(description="Members of the group hold the role.")
class Mapping:
    """A mapping."""

    id: strawberry.ID
    group: Group = UNREAD
    role: Role = UNREAD
    created_at: DateTime
    created_by: str


@strawberry.type(description="A user gained or lost a role.")
class RoleChange:
    """A change of the log."""

    cursor: Cursor
    kind: RoleChangeKind
    organization_id: strawberry.ID = UNREAD
    user_id: strawberry.ID = UNREAD
    user: User | None = None
    role_name: str
    role: Role | None = strawberry.field(default=None, description="Null once the role is deleted.")
    at: DateTime
    event: Event = strawberry.field(default=UNREAD, description="What caused it.")
    reasons: list[Reason] = strawberry.field(
        default=UNREAD, description="Why the user holds the role after this change; empty on REVOKED."
    )


@strawberry.type(description="An entry of the journal: something that was asked to change state.")
class Event:
    """An event."""

    id: strawberry.ID
    type: str
    source: Source
    actor: str
    organization: Organization | None = None
    occurred_at: DateTime = strawberry.field(description="By the sender's clock.")
    received_at: DateTime = strawberry.field(description="By ours.")
    outcome: Outcome
    problem: str | None
    payload: JSON = strawberry.field(default=UNREAD, description="As it came.")
    changes: list[RoleChange] = strawberry.field(
        default=UNREAD, description="The first 1000; page through Organization.changes for more."
    )
