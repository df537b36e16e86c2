"""Organizations as their own events describe and remove them."""

from __future__ import annotations

from sqlmodel import Session

from api.work import Entry
from schema.kinds import Outcome
from schema.sql import Statement
from schema.wire import OrganizationDeleted, OrganizationDescribed

DELETED = Statement("SELECT deleted FROM organizations WHERE key = :key")
DESCRIBE = Statement("""
    UPDATE organizations
    SET display_name = :display_name, external_id = :external_id, deleted = false, at = :at, by = :by
    WHERE key = :key AND (:at > at OR (:at = at AND :by > by)) RETURNING key""")
REMOVE = Statement("""
    UPDATE organizations SET deleted = true, at = :at, by = :by
    WHERE key = :key AND (:at > at OR (:at = at AND :by > by)) RETURNING key""")
USERS = Statement("SELECT key FROM users WHERE organization_key = :key ORDER BY key")


def write_organization(session: Session, entry: Entry, body: OrganizationDescribed | OrganizationDeleted) -> None:
    """Write an organization's description, or its end: nobody of a removed one holds a role."""
    key = entry.organization_key
    was = bool(DELETED.scalars(session, key=key)[0])
    if isinstance(body, OrganizationDeleted):
        written = REMOVE.scalars(session, key=key, at=entry.at, by=entry.event.id)
    else:
        words = {"display_name": body.display_name, "external_id": body.external_id}
        written = DESCRIBE.scalars(session, key=key, at=entry.at, by=entry.event.id, **words)
    if not written:
        entry.outcome = Outcome.SUPERSEDED
    elif was != isinstance(body, OrganizationDeleted):
        entry.touched = USERS.scalars(session, key=key)
