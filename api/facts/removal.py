"""Ending a role, and handing what hung on it to its successor, in one commit."""

from __future__ import annotations

from collections.abc import Container

from sqlmodel import Session

from api.facts.catalogue import CONCERNED, RoleFacts, find_role, lineage, store, usable_role, winning
from api.work import Entry
from schema.commands import DeleteRole
from schema.kinds import Kind
from schema.problems import BadInput, Conflict, NotFound
from schema.sql import Statement

# Who holds a role by default holds it no longer than it is one: what counts is the default itself.
USES = Statement(f"""
    SELECT (SELECT count(DISTINCT user_key) FROM grants
            WHERE role_key = :role AND kind NOT IN ({Kind.CREATOR:d}, {Kind.MEMBER:d})),
           (SELECT count(*) FROM mappings WHERE role_key = :role),
           (SELECT count(*) FROM hand_grants WHERE role_key = :role),
           (SELECT count(*) FROM default_roles WHERE role_key = :role)""")
EXTENDING = Statement("""
    SELECT name, organization_key FROM roles WHERE extends = :name AND NOT deleted
        AND (CAST(:organization AS bigint) IS NULL OR organization_key = :organization) ORDER BY name""")
VERSIONS = Statement("""
    UPDATE organizations SET mappings_version = mappings_version + 1
    WHERE key IN (SELECT organization_key FROM mappings WHERE role_key = :role)""")
MOVE_MAPPINGS = Statement("""
    UPDATE mappings SET role_key = :successor WHERE role_key = :role AND group_key NOT IN (
        SELECT group_key FROM mappings WHERE role_key = :successor)""")
DROP_MAPPINGS = Statement("DELETE FROM mappings WHERE role_key = :role")
# Whoever has both by hand keeps the one that lasts longer.
MOVE_HAND_GRANTS = Statement("""
    INSERT INTO hand_grants (user_key, role_key, actor, note, expires_at)
    SELECT user_key, CAST(:successor AS bigint), actor, note, expires_at FROM hand_grants WHERE role_key = :role
    ON CONFLICT (user_key, role_key) DO UPDATE
        SET actor = excluded.actor, note = excluded.note, expires_at = excluded.expires_at
        WHERE hand_grants.expires_at IS NOT NULL
          AND (excluded.expires_at IS NULL OR excluded.expires_at > hand_grants.expires_at)
    RETURNING user_key""")
DROP_HAND_GRANTS = Statement("DELETE FROM hand_grants WHERE role_key = :role")
MOVE_DEFAULTS = Statement("UPDATE default_roles SET role_key = :successor WHERE role_key = :role")


def delete_role(session: Session, entry: Entry, command: DeleteRole) -> None:
    """End a role; what is mapped to it, granted by hand, held by default or extends it goes on to `reassign_to`.

    Raises Conflict, saying what hangs on it, if anything does and no successor is named; NotFound for a role or
    successor that is not there, and BadInput for a successor that is the role itself.
    """
    role = find_role(session, command.name, entry.organization_key)
    if role is None or role.values["deleted"]:
        raise NotFound(f"no role named {command.name!r}")
    uses = uses_of(session, role)
    if command.reassign_to is None and uses:
        raise Conflict(f"{command.name!r} is {', '.join(uses)}: name a successor in reassignTo")
    before = CONCERNED.scalars(session, role=role.key, name=role.name)
    if command.reassign_to is not None:
        successor = usable_role(session, command.reassign_to, entry.organization_key)
        if successor.key == role.key:
            raise BadInput("a role cannot be its own successor")
        _hand_over(session, entry, role, successor)
    role.say(winning(entry, role), deleted=True)
    store(session, entry, role, turned=False)
    entry.touched = sorted({*before, *CONCERNED.scalars(session, role=role.key, name=role.name)})


def uses_of(session: Session, role: RoleFacts, going: Container[str] = ()) -> list[str]:
    """What hangs on a role, in words; not the environment's roles that are `going` with it."""
    held, mapped, by_hand, default = USES.one(session, role=role.key)
    extending = [
        name
        for name, scope in EXTENDING.run(session, name=role.name, organization=role.organization)
        if scope is not None or name not in going
    ]
    words = [
        f"held by {held} users" if held else "",
        f"mapped from {mapped} groups" if mapped else "",
        f"granted by hand to {by_hand} users" if by_hand else "",
        "a default role" if default else "",
        f"extended by {', '.join(extending)}" if extending else "",
    ]
    return [word for word in words if word]


def _hand_over(session: Session, entry: Entry, role: RoleFacts, successor: RoleFacts) -> None:
    """Give the successor everything that administrators tied to the role; what the directory asserts stays with it."""
    keys = {"role": role.key, "successor": successor.key}
    VERSIONS.run(session, role=role.key)
    MOVE_MAPPINGS.run(session, **keys)
    DROP_MAPPINGS.run(session, role=role.key)
    entry.reworded = {(user, successor.key) for user in MOVE_HAND_GRANTS.scalars(session, **keys)}
    DROP_HAND_GRANTS.run(session, role=role.key)
    MOVE_DEFAULTS.run(session, **keys)
    above = lineage(session, successor)
    for name, organization in EXTENDING.run(session, name=role.name, organization=role.organization):
        child = find_role(session, name, organization)
        if child is not None:
            heir = role.values["extends"] if child.key in above else successor.name  # or it would extend itself
            child.say(winning(entry, child), extends=heir)
            store(session, entry, child, turned=False)
