"""The front door: an Authorization value and the address it comes from become a Viewer, or a refusal."""

from __future__ import annotations

import hashlib

from api.access.guesses import Guesses
from api.access.keys import Keys
from api.access.remembering import Recent
from api.access.tokens import SHAPE, Tokens
from schema.graphql.context import Credential, Viewer
from schema.problems import Unauthenticated, UnknownCredential

REMEMBERED = 10_000  # good credentials
REFUSAL = "send an API key or token as 'Authorization: Bearer …' (on a WebSocket, in connection_init's payload)"


class Gate:
    """Everybody comes in here; each kind of credential has its keeper behind it."""

    def __init__(self, keys: Keys, tokens: Tokens | None, *, guesses: int) -> None:
        """`guesses` is how many unknown credentials an address may send in a minute."""
        self._keys = keys
        self._tokens = tokens
        self._guesses = Guesses(guesses)
        self._good: Recent[bytes, bool] = Recent(REMEMBERED)

    async def authenticate(self, credential: Credential) -> Viewer:
        """The viewer of a credential.

        Raises Unauthenticated for one that is missing, unknown, or good no longer; Unavailable when nobody can tell;
        and TooManyAttempts, before any look-up, for an address that has sent too many unknown ones. Only unknown ones
        count: a company behind one address whose tokens have expired is not locked out. What was good here lately goes
        on working from a locked address, and a live connection that is looked at again (no address) is no attempt.
        What is under way when an address runs out of guesses is still looked up.
        """
        secret = _bearer(credential.authorization)
        digest = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
        if credential.address is not None and not self._good.get(digest):
            self._guesses.must_have_some_left(credential.address)
        try:
            viewer = await self._viewer(secret)
        except UnknownCredential:
            self._good.forget(digest)
            if credential.address is not None:
                self._guesses.count(credential.address)
            raise
        self._good.put(digest, True)
        return viewer

    async def _viewer(self, secret: str) -> Viewer:
        if self._tokens is not None and SHAPE.fullmatch(secret):
            return await self._tokens.authenticate(secret)
        return await self._keys.authenticate(secret)


def _bearer(authorization: str | None) -> str:
    scheme, _, secret = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthenticated(REFUSAL)
    return secret.strip()
