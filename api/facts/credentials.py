"""API keys, as administrators make and revoke them. They are no facts: a rebuild leaves them as they are."""

from __future__ import annotations

from sqlmodel import Session

from api.work import Entry, Ledger
from schema.commands import CreateApiKey, RevokeApiKey, api_key_id
from schema.credentials import FROM_ENVIRONMENT
from schema.problems import BadInput, Conflict, NotFound
from schema.queries.api_keys import api_key_by_id
from schema.sql import Statement

LONGEST_NAME = 100
KNOWN = Statement("SELECT 1 FROM api_keys WHERE hash = :hash")
STORE = Statement("""
    INSERT INTO api_keys (id, name, hash, organization_id, write, created_at, expires_at)
    VALUES (:id, :name, :hash, :organization, :write, :now, :expires_at)""")
REVOKE = Statement("UPDATE api_keys SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL")


def create_api_key(session: Session, entry: Entry, ledger: Ledger, command: CreateApiKey) -> None:
    """Store a key under the id that its event gives it; BadInput for a name or an end that it cannot have."""
    name = command.name.strip()
    if not (1 <= len(name) <= LONGEST_NAME and name.isprintable()):
        raise BadInput(f"an API key's name is 1 to {LONGEST_NAME} printable characters")
    if name.upper() == FROM_ENVIRONMENT:
        raise BadInput(f"{FROM_ENVIRONMENT} is the name of the environment's own key; take another")
    if command.expires_at is not None and command.expires_at <= ledger.clock:  # the one that will end it
        raise BadInput("expiresAt is in the past")
    if KNOWN.first(session, hash=command.hash):  # before the database refuses it in words that hold the hash
        raise Conflict("there is an API key of this secret already")
    STORE.run(
        session,
        id=api_key_id(entry.event.id),
        name=name,
        hash=command.hash,
        organization=command.organization_id,
        write=command.write,
        now=ledger.now,
        expires_at=command.expires_at,
    )


def revoke_api_key(session: Session, ledger: Ledger, command: RevokeApiKey) -> None:
    """End a key for good, once; NotFound for an unknown one, Conflict for one that comes back with the next start."""
    key = api_key_by_id(session, command.id)
    if key is None:
        raise NotFound("no such API key")
    if key.name == FROM_ENVIRONMENT:
        raise Conflict(f"this key is the environment's: change {FROM_ENVIRONMENT} and restart, and it is revoked")
    REVOKE.run(session, id=key.id, now=ledger.now)
