"""The front door: an Authorization value and the address it comes from become a Viewer, or a refusal."""

from __future__ import annotations

import hashlib

from api.access.guesses import Guesses
from api.access.keys import Keys
from api.access.remembering import Recent
from api.access.tokens import SHAPE, Tokens
from schema.graphql.context import Credential, Viewer
from schema.problems import Unauthenticated, UnknownCredential

REMEMBERED = 10_000  # good API keys
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
        and TooManyAttempts for an unknown one of an address that has sent too many. Only unknown ones count: a company
        behind one address whose tokens have expired is not locked out. From a locked address, every token that a key of
        ours signed goes on working, and every API key that was good here lately; another key is not even looked up. A
        live connection that is looked at again (no address) is no attempt. What is under way when an address runs out
        of guesses is still looked up.
        """
        secret = _bearer(credential.authorization)
        if self._tokens is not None and SHAPE.fullmatch(secret):
            return await self._by_token(self._tokens, secret, credential.address)
        return await self._by_key(secret, credential.address)

    async def _by_token(self, tokens: Tokens, token: str, address: str | None) -> Viewer:
        """Its signature is checked first: that takes no look-up, and what is proven is no guess, from wherever."""
        try:
            return await tokens.authenticate(token)
        except UnknownCredential:
            if address is not None:
                self._guesses.must_have_some_left(address)
                self._guesses.count(address)
            raise

    async def _by_key(self, secret: str, address: str | None) -> Viewer:
        digest = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
        if address is not None and not self._good.get(digest):
            self._guesses.must_have_some_left(address)
        try:
            viewer = await self._keys.authenticate(secret)
        except UnknownCredential:
            self._good.forget(digest)
            if address is not None:
                self._guesses.count(address)
            raise
        self._good.put(digest, True)
        return viewer


def _bearer(authorization: str | None) -> str:
    scheme, _, secret = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthenticated(REFUSAL)
    return secret.strip()
