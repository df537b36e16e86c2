"""What may be asked: every root field reads once, and what is out of the viewer's sight is as if it did not exist."""

from __future__ import annotations

import strawberry

from schema.graphql.access import Viewer
from schema.graphql.asking import Ask, Info
from schema.graphql.connections import Connection
from schema.graphql.decisions import Decision
from schema.graphql.editing import must_be_storable
from schema.graphql.inputs import ChangeFilter, EventFilter, SetMappingsInput, UserFilter, set_mappings_of
from schema.graphql.leaves import Permission
from schema.graphql.objects import Event, Group, Mapping, Organization, Role, RoleChange, User
from schema.graphql.previewing import MappingPreview
from schema.graphql.reading import pages, roots
from schema.graphql.reading.deciding import decide
from schema.graphql.reading.read import read
from schema.graphql.reading.reading import Reading
from schema.graphql.reading.roles import permission_object
from schema.graphql.rights import Right
from schema.graphql.scalars import Cursor, DateTime
from schema.graphql.wanted import wanted_by


@strawberry.type(description="What may be asked.")
class Query:
    """The root of queries."""

    @strawberry.field(description="Who is asking, and what they may do.")
    async def viewer(self, info: Info) -> Viewer:
        wanted = wanted_by(info)
        return await read(info.context, lambda reading: roots.find_viewer(reading, wanted))

    @strawberry.field(description="Null where there is none in sight.")
    async def organization(self, info: Info, id: strawberry.ID) -> Organization | None:
        wanted = wanted_by(info)
        return await read(info.context, lambda reading: roots.find_organization(reading, id, wanted))

    @strawberry.field(description="In the order first heard of. Environment-wide keys only.")
    async def organizations(
        self, info: Info, first: int = 50, after: str | None = None, search: str | None = None
    ) -> Connection[Organization]:
        ask, wanted = Ask(first, after, search), wanted_by(info)
        return await read(info.context, lambda reading: roots.list_organizations(reading, ask, wanted))

    @strawberry.field(description="Removed ones too; null where there is none in sight.")
    async def user(self, info: Info, id: strawberry.ID) -> User | None:
        wanted = wanted_by(info)
        return await read(info.context, lambda reading: roots.find_user(reading, id, wanted))

    @strawberry.field(description="In the order first heard of; removed ones are left out.")
    async def users(
        self,
        info: Info,
        organization_id: strawberry.ID,
        first: int = 50,
        after: str | None = None,
        where: UserFilter | None = None,
    ) -> Connection[User]:
        ask, wanted = Ask(first, after, where), wanted_by(info)

        def work(reading: Reading) -> Connection[User]:
            key = roots.organization_row(reading, organization_id).key
            return pages.users_of_organizations(reading, [key], ask, wanted)[key]

        return await read(info.context, work)

    @strawberry.field(description="Removed ones too; null where there is none in sight.")
    async def group(self, info: Info, id: strawberry.ID) -> Group | None:
        wanted = wanted_by(info)
        return await read(info.context, lambda reading: roots.find_group(reading, id, wanted))

    @strawberry.field(description="In the order first heard of; removed ones are left out.")
    async def groups(
        self,
        info: Info,
        organization_id: strawberry.ID,
        first: int = 50,
        after: str | None = None,
        search: str | None = None,
    ) -> Connection[Group]:
        ask, wanted = Ask(first, after, search), wanted_by(info)

        def work(reading: Reading) -> Connection[Group]:
            key = roots.organization_row(reading, organization_id).key
            return pages.groups_of_organizations(reading, [key], ask, wanted)[key]

        return await read(info.context, work)

    @strawberry.field(description="The catalogue, most significant first; with an organization, its own roles too.")
    async def roles(self, info: Info, organization_id: strawberry.ID | None = None) -> list[Role]:
        wanted = wanted_by(info)
        return await read(
            info.context,
            lambda reading: roots.list_roles(reading, roots.catalogue_key(reading, organization_id), wanted),
        )

    @strawberry.field(description="What a name means: the organization's own role, else the environment's.")
    async def role(self, info: Info, name: str, organization_id: strawberry.ID | None = None) -> Role | None:
        wanted = wanted_by(info)
        return await read(
            info.context,
            lambda reading: roots.find_role(reading, name, roots.catalogue_key(reading, organization_id), wanted),
        )

    @strawberry.field(description="May this user do this, now or at an earlier moment, and through which roles?")
    async def check(self, info: Info, user_id: strawberry.ID, permission: str, at: DateTime | None = None) -> Decision:
        wanted = wanted_by(info)
        return await read(info.context, lambda reading: decide(reading, user_id, permission, at, wanted))

    @strawberry.field(description="Sorted by name.")
    async def permissions(self, info: Info) -> list[Permission]:
        return await read(
            info.context, lambda reading: [permission_object(each) for each in reading.catalogue.permissions]
        )

    @strawberry.field(description="Which groups give which roles, oldest first.")
    async def mappings(self, info: Info, organization_id: strawberry.ID) -> list[Mapping]:
        wanted = wanted_by(info)
        return await read(
            info.context,
            lambda reading: roots.list_mappings(reading, roots.organization_row(reading, organization_id).key, wanted),
        )

    @strawberry.field(description="The change log, oldest first.")
    async def changes(
        self,
        info: Info,
        organization_id: strawberry.ID,
        first: int = 50,
        after: Cursor | None = None,
        where: ChangeFilter | None = None,
    ) -> Connection[RoleChange]:
        ask, wanted = Ask(first, after, where), wanted_by(info)

        def work(reading: Reading) -> Connection[RoleChange]:
            key = roots.organization_row(reading, organization_id).key
            return pages.changes_of_organizations(reading, [key], ask, wanted)[key]

        return await read(info.context, work)

    @strawberry.field(
        description="The journal: everything that was ever asked to change state, newest first. Without an "
        "organization, environment-wide keys only."
    )
    async def events(
        self,
        info: Info,
        organization_id: strawberry.ID | None = None,
        first: int = 50,
        after: str | None = None,
        where: EventFilter | None = None,
    ) -> Connection[Event]:
        if organization_id is None:
            info.context.viewer.must(Right.EVERYWHERE)
        ask, wanted = Ask(first, after), wanted_by(info)
        return await read(info.context, lambda reading: roots.list_events(reading, organization_id, ask, where, wanted))

    @strawberry.field(description="Null where there is none in sight.")
    async def event(self, info: Info, id: strawberry.ID) -> Event | None:
        wanted = wanted_by(info)
        return await read(info.context, lambda reading: roots.find_event(reading, id, wanted))

    @strawberry.field(description="What a new set of mappings would do, without doing it.")
    async def preview_mappings(self, info: Info, input: SetMappingsInput) -> MappingPreview:
        context = info.context
        command = set_mappings_of(input)
        must_be_storable(command)
        await read(context, lambda reading: roots.organization_row(reading, input.organization_id))
        preview = await context.command.preview(command, actor=context.viewer.actor)
        return MappingPreview(
            preview=preview,
            version=preview.version,
            granted=preview.granted,
            revoked=preview.revoked,
            users_affected=preview.users,
        )
