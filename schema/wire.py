"""The wire shapes of directory webhooks (Scalekit-compatible): what is read of each type's `data`, and the envelope."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

Id = Annotated[str, Meta(min_length=1, max_length=255)]
RoleName = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_]{1,64}\Z")]
PermissionName = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_:]{1,64}\Z")]


class Envelope(Struct, frozen=True):
    """What every webhook has around its `data`; other fields are of no use here."""

    id: Id | None = None
    type: Id | None = None
    occurred_at: str | None = None
    organization_id: Id | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")


class Named(Struct, frozen=True):
    """A group in a snapshot."""

    id: Id
    name: str | None = None


class Asserted(Struct, frozen=True):
    """A role in a snapshot."""

    role_name: Id


class UserSnapshot(Struct, frozen=True):
    """`user_created`, `user_updated`: everything about a user. Absent, null and empty lists all mean none."""

    id: Id
    organization_id: Id | None = None
    dp_id: str | None = None
    email: str | None = None
    active: bool | None = None
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    preferred_username: str | None = None
    groups: tuple[Named, ...] | None = None
    roles: tuple[Asserted, ...] | None = None


class UserDeleted(Struct, frozen=True):
    """`user_deleted`: the user is gone, whatever arrives late."""

    id: Id
    organization_id: Id | None = None
    dp_id: str | None = None
    email: str | None = None


class GroupDescribed(Struct, frozen=True):
    """`group_created`, `group_updated`."""

    id: Id
    organization_id: Id | None = None
    directory_id: Id | None = None
    display_name: str | None = None
    external_id: str | None = None


class GroupDeleted(Struct, frozen=True):
    """`group_deleted`: nobody holds a role through it any more."""

    id: Id
    organization_id: Id | None = None
    directory_id: Id | None = None
    display_name: str | None = None


class DirectoryChanged(Struct, frozen=True):
    """`directory_enabled`, `directory_disabled`."""

    id: Id
    organization_id: Id | None = None
    directory_type: str | None = None
    provider: str | None = None
    enabled: bool | None = None


class OrganizationDescribed(Struct, frozen=True):
    """`organization.created`, `organization.updated`."""

    id: Id
    display_name: str | None = None
    external_id: str | None = None


class OrganizationDeleted(Struct, frozen=True):
    """`organization.deleted`: none of its users holds anything."""

    id: Id


class RoleDescribed(Struct, frozen=True):
    """`role.created`, `role.updated`."""

    name: RoleName
    display_name: str | None = None
    description: str | None = None
    extends: Annotated[str, Meta(pattern=r"^([a-zA-Z0-9_]{1,64})?\Z")] | None = None  # "" is none


class RoleDeleted(Struct, frozen=True):
    """`role.deleted`."""

    name: RoleName


class PermissionDescribed(Struct, frozen=True):
    """`permission.created`, `permission.updated`."""

    name: PermissionName
    description: str | None = None


class PermissionDeleted(Struct, frozen=True):
    """`permission.deleted`."""

    name: PermissionName


Statement = (
    UserSnapshot
    | UserDeleted
    | GroupDescribed
    | GroupDeleted
    | DirectoryChanged
    | OrganizationDescribed
    | OrganizationDeleted
    | RoleDescribed
    | RoleDeleted
    | PermissionDescribed
    | PermissionDeleted
)

SHAPES: dict[str, type[Statement]] = {
    "organization.directory_enabled": DirectoryChanged,
    "organization.directory_disabled": DirectoryChanged,
    "organization.directory.user_created": UserSnapshot,
    "organization.directory.user_updated": UserSnapshot,
    "organization.directory.user_deleted": UserDeleted,
    "organization.directory.group_created": GroupDescribed,
    "organization.directory.group_updated": GroupDescribed,
    "organization.directory.group_deleted": GroupDeleted,
    "organization.created": OrganizationDescribed,
    "organization.updated": OrganizationDescribed,
    "organization.deleted": OrganizationDeleted,
    "role.created": RoleDescribed,
    "role.updated": RoleDescribed,
    "role.deleted": RoleDeleted,
    "permission.created": PermissionDescribed,
    "permission.updated": PermissionDescribed,
    "permission.deleted": PermissionDeleted,
}
OF_THE_DIRECTORY = (UserSnapshot, UserDeleted, GroupDescribed, GroupDeleted, DirectoryChanged)
