"""API keys: stored as hashes, looked up by them, kept for a few seconds so that a revoked one soon ends."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable

from sqlmodel import Session, select

from api.database import Database
from schema.graphql.context import KeyInfo, Viewer, ViewerKind
from schema.problems import Unauthenticated
from schema.tables import ApiKey

FRESH_SECONDS = 2.0  # how long a key that was found is trusted without asking the database again
KEPT = 1000  # keys remembered at once
FROM_ENVIRONMENT = "ROLECAST_API_KEY"
REFUSAL = "send an API key as 'Authorization: Bearer …' (on a WebSocket, in connection_init's payload)"


class Keys:
    """Turns a bearer secret into the viewer it stands for."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        """`clock` gives nanoseconds since the epoch."""
        self._database = database
        self._clock = clock
        self._found: OrderedDict[str, tuple[float, KeyInfo]] = OrderedDict()

    async def authenticate(self, authorization: str | None) -> Viewer:
        """The viewer of an Authorization value; raise Unauthenticated if it is missing, unknown, expired or revoked."""
        scheme, _, secret = (authorization or "").strip().partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise Unauthenticated(REFUSAL)
        key = await self._key(hash_of(secret.strip()))
        if (
            key is None
            or key.revoked_at is not None
            or (key.expires_at is not None and key.expires_at <= self._clock())
        ):
            raise Unauthenticated("this API key is not known, or no longer valid")
        return Viewer(
            kind=ViewerKind.API_KEY,
            actor=f"api_key:{key.name}",
            may_write=key.write,
            organization_id=key.organization_id,
            key=key,
            expires_at=key.expires_at,
        )

    async def _key(self, hashed: str) -> KeyInfo | None:
        now = time.monotonic()
        if (known := self._found.get(hashed)) is not None and now - known[0] < FRESH_SECONDS:
            return known[1]
        key = await self._database.read(lambda session: find_key(session, hashed))
        self._found.pop(hashed, None)
        if key is not None:
            self._found[hashed] = (now, key)
            if len(self._found) > KEPT:
                self._found.popitem(last=False)
        return key


def hash_of(secret: str) -> str:
    """What is stored of a secret: its SHA-256; a slow hash would guard guessable words, and these are random."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def find_key(session: Session, hashed: str) -> KeyInfo | None:
    """The key of that hash, compared in constant time once found."""
    row = session.exec(select(ApiKey).where(ApiKey.hash == hashed)).one_or_none()
    if row is None or not hmac.compare_digest(row.hash, hashed):
        return None
    times = (row.created_at, row.expires_at, row.last_used_at, row.revoked_at)
    return KeyInfo(row.id, row.name, row.organization_id, bool(row.write), *times)


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
