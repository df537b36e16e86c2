"""Users, with their groups, roles and permissions."""

from __future__ import annotations

from collections.abc import Sequence

from strawberry import ID

from schema.graphql.leaves import Permission
from schema.graphql.objects import Group, Organization, Role, User
from schema.graphql.reading.held import held_roles
from schema.graphql.reading.reading import Reading, grouped
from schema.graphql.reading.roles import permission_object
from schema.graphql.scalars import DateTime
from schema.graphql.wanted import Wanted
from schema.queries.catalogue import rank
from schema.queries.people import UserRow, asserted_names, grants_of_users, groups_of_users, users_by_key


def load_users(reading: Reading, keys: list[int], wanted: Wanted) -> dict[int, User]:
    """Users by key."""
    return users_of(reading, users_by_key(reading.session, keys), wanted)


def users_of(reading: Reading, rows: Sequence[UserRow], wanted: Wanted) -> dict[int, User]:
    """Users by key, of rows that were read."""
    rows = list({row.key: row for row in rows}.values())  # one user may be met in several groups
    reading.budget.reading(len(rows) if wanted else 0)  # those read for their ids alone are told of nowhere
    users = {row.key: _object(reading, row) for row in rows}
    if "organization" in wanted:
        homes = reading.load(Organization, (row.organization_key for row in rows), wanted["organization"])
        for row in rows:
            users[row.key].organization = homes[row.organization_key]
    if "groups" in wanted:
        _fill_groups(reading, users, rows, wanted["groups"])
    if wanted.any("roles", "primaryRole", "permissions"):
        _fill_roles(reading, users, rows, wanted)
    if "unknownRoles" in wanted:
        _fill_unknown_roles(reading, users, rows)
    return users


def _object(reading: Reading, row: UserRow) -> User:
    return User(
        key=row.key,
        nested=reading.nested,
        id=ID(row.id),
        external_id=row.external_id,
        email=row.email,
        username=row.username,
        name=row.name,
        given_name=row.given_name,
        family_name=row.family_name,
        active=row.active,
        updated_at=DateTime(row.at),
        removed_at=DateTime(row.at) if row.deleted else None,
    )


def _present(rows: Sequence[UserRow]) -> list[int]:
    return [row.key for row in rows if not row.deleted]


def _fill_groups(reading: Reading, users: dict[int, User], rows: Sequence[UserRow], wanted: Wanted) -> None:
    pairs = groups_of_users(reading.session, _present(rows))
    groups = reading.load(Group, (group for _, group in pairs), wanted)
    of_user = grouped((user, groups[group]) for user, group in pairs)
    for key, user in users.items():
        user.groups = of_user.get(key, [])


def _fill_roles(reading: Reading, users: dict[int, User], rows: Sequence[UserRow], wanted: Wanted) -> None:
    """`roles`, `primaryRole` and `permissions`, which all follow from the grants."""
    grants = grants_of_users(reading.session, _present(rows), reading.now)
    entries = reading.catalogue.entries
    homes = {row.key: row.organization_key for row in rows}
    held = {
        user: sorted({entries[role] for role in roles}, key=rank)
        for user, roles in grouped((grant.user_key, grant.role_key) for grant in grants).items()
    }
    if "roles" in wanted:
        lists = held_roles(reading, grants, homes, wanted["roles"])
        for key, user in users.items():
            user.roles = lists.get(key, [])
    if "primaryRole" in wanted:
        firsts = {user: (roles[0].key, homes[user]) for user, roles in held.items()}
        objects = reading.load(Role, firsts.values(), wanted["primaryRole"])
        for key, first in firsts.items():
            users[key].primary_role = objects[first]
    if "permissions" in wanted:
        known: dict[tuple[int, ...], list[Permission]] = {}  # few sets of roles are held by many users
        for key, holder in users.items():
            roles = held.get(key, [])
            together = tuple(role.key for role in roles)
            if together not in known:
                known[together] = [permission_object(each) for each in reading.catalogue.all_permissions(roles)]
            holder.permissions = known[together]


def _fill_unknown_roles(reading: Reading, users: dict[int, User], rows: Sequence[UserRow]) -> None:
    homes = {row.key: row.organization_key for row in rows}
    names = grouped(asserted_names(reading.session, _present(rows)))
    for key, user in users.items():
        asserted = names.get(key, [])
        user.unknown_roles = [name for name in asserted if reading.catalogue.role(name, homes[key]) is None]
