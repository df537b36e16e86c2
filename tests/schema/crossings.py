"""What an organization's viewer can ask with another's id or name: a case for each place where one can be put."""

from __future__ import annotations

# The place, and what is asked there: `?` stands for another organization's, or for what nobody has; HOME, USER and
# GROUP for the viewer's own.
CROSSINGS = {
    "Query.organization(id)": "organization(id: ?) { displayName users { totalCount } }",
    "Query.user(id)": "user(id: ?) { email roles { since } changes { totalCount } }",
    "Query.group(id)": "group(id: ?) { displayName memberCount mappings { id } organization { id } }",
    "Query.event(id)": "event(id: ?) { type payload organization { id } changes { cursor } }",
    "Query.organizations(search)": "organizations(search: ?) { totalCount }",
    "Query.users(organizationId)": "users(organizationId: ?) { totalCount nodes { id } }",
    "Query.users(where.groupId)": "users(organizationId: HOME, where: {groupId: ?}) { ...Users }",
    "Query.users(where.role)": "users(organizationId: HOME, where: {role: ?}) { ...Users }",
    "Query.users(where.search)": "users(organizationId: HOME, where: {search: ?}) { ...Users }",
    "Query.groups(organizationId)": "groups(organizationId: ?) { totalCount nodes { id } }",
    "Query.groups(search)": "groups(organizationId: HOME, search: ?) { totalCount nodes { id } }",
    "Query.mappings(organizationId)": "mappings(organizationId: ?) { id group { id } }",
    "Query.changes(organizationId)": "changes(organizationId: ?) { ...Changes }",
    "Query.changes(where.userId)": "changes(organizationId: HOME, where: {userId: ?}) { ...Changes }",
    "Query.changes(where.role)": "changes(organizationId: HOME, where: {role: ?}) { ...Changes }",
    "Query.events(organizationId)": "events(organizationId: ?) { totalCount nodes { id } }",
    "Query.roles(organizationId)": "roles(organizationId: ?) { name }",
    "Query.role(organizationId)": 'role(name: "shared", organizationId: ?) { displayName }',
    "Query.role(name)": "role(name: ?, organizationId: HOME) { displayName }",
    "Query.role(name) of the environment": "role(name: ?) { displayName }",
    "Query.check(userId)": 'check(userId: ?, permission: "a:read") { allowed through { since } }',
    "Query.previewMappings(input.organizationId)": (
        "previewMappings(input: {organizationId: ?, mappings: []}) { version revoked }"
    ),
    "Query.previewMappings(input.mappings.groupId)": (
        'previewMappings(input: {organizationId: HOME, mappings: [{groupId: ?, role: "admin"}]}) { granted }'
    ),
    "Query.previewMappings(input.mappings.role)": (
        "previewMappings(input: {organizationId: HOME, mappings: [{groupId: GROUP, role: ?}]}) { granted }"
    ),
    "Organization.user(id)": "viewer { organization { user(id: ?) { email } } }",
    "Organization.users(where.groupId)": "viewer { organization { users(where: {groupId: ?}) { ...Users } } }",
    "Organization.users(where.role)": "viewer { organization { users(where: {role: ?}) { ...Users } } }",
    "Organization.users(where.search)": "viewer { organization { users(where: {search: ?}) { ...Users } } }",
    "Organization.groups(search)": "viewer { organization { groups(search: ?) { totalCount nodes { id } } } }",
    "Organization.changes(where.userId)": "viewer { organization { changes(where: {userId: ?}) { ...Changes } } }",
    "Organization.changes(where.role)": "viewer { organization { changes(where: {role: ?}) { ...Changes } } }",
    "User.explain(role)": "user(id: USER) { explain(role: ?) { held missing reasons { __typename } } }",
    "Mutation.createRole(input.organizationId)": (
        'createRole(input: {name: "new", organizationId: ?}) { role { name } }'
    ),
    "Mutation.createRole(input.name)": (
        "createRole(input: {name: ?, organizationId: HOME}) { role { name displayName organization { id } } }"
        " gone: deleteRole(name: ?, organizationId: HOME) { role { name } }"
    ),
    "Mutation.createRole(input.extends)": (
        'createRole(input: {name: "new", organizationId: HOME, extends: ?}) { role { name } }'
    ),
    "Mutation.updateRole(input.organizationId)": (
        'updateRole(input: {name: "shared", organizationId: ?, description: "mine"}) { role { name } }'
    ),
    "Mutation.updateRole(input.name)": (
        'updateRole(input: {name: ?, organizationId: HOME, description: "x"}) { role { name } }'
    ),
    "Mutation.updateRole(input.extends)": (
        'updateRole(input: {name: "apple_own", organizationId: HOME, extends: ?}) { role { name } }'
    ),
    "Mutation.deleteRole(organizationId)": 'deleteRole(name: "shared", organizationId: ?) { role { name } }',
    "Mutation.deleteRole(name)": "deleteRole(name: ?, organizationId: HOME) { role { name } }",
    "Mutation.deleteRole(reassignTo)": (
        'deleteRole(name: "apple_own", organizationId: HOME, reassignTo: ?) { role { name } }'
    ),
    "Mutation.setDefaultRoles(input.organizationId)": (
        'setDefaultRoles(input: {organizationId: ?, member: "viewer"}) { name }'
    ),
    "Mutation.setDefaultRoles(input.member)": "setDefaultRoles(input: {organizationId: HOME, member: ?}) { name }",
    "Mutation.setDefaultRoles(input.creator)": "setDefaultRoles(input: {creator: ?}) { name }",
    "Mutation.setCreator(organizationId)": "setCreator(organizationId: ?, userId: USER) { id }",
    "Mutation.setCreator(userId)": "setCreator(organizationId: HOME, userId: ?) { id }",
    "Mutation.setMappings(input.organizationId)": "setMappings(input: {organizationId: ?, mappings: []}) { version }",
    "Mutation.setMappings(input.mappings.groupId)": (
        'setMappings(input: {organizationId: HOME, mappings: [{groupId: ?, role: "admin"}]}) { version }'
    ),
    "Mutation.setMappings(input.mappings.role)": (
        "setMappings(input: {organizationId: HOME, mappings: [{groupId: GROUP, role: ?}]}) { version }"
    ),
    "Mutation.mapGroup(groupId)": 'mapGroup(groupId: ?, role: "viewer") { version }',
    "Mutation.mapGroup(role)": "mapGroup(groupId: GROUP, role: ?) { version }",
    "Mutation.unmapGroup(groupId)": 'unmapGroup(groupId: ?, role: "admin") { version }',
    "Mutation.unmapGroup(role)": "unmapGroup(groupId: GROUP, role: ?) { version }",
    "Mutation.grantRole(userId)": 'grantRole(userId: ?, role: "viewer") { user { id } }',
    "Mutation.grantRole(role)": "grantRole(userId: USER, role: ?) { user { id } }",
    "Mutation.revokeRole(userId)": 'revokeRole(userId: ?, role: "viewer") { user { id } }',
    "Mutation.revokeRole(role)": "revokeRole(userId: USER, role: ?) { user { id } }",
    "Mutation.replayEvent(id)": "replayEvent(id: ?) { type outcome }",
    "Mutation.createApiKey(input.organizationId)": (
        'createApiKey(input: {name: "spy", organizationId: ?}) { apiKey { name } }'
    ),
    "Mutation.revokeApiKey(id)": "revokeApiKey(id: ?) { name }",
    "Subscription.events(organizationId)": "events(organizationId: ?) { id }",
    "Subscription.roleChanges(organizationId)": "roleChanges(organizationId: ?) { cursor }",
    "Subscription.roleChanges(userId)": "roleChanges(userId: ?) { cursor }",
    "Subscription.roleChanges(userId) of an organization": "roleChanges(organizationId: HOME, userId: ?) { cursor }",
    "Subscription.userRoles(userId)": "userRoles(userId: ?) { cursor user { id } }",
}
OWN = {"HOME": '"org_%s"', "USER": '"%s_ann"', "GROUP": '"%s_eng"'}
LISTED = """
    fragment Users on UserConnection { totalCount nodes { id } pageInfo { endCursor } }
    fragment Changes on RoleChangeConnection { totalCount nodes { cursor userId } pageInfo { endCursor } }"""

