"""Webhook bodies as directories send them: one of every documented type."""

from __future__ import annotations

from typing import Any

from schema import wire

ENVELOPE: dict[str, Any] = {
    "spec_version": "1",
    "id": "evt_1",
    "type": "organization.directory.user_updated",
    "object": "DirectoryUser",
    "occurred_at": "2026-01-01T00:00:00.123456789Z",
    "environment_id": "env_1",
    "organization_id": "org_1",
    "display_name": "User updated",
    "data": {"id": "diruser_1", "groups": [{"id": "dirgroup_1", "name": "Eng"}], "roles": [{"role_name": "admin"}]},
}
USER = {"id": "diruser_1", "organization_id": "org_1", "dp_id": "00u1", "email": "ada@acme.example"}
SNAPSHOT = USER | {
    "active": True,
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "preferred_username": "ada",
    "employee_id": 7,
    "groups": [{"id": "dirgroup_1", "name": "Eng"}],
    "roles": [{"role_name": "admin"}],
    "custom_attributes": {"floor": 3},
    "raw_attributes": {"deep": [{"er": None}]},
}
GROUP = {"id": "dirgroup_1", "organization_id": "org_1", "directory_id": "dir_1", "display_name": "Eng"}
DIRECTORY = {"id": "dir_1", "organization_id": "org_1", "directory_type": "SCIM", "provider": "OKTA", "enabled": True}
ROLE = {"id": "role_1", "name": "admin", "display_name": "Admin", "description": "", "extends": "viewer"}
PERMISSION = {"id": "perm_1", "name": "deploy:prod", "description": "Deploys"}
ORGANIZATION = {"id": "org_1", "display_name": "Acme", "external_id": "7"}
DOCUMENTED = [
    ("organization.directory_enabled", DIRECTORY, wire.DirectoryChanged),
    ("organization.directory_disabled", DIRECTORY | {"enabled": False}, wire.DirectoryChanged),
    ("organization.directory.user_created", SNAPSHOT, wire.UserSnapshot),
    ("organization.directory.user_updated", SNAPSHOT, wire.UserSnapshot),
    ("organization.directory.user_updated", {"id": "u", "groups": None, "roles": None}, wire.UserSnapshot),
    ("organization.directory.user_updated", {"id": "u"}, wire.UserSnapshot),
    ("organization.directory.user_deleted", USER, wire.UserDeleted),
    ("organization.directory.group_created", GROUP | {"external_id": None}, wire.GroupDescribed),
    ("organization.directory.group_updated", GROUP | {"raw_attributes": {}}, wire.GroupDescribed),
    ("organization.directory.group_deleted", GROUP | {"dp_id": "x"}, wire.GroupDeleted),
    ("organization.created", ORGANIZATION, wire.OrganizationDescribed),
    ("organization.updated", ORGANIZATION, wire.OrganizationDescribed),
    ("organization.deleted", ORGANIZATION, wire.OrganizationDeleted),
    ("role.created", ROLE, wire.RoleDescribed),
    ("role.updated", ROLE, wire.RoleDescribed),
    ("role.deleted", ROLE, wire.RoleDeleted),
    ("permission.created", PERMISSION, wire.PermissionDescribed),
    ("permission.updated", PERMISSION, wire.PermissionDescribed),
    ("permission.deleted", PERMISSION, wire.PermissionDeleted),
]
