"""What an administrator may ask: each command is journaled as this JSON, and applied from it again in a rebuild."""

from __future__ import annotations

from typing import Self

from msgspec import UNSET, Struct, UnsetType, field, structs


class _Command(Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """A command's `type` in JSON is the journal's event type."""

    def recorded(self) -> Self:
        """What the journal keeps of the command, for every reader of payloads: all of it, unless it says otherwise."""
        return self


class CreateRole(_Command, frozen=True, kw_only=True, tag="admin.create_role"):
    """Register a role, of the environment or of one organization."""

    name: str
    organization_id: str | None = None
    display_name: str | None = None
    description: str | None = None
    priority: int | None = None
    extends: str | None = None
    permissions: tuple[str, ...] = ()
    protected: bool = False


class UpdateRole(_Command, frozen=True, kw_only=True, tag="admin.update_role"):
    """Change what is given of a role; what is unset stays."""

    name: str
    organization_id: str | None = None
    display_name: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    priority: int | UnsetType = UNSET
    extends: str | UnsetType | None = UNSET
    permissions: tuple[str, ...] | UnsetType = UNSET
    protected: bool | UnsetType = UNSET


class DeleteRole(_Command, frozen=True, kw_only=True, tag="admin.delete_role"):
    """End a role; `reassign_to` takes over what administrators tied to it."""

    name: str
    organization_id: str | None = None
    reassign_to: str | None = None


class CreatePermission(_Command, frozen=True, kw_only=True, tag="admin.create_permission"):
    """Register a permission, or describe it anew."""

    name: str
    description: str | None = None


class DeletePermission(_Command, frozen=True, kw_only=True, tag="admin.delete_permission"):
    """End a permission, and take it from every role."""

    name: str


class MapGroup(_Command, frozen=True, kw_only=True, tag="admin.map_group"):
    """Members of the group shall hold the role."""

    group_id: str
    role: str


class UnmapGroup(_Command, frozen=True, kw_only=True, tag="admin.unmap_group"):
    """Members of the group shall no longer hold the role because of it."""

    group_id: str
    role: str


class Pair(Struct, frozen=True):
    """A group and the role its members hold."""

    group_id: str
    role: str


class SetMappings(_Command, frozen=True, kw_only=True, tag="admin.set_mappings"):
    """Replace an organization's whole set of mappings at once."""

    organization_id: str
    mappings: tuple[Pair, ...]
    expected_version: int | None = None
    max_revocations: int | None = None


class GrantRole(_Command, frozen=True, kw_only=True, tag="admin.grant_role"):
    """A grant by hand; `expires_at` in nanoseconds since the epoch."""

    user_id: str
    role: str
    expires_at: int | None = None
    note: str | None = None


class RevokeRole(_Command, frozen=True, kw_only=True, tag="admin.revoke_role"):
    """End a grant by hand."""

    user_id: str
    role: str


class SetDefaultRoles(_Command, frozen=True, kw_only=True, tag="admin.set_default_roles"):
    """Which roles are held by default; null for none, unset for as before."""

    organization_id: str | None = None
    member: str | UnsetType | None = UNSET
    creator: str | UnsetType | None = UNSET


class DeclaredRole(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A role of the environment, declared in full: what is left out is the default, not as before."""

    display_name: str | None = None
    description: str | None = None
    priority: int = 100
    extends: str | None = None
    permissions: tuple[str, ...] = ()
    protected: bool = False


class ApplyCatalogue(_Command, frozen=True, kw_only=True, tag="admin.apply_catalogue"):
    """Make the environment's catalogue what is declared: permissions with their descriptions, roles, default roles.

    Unset defaults stay as they are. `prune` ends the environment's roles and permissions that are not named.
    """

    permissions: dict[str, str | None] = field(default_factory=dict)
    roles: dict[str, DeclaredRole] = field(default_factory=dict)
    member: str | UnsetType | None = UNSET
    creator: str | UnsetType | None = UNSET
    prune: bool = False


class SetCreator(_Command, frozen=True, kw_only=True, tag="admin.set_creator"):
    """Who created the organization."""

    organization_id: str
    user_id: str


class ReplayEvent(_Command, frozen=True, kw_only=True, tag="admin.replay_event"):
    """Run a recorded directory event again, by today's understanding of it."""

    event_id: str


class ExpireGrants(_Command, frozen=True, kw_only=True, tag="system.expire_grants"):
    """End the grants by hand whose time was over at `until`, in nanoseconds since the epoch."""

    until: int


class CreateApiKey(_Command, frozen=True, kw_only=True, tag="admin.create_api_key"):
    """Store an API key, of the environment or of one organization; `expires_at` in nanoseconds since the epoch.

    `hash` is the secret's SHA-256, and is empty in what the journal gives back.
    """

    name: str
    organization_id: str | None = None
    write: bool
    expires_at: int | None = None
    hash: str = ""

    def recorded(self) -> Self:
        """Without the hash: it is kept with the key alone."""
        return structs.replace(self, hash="")


class RevokeApiKey(_Command, frozen=True, kw_only=True, tag="admin.revoke_api_key"):
    """End an API key."""

    id: str


def api_key_id(event_id: str) -> str:
    """The id of the key that the CreateApiKey of this event makes: who has the event, or its repeat, has the key's."""
    return "key_" + event_id.removeprefix("cmd_")


OF_ACCESS = (CreateApiKey, RevokeApiKey)  # what they write is not derived from the journal: a rebuild passes them by

Command = (
    CreateRole
    | UpdateRole
    | DeleteRole
    | CreatePermission
    | DeletePermission
    | ReplayEvent
    | ExpireGrants
    | MapGroup
    | UnmapGroup
    | SetMappings
    | GrantRole
    | RevokeRole
    | SetDefaultRoles
    | SetCreator
    | ApplyCatalogue
    | CreateApiKey
    | RevokeApiKey
)
