"""A small company whose roles the reading tests ask for."""

from __future__ import annotations

from schema.commands import CreatePermission, CreateRole
from tests.world import World


def company(world: World) -> World:
    """`eng` gives admin, `ops` gives viewer; admin extends viewer."""
    world.send(
        world.command(CreatePermission(name="a:read"), None),
        world.command(CreatePermission(name="b:write"), None),
    )
    world.send(world.command(CreateRole(name="viewer", priority=50, permissions=("a:read",)), None))
    world.send(world.command(CreateRole(name="admin", priority=1, extends="viewer", permissions=("b:write",)), None))
    return world.maps("eng", "admin").maps("ops", "viewer")


def another(world: World) -> World:
    """A second organization in the same database, with a user and a group of its own."""
    other = World(world.database, "org_other")
    other.seconds = world.seconds + 1000
    return other.maps("their_group", "viewer").joins("eve", "their_group")


EVERYTHING = """
    query($id: ID!) { user(id: $id) { ...Whole } }
    fragment Whole on User {
      id email active updatedAt removedAt unknownRoles
      organization { id displayName mappingsVersion head directories { id lastEventAt } roles { name }
        creator { id } defaultMemberRole { name } mappings { id group { id } role { name } createdBy } }
      groups { id displayName memberCount updatedAt directory { id } mappings { role { name } } }
      primaryRole { name allPermissions { name } }
      permissions { name }
      roles { since role { name priority defaultFor organization { id } extends { name permissions { name } } }
        reasons { __typename
          ... on MappedGroup { groupId groupName mappingId group { displayName } }
          ... on DirectoryAssertion { asserted directory { id organization { id } } }
          ... on ManualGrant { actor note expiresAt }
          ... on DefaultRole { of } } }
      changes { totalCount nodes {
        kind roleName userId organizationId at role { name } user { id } event { type payload changes { cursor } }
        reasons { __typename ... on MappedGroup { group { id } } } } }
    }"""
