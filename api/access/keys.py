"""API keys: stored as hashes, and looked up by them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlmodel import Session, select

from api.access.lookup import Lookup
from api.access.uses import Uses
from api.database import Database
from schema.callers import ApiKey
from schema.credentials import FROM_ENVIRONMENT, hash_of
from schema.graphql.context import KeyInfo, Viewer, ViewerKind
from schema.problems import Unauthenticated, UnknownCredential
from schema.sql import Statement

FIND = Statement(
    """
    SELECT k.hash, k.id, k.name, k.organization_id, k.write, k.created_at, k.expires_at, k.last_used_at, k.revoked_at
    FROM {hashes} asked CROSS JOIN api_keys k WHERE k.hash = asked.hash""",
    hashes="hash text",
)


class Keys:
    """Turns an API key into the viewer it stands for."""

    def __init__(self, database: Database, clock: Callable[[], int], version: Callable[[], int]) -> None:
        """`clock` gives nanoseconds since the epoch; `version` the position that the journal is known to have reached.

        A key is revoked by an event of the journal: within this process, it is refused at the very next request.
        """
        self.uses = Uses(database.write)
        self._clock = clock
        self._found: Lookup[str, KeyInfo] = Lookup(database.read, find_keys, version=version)

    async def authenticate(self, secret: str) -> Viewer:
        """The viewer of a secret; raise UnknownCredential, or Unauthenticated for an expired or revoked key."""
        key = await self._found.find(hash_of(secret))
        if key is None:
            raise UnknownCredential("this API key is not known")
        if key.revoked_at is not None:
            raise Unauthenticated("this API key was revoked")
        now = self._clock()
        if key.expires_at is not None and key.expires_at <= now:
            raise Unauthenticated("this API key has expired")
        return Viewer(
            kind=ViewerKind.API_KEY,
            actor=actor_of(key),
            may_write=key.write,
            organization_id=key.organization_id,
            key=replace(key, last_used_at=self.uses.note(key, now)),
            expires_at=key.expires_at,
        )


def actor_of(key: KeyInfo) -> str:
    """What a key's deeds are recorded under. The id comes first, since anybody may name a key anything.

    The environment's own key goes without: no other can have its name, and its id changes with the secret.
    """
    return f"api_key:{key.name}" if key.name == FROM_ENVIRONMENT else f"api_key:{key.id}:{key.name}"


def find_keys(session: Session, hashes: Sequence[str]) -> dict[str, KeyInfo]:
    """The keys of these hashes, revoked and expired ones too."""
    return {
        hashed: KeyInfo(id, name, organization, bool(write), *times)
        for hashed, id, name, organization, write, *times in FIND.run(session, hashes=hashes)
    }


def is_kept(session: Session, secret: str) -> bool:
    """Whether the environment's first key is stored already, and no other one of it is valid."""
    named = session.exec(select(ApiKey).where(ApiKey.name == FROM_ENVIRONMENT)).all()
    valid = [key.hash for key in named if key.revoked_at is None]
    return valid == [hash_of(secret)]


def keep_environment_key(session: Session, secret: str, now: int) -> None:
    """Store the environment's first key as an environment-wide one that may write; the one it replaces is revoked."""
    hashed = hash_of(secret)
    for key in session.exec(select(ApiKey).where(ApiKey.name == FROM_ENVIRONMENT)):
        revoked = None if key.hash == hashed else (key.revoked_at or now)
        if key.revoked_at != revoked:
            key.revoked_at = revoked
            session.add(key)
    if session.exec(select(ApiKey).where(ApiKey.hash == hashed)).one_or_none() is None:
        session.add(ApiKey(id=f"key_{hashed[:16]}", name=FROM_ENVIRONMENT, hash=hashed, write=True, created_at=now))
