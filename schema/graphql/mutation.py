"""What may be changed: each mutation is one command of the journal."""

from __future__ import annotations

import strawberry

from schema import commands
from schema.graphql import editing, key_editing
from schema.graphql.access import ApiKey, NewApiKey
from schema.graphql.asking import Info
from schema.graphql.editing import edit, given
from schema.graphql.inputs import (
    CreateApiKeyInput,
    CreateRoleInput,
    DefaultRolesInput,
    SetMappingsInput,
    UpdateRoleInput,
    set_mappings_of,
)
from schema.graphql.leaves import Permission
from schema.graphql.objects import Event, Organization, Role
from schema.graphql.payloads import MappingsPayload, RolePayload, UserPayload
from schema.graphql.scalars import DateTime


@strawberry.type(description="What may be changed.")
class Mutation:
    """The root of mutations."""

    @strawberry.mutation(description="Register a role. What the directory asserted under its name takes effect.")
    async def create_role(self, info: Info, input: CreateRoleInput) -> RolePayload:
        command = commands.CreateRole(
            name=input.name,
            organization_id=input.organization_id,
            display_name=input.display_name,
            description=input.description,
            priority=input.priority,
            extends=input.extends,
            permissions=tuple(input.permissions),
            protected=input.protected,
        )
        return await edit(info, command, editing.in_sight(input.organization_id), editing.role_payload(input.name))

    @strawberry.mutation(description="Change what is given of a role.")
    async def update_role(self, info: Info, input: UpdateRoleInput) -> RolePayload:
        permissions = given("permissions", input.permissions, nullable=False)
        command = commands.UpdateRole(
            name=input.name,
            organization_id=input.organization_id,
            display_name=given("displayName", input.display_name),
            description=given("description", input.description),
            priority=given("priority", input.priority, nullable=False),
            extends=given("extends", input.extends),
            permissions=tuple(permissions) if isinstance(permissions, list) else permissions,
            protected=given("protected", input.protected, nullable=False),
        )
        return await edit(info, command, editing.in_sight(input.organization_id), editing.role_payload(input.name))

    @strawberry.mutation(
        description="End a role. Refused while users hold it, groups map to it or roles extend it, unless `reassignTo` "
        "names a successor, which takes over mappings, grants by hand and defaults in the same commit."
    )
    async def delete_role(
        self,
        info: Info,
        name: str,
        organization_id: strawberry.ID | None = None,
        reassign_to: str | None = None,
    ) -> RolePayload:
        command = commands.DeleteRole(name=name, organization_id=organization_id, reassign_to=reassign_to)
        return await edit(info, command, editing.in_sight(organization_id), editing.ended_role)

    @strawberry.mutation(description="End a permission, and take it from every role.")
    async def delete_permission(self, info: Info, name: str) -> Permission:
        command = commands.DeletePermission(name=name)
        return await edit(info, command, editing.permission_in_sight(name), editing.permission_as_it_was)

    @strawberry.mutation(description="Run a recorded directory event again, by today's understanding of it.")
    async def replay_event(self, info: Info, id: strawberry.ID) -> Event:
        command = commands.ReplayEvent(event_id=id)
        return await edit(info, command, editing.event_in_sight(id), editing.event_answer)

    @strawberry.mutation(description="Register a permission.")
    async def create_permission(self, info: Info, name: str, description: str | None = None) -> Permission:
        command = commands.CreatePermission(name=name, description=description)
        return await edit(info, command, editing.in_sight(None), editing.permission_answer(name))

    @strawberry.mutation(description="Change the environment's default roles, or one organization's member role.")
    async def set_default_roles(self, info: Info, input: DefaultRolesInput) -> list[Role]:
        command = commands.SetDefaultRoles(
            organization_id=input.organization_id,
            member=given("member", input.member),
            creator=given("creator", input.creator),
        )
        return await edit(info, command, editing.in_sight(input.organization_id), editing.default_roles)

    @strawberry.mutation(description="Say who created the organization: they hold the default creator role.")
    async def set_creator(self, info: Info, organization_id: strawberry.ID, user_id: strawberry.ID) -> Organization:
        command = commands.SetCreator(organization_id=organization_id, user_id=user_id)
        return await edit(
            info, command, editing.creator_in_sight(organization_id, user_id), editing.organization_answer
        )

    @strawberry.mutation(description="Replace the whole set of mappings at once.")
    async def set_mappings(self, info: Info, input: SetMappingsInput) -> MappingsPayload:
        command = set_mappings_of(input)
        return await edit(info, command, editing.mappings_in_sight(input.organization_id), editing.mappings_payload)

    @strawberry.mutation(description="Members of the group shall hold the role.")
    async def map_group(self, info: Info, group_id: strawberry.ID, role: str) -> MappingsPayload:
        command = commands.MapGroup(group_id=group_id, role=role)
        return await edit(info, command, editing.group_in_sight(group_id), editing.mappings_payload)

    @strawberry.mutation(description="Members of the group shall no longer hold the role through it.")
    async def unmap_group(self, info: Info, group_id: strawberry.ID, role: str) -> MappingsPayload:
        command = commands.UnmapGroup(group_id=group_id, role=role)
        return await edit(info, command, editing.group_in_sight(group_id), editing.mappings_payload)

    @strawberry.mutation(description="Grant a role by hand, beside whatever the directory says; it may end by itself.")
    async def grant_role(
        self,
        info: Info,
        user_id: strawberry.ID,
        role: str,
        expires_at: DateTime | None = None,
        note: str | None = None,
    ) -> UserPayload:
        command = commands.GrantRole(user_id=user_id, role=role, expires_at=expires_at, note=note)
        return await edit(info, command, editing.user_in_sight(user_id), editing.user_payload)

    @strawberry.mutation(
        description="End a grant by hand. What the directory grants, only the directory or a mapping can end."
    )
    async def revoke_role(self, info: Info, user_id: strawberry.ID, role: str) -> UserPayload:
        command = commands.RevokeRole(user_id=user_id, role=role)
        return await edit(info, command, editing.user_in_sight(user_id), editing.user_payload)

    @strawberry.mutation(description="Make an API key. Its secret is in this answer and nowhere else, ever.")
    async def create_api_key(self, info: Info, input: CreateApiKeyInput) -> NewApiKey:
        secret = key_editing.new_secret(info)
        command = key_editing.create_api_key_of(input, secret, info.context.viewer)
        return await edit(info, command, editing.in_sight(input.organization_id), key_editing.new_key(secret))

    @strawberry.mutation(description="Revoke an API key for good, within seconds. A key may revoke itself.")
    async def revoke_api_key(self, info: Info, id: strawberry.ID) -> ApiKey:
        return await edit(info, commands.RevokeApiKey(id=id), key_editing.key_in_sight(id), key_editing.revoked_key)
