"""Grants by hand, and the roles held by default, as administrators set them."""

from __future__ import annotations

from msgspec import UNSET
from sqlmodel import Session

from api.facts.catalogue import new_version, usable_role
from api.facts.keys import new_keys
from api.facts.organizations import USERS
from api.work import Entry, Ledger
from schema.commands import ExpireGrants, GrantRole, RevokeRole, SetCreator, SetDefaultRoles
from schema.kinds import Kind
from schema.problems import BadInput, Conflict, NotFound
from schema.sql import Statement
from schema.times import format_time

LONGEST_NOTE = 1000  # it is kept again with every change that the grant is a reason of
USER = Statement("SELECT key, deleted FROM users WHERE id = :id AND organization_key = :organization")
GIVE = Statement("""
    INSERT INTO hand_grants (user_key, role_key, actor, note, expires_at)
    VALUES (:user, :role, :actor, :note, :expires_at)
    ON CONFLICT (user_key, role_key) DO UPDATE SET actor = excluded.actor, note = excluded.note,
        expires_at = excluded.expires_at""")
EXPIRE = Statement("DELETE FROM hand_grants WHERE expires_at <= :until RETURNING user_key")
# By the role's name: what was granted can be ended, also when the role is gone or another of its name came since.
TAKE = Statement("""
    DELETE FROM hand_grants WHERE user_key = :user AND role_key IN (SELECT key FROM roles WHERE name = :role)
    RETURNING user_key""")
CREATOR = Statement("SELECT user_key FROM creators WHERE organization_key = :organization")
SET_CREATOR = Statement("""
    INSERT INTO creators (organization_key, user_key) VALUES (:organization, :user)
    ON CONFLICT (organization_key) DO UPDATE SET user_key = excluded.user_key""")
CLEAR_DEFAULT = Statement("""
    DELETE FROM default_roles
    WHERE of = :of AND coalesce(organization_key, 0) = coalesce(CAST(:organization AS bigint), 0)""")
SET_DEFAULT = Statement("""
    INSERT INTO default_roles (key, organization_key, of, role_key) VALUES (:key, :organization, :of, :role)""")
EVERY_USER = Statement("SELECT key FROM users ORDER BY key")


def grant_role(session: Session, entry: Entry, ledger: Ledger, command: GrantRole) -> None:
    """Give a role by hand, or give it anew with another end; BadInput for an end that is past."""
    if command.expires_at is not None:
        _must_be_to_come(command.expires_at, ledger)
    if command.note is not None and len(command.note) > LONGEST_NOTE:
        raise BadInput(f"a note is at most {LONGEST_NOTE} characters long")
    user = _user(session, entry, command.user_id)
    role = usable_role(session, command.role, entry.organization_key)
    words = {"actor": entry.event.actor, "note": command.note, "expires_at": command.expires_at}
    GIVE.run(session, user=user, role=role.key, **words)
    entry.touched, entry.reworded = [user], {(user, role.key)}


def _must_be_to_come(moment: int, ledger: Ledger) -> None:
    """Raise BadInput for a moment that is past, also by the journal: what is settled now has the journal's time."""
    if moment <= ledger.clock:
        raise BadInput("expiresAt is in the past")
    if moment <= ledger.now:
        raise BadInput(
            f"expiresAt is not after the journal's newest entry, which is of {format_time(ledger.now)}: the clock was "
            "set back since, and a grant ends later than what is recorded"
        )


def expire_grants(session: Session, entry: Entry, command: ExpireGrants) -> None:
    """End the grants by hand that were over at `until`; raise NotFound if there are none: then nothing is recorded."""
    entry.touched = sorted(set(EXPIRE.scalars(session, until=command.until)))
    if not entry.touched:
        raise NotFound("no grant has expired")


def revoke_role(session: Session, entry: Entry, command: RevokeRole) -> None:
    """End a grant by hand; Conflict if there is none, for what the directory grants only it or a mapping can end."""
    user = _user(session, entry, command.user_id, removed=True)
    if not TAKE.scalars(session, user=user, role=command.role):
        raise Conflict(f"{command.role!r} was not granted by hand; what the directory grants, it or a mapping ends")
    entry.touched = [user]


def set_creator(session: Session, entry: Entry, command: SetCreator) -> None:
    """Write down who created the organization; whoever was so before no longer is."""
    user = _user(session, entry, command.user_id)
    before = CREATOR.scalars(session, organization=entry.organization_key)
    SET_CREATOR.run(session, organization=entry.organization_key, user=user)
    entry.touched = sorted({*before, user})


def set_default_roles(session: Session, entry: Entry, command: SetDefaultRoles) -> None:
    """Set, or with null clear, the roles held by default in the environment or in one organization."""
    organization = entry.organization_key
    if organization is not None and command.creator is not UNSET:
        raise BadInput("an organization may have a default member role of its own; the creator's is the environment's")
    for of, name in ((Kind.MEMBER, command.member), (Kind.CREATOR, command.creator)):
        if name is UNSET:
            continue
        CLEAR_DEFAULT.run(session, of=of, organization=organization)
        if name is not None:
            role = usable_role(session, name, organization)
            key = next(new_keys(session, "default_roles"))
            SET_DEFAULT.run(session, key=key, organization=organization, of=of, role=role.key)
    new_version(session)
    entry.touched = (EVERY_USER if organization is None else USERS).scalars(
        session, **({} if organization is None else {"key": organization})
    )


def _user(session: Session, entry: Entry, user_id: str, *, removed: bool = False) -> int:
    """A user's key; NotFound for one who is not there, or was removed unless that is allowed."""
    found = USER.first(session, id=user_id, organization=entry.organization_key)
    if found is None or (found[1] and not removed):
        raise NotFound("no such user")
    key: int = found[0]
    return key