# Cursors are another matter: another's moves the window.
CURSORS = {
    "Query.users(after)": "users(organizationId: HOME, after: ?) { edges { cursor node { id } } }",
    "Query.groups(after)": "groups(organizationId: HOME, after: ?) { edges { cursor node { id } } }",
    "Query.changes(after)": "changes(organizationId: HOME, after: ?) { edges { cursor node { userId } } }",
    "Query.events(after)": "events(organizationId: HOME, after: ?) { edges { cursor node { id } } }",
    "Organization.users(after)": "viewer { organization { users(after: ?) { edges { cursor node { id } } } } }",
    "Organization.groups(after)": "viewer { organization { groups(after: ?) { edges { cursor node { id } } } } }",
    "Organization.changes(after)": "viewer { organization { changes(after: ?) { edges { cursor node { userId } } } } }",
    "Group.members(after)": "group(id: GROUP) { members(after: ?) { edges { cursor node { id } } } }",
    "User.changes(after)": "user(id: USER) { changes(after: ?) { edges { cursor node { userId } } } }",
    "MappingPreview.changes(after)": (
        "previewMappings(input: {organizationId: HOME, mappings: []})"
        " { changes(after: ?) { edges { cursor node { user { id } } } } }"
    ),
}

FOLLOWED = {"Subscription.roleChanges(roles)", "Subscription.roleChanges(after)"}  # silence: tests of their own
ENVIRONMENT = {  # permissions are the environment's; the one list is for environment-wide keys
    "Mutation.createPermission(name)",
    "Mutation.deletePermission(name)",
    "Mutation.createRole(input.permissions)",
    "Mutation.updateRole(input.permissions)",
    "Query.check(permission)",
    "Query.organizations(after)",
}
PROSE = {  # text that names nothing
    "Mutation.createApiKey(input.name)",
    "Mutation.createPermission(description)",
    "Mutation.createRole(input.description)",
    "Mutation.createRole(input.displayName)",
    "Mutation.grantRole(note)",
    "Mutation.updateRole(input.description)",
    "Mutation.updateRole(input.displayName)",
    "Query.events(where.type)",
}


def operation(place: str, asked: str, value: str, own: str = "apple") -> str:
    """The document that puts the value (GraphQL text) at the place; `own` is the organization that asks."""
    kind = {"Mutation": "mutation", "Subscription": "subscription"}.get(place.partition(".")[0], "query")
    for word, text in OWN.items():
        asked = asked.replace(word, text % own)
    used = [fragment for fragment in LISTED.strip().splitlines() if f"...{fragment.split()[1]}" in asked]
    return f"{kind} {{ {asked.replace('?', value)} }} {' '.join(used)}"
