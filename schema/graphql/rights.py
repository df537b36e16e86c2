"""Which right each field of the schema takes: one table, in which every field is decided and none by default."""

from __future__ import annotations

import enum
from collections.abc import Mapping


class Right(enum.Enum):
    """What a field asks of its viewer; `Viewer.must` decides. What the viewer has in sight is asked beside it."""

    ANYONE = "any viewer who got here"
    OTHERS = "not a viewer who sees one user only"
    EVERYWHERE = "an environment-wide API key"
    EDIT_MAPPINGS = "a credential that may write, a portal's too"
    ADMINISTER = "an API key that may write"
    ADMINISTER_EVERYWHERE = "an environment-wide API key that may write"


ANYONE, OTHERS, EVERYWHERE = Right.ANYONE, Right.OTHERS, Right.EVERYWHERE
EDIT_MAPPINGS, ADMINISTER, ADMINISTER_EVERYWHERE = Right.EDIT_MAPPINGS, Right.ADMINISTER, Right.ADMINISTER_EVERYWHERE

# "Type.field", or "Type.*" for a type all of whose fields take one right: it is met only through what decided already.
RIGHTS: Mapping[str, Right] = {
    "Query.viewer": ANYONE,
    "Query.organization": ANYONE,  # null where there is none in sight, as the three beside it
    "Query.user": ANYONE,
    "Query.group": ANYONE,
    "Query.event": ANYONE,
    "Query.organizations": EVERYWHERE,
    "Query.users": OTHERS,
    "Query.groups": OTHERS,
    "Query.mappings": OTHERS,
    "Query.changes": OTHERS,
    "Query.events": OTHERS,
    "Query.roles": ANYONE,
    "Query.role": ANYONE,
    "Query.permissions": ANYONE,
    "Query.check": ANYONE,
    "Query.previewMappings": OTHERS,
    "Subscription.roleChanges": ANYONE,
    "Subscription.userRoles": ANYONE,
    "Subscription.events": OTHERS,
    "Mutation.setMappings": EDIT_MAPPINGS,
    "Mutation.mapGroup": EDIT_MAPPINGS,
    "Mutation.unmapGroup": EDIT_MAPPINGS,
    "Mutation.createRole": ADMINISTER,
    "Mutation.updateRole": ADMINISTER,
    "Mutation.deleteRole": ADMINISTER,
    "Mutation.setDefaultRoles": ADMINISTER,
    "Mutation.setCreator": ADMINISTER,
    "Mutation.grantRole": ADMINISTER,
    "Mutation.revokeRole": ADMINISTER,
    "Mutation.replayEvent": ADMINISTER,
    "Mutation.createApiKey": ADMINISTER,
    "Mutation.revokeApiKey": ADMINISTER,
    "Mutation.createPermission": ADMINISTER_EVERYWHERE,
    "Mutation.deletePermission": ADMINISTER_EVERYWHERE,
    "Organization.id": ANYONE,
    "Organization.displayName": ANYONE,
    "Organization.removedAt": ANYONE,
    "Organization.mappingsVersion": ANYONE,
    "Organization.head": ANYONE,
    "Organization.roles": ANYONE,
    "Organization.defaultMemberRole": ANYONE,
    "Organization.user": ANYONE,  # oneself, or null
    "Organization.users": OTHERS,
    "Organization.groups": OTHERS,
    "Organization.mappings": OTHERS,
    "Organization.changes": OTHERS,
    "Organization.creator": OTHERS,
    "Organization.directories": OTHERS,
    "Organization.warnings": OTHERS,
    "Group.id": ANYONE,
    "Group.organization": ANYONE,
    "Group.directory": ANYONE,
    "Group.externalId": ANYONE,
    "Group.displayName": ANYONE,
    "Group.updatedAt": ANYONE,
    "Group.removedAt": ANYONE,
    "Group.members": OTHERS,
    "Group.memberCount": OTHERS,
    "Group.mappings": OTHERS,
    "Event.id": ANYONE,
    "Event.type": ANYONE,
    "Event.source": ANYONE,
    "Event.actor": ANYONE,
    "Event.organization": ANYONE,
    "Event.occurredAt": ANYONE,
    "Event.receivedAt": ANYONE,
    "Event.outcome": ANYONE,
    "Event.problem": ANYONE,
    "Event.changes": ANYONE,  # those in sight
    "Event.payload": OTHERS,
    "ApiKey.*": ANYONE,
    "Decision.*": ANYONE,
    "DefaultRole.*": ANYONE,
    "Directory.*": ANYONE,
    "DirectoryAssertion.*": ANYONE,
    "EventConnection.*": ANYONE,
    "EventEdge.*": ANYONE,
    "Explanation.*": ANYONE,
    "GroupConnection.*": ANYONE,
    "GroupEdge.*": ANYONE,
    "HeldRole.*": ANYONE,
    "ManualGrant.*": ANYONE,
    "MappedGroup.*": ANYONE,
    "Mapping.*": ANYONE,
    "MappingPreview.*": ANYONE,
    "MappingsPayload.*": ANYONE,
    "NewApiKey.*": ANYONE,
    "OrganizationConnection.*": ANYONE,
    "OrganizationEdge.*": ANYONE,
    "PageInfo.*": ANYONE,
    "Permission.*": ANYONE,
    "PreviewedChange.*": ANYONE,
    "PreviewedChangeConnection.*": ANYONE,
    "PreviewedChangeEdge.*": ANYONE,
    "Role.*": ANYONE,
    "RoleChange.*": ANYONE,
    "RoleChangeConnection.*": ANYONE,
    "RoleChangeEdge.*": ANYONE,
    "RolePayload.*": ANYONE,
    "User.*": ANYONE,
    "UserConnection.*": ANYONE,
    "UserEdge.*": ANYONE,
    "UserPayload.*": ANYONE,
    "UserRoles.*": ANYONE,
    "Viewer.*": ANYONE,
    "Warning.*": ANYONE,
}
