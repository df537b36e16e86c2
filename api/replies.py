"""The memory of idempotent requests: who asked what under which key, and what they were told, for a day."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlmodel import Session

from api.database import Database
from api.graphql.idempotency import Caller, Claim, KeyReused
from schema.sql import Statement
from schema.times import SECOND

KEPT = 24 * 3600 * SECOND
NONCE_BYTES = 12  # AES-GCM's own (NIST SP 800-38D, 8.2)
SWEPT_AT_ONCE = 1_000  # rows: what the writer deletes without a webhook noticing; a key adds 172 a second

FIND = Statement("SELECT fingerprint, seed, created_at, answer FROM replies WHERE scope = :scope AND key = :key")
CLAIM = Statement("""
    INSERT INTO replies (scope, key, fingerprint, seed, created_at, answer)
    VALUES (:scope, :key, :fingerprint, :seed, :now, NULL)
    ON CONFLICT (scope, key) DO UPDATE SET
        fingerprint = excluded.fingerprint, seed = excluded.seed, created_at = excluded.created_at, answer = NULL""")
KEEP = Statement("""
    UPDATE replies SET answer = :answer WHERE scope = :scope AND key = :key AND seed = :seed AND answer IS NULL""")
FORGET = Statement("""
    DELETE FROM replies WHERE (scope, key) IN (
        SELECT scope, key FROM replies WHERE created_at <= :before ORDER BY created_at LIMIT :limit)
    RETURNING 1""")


class Replies:
    """Claims and answers, in the database. An answer holds people's data, and perhaps a new key's secret.

    So it is encrypted by what the caller has and the database has not: their own credential.
    """

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        """`clock` gives nanoseconds since the epoch."""
        self._database = database
        self._clock = clock

    async def claim(self, caller: Caller, key: str, fingerprint: bytes) -> Claim:
        """Take the key for this request, or find what became of it. Raises KeyReused when it is another request's."""
        seed, now = secrets.token_hex(16), self._clock()

        def work(session: Session) -> Claim:
            found = FIND.first(session, scope=caller.scope, key=key)
            if found is None or found[2] <= now - KEPT:
                CLAIM.run(session, scope=caller.scope, key=key, fingerprint=fingerprint, seed=seed, now=now)
                return Claim(seed, None)
            if bytes(found[0]) != fingerprint:
                raise KeyReused("this Idempotency-Key was used for another request; give each request a key of its own")
            return Claim(found[1], None if found[3] is None else bytes(found[3]))

        claim = await self._database.write(work)
        return claim if claim.answer is None else Claim(claim.seed, _open(caller, key, claim.seed, claim.answer))

    async def keep(self, caller: Caller, key: str, seed: str, answer: bytes) -> bytes:
        """Store the answer, and give the one that is stored: whichever came first."""
        sealed = _seal(caller, key, seed, answer)

        def work(session: Session) -> bytes:
            KEEP.run(session, scope=caller.scope, key=key, seed=seed, answer=sealed)
            found = FIND.first(session, scope=caller.scope, key=key)
            return bytes(found[3]) if found is not None and found[1] == seed else sealed

        return _open(caller, key, seed, await self._database.write(work))


def forget(session: Session, now: int) -> int:
    """Delete what is older than a day, at most SWEPT_AT_ONCE rows, and tell how many they were."""
    return len(FORGET.run(session, before=now - KEPT, limit=SWEPT_AT_ONCE))


def _seal(caller: Caller, key: str, seed: str, answer: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + _cipher(caller, key, seed).encrypt(nonce, answer, caller.scope.encode())


def _open(caller: Caller, key: str, seed: str, sealed: bytes) -> bytes:
    nonce, text = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return _cipher(caller, key, seed).decrypt(nonce, text, caller.scope.encode())
    except InvalidTag:
        raise KeyReused("this Idempotency-Key was used with another credential; use a new one") from None


def _cipher(caller: Caller, key: str, seed: str) -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=32, salt=seed.encode(), info=b"rolecast reply " + key.encode())
    return AESGCM(derived.derive(caller.secret.encode()))
