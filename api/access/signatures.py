"""Whether a token is signed by a key of ours: the key decides by which algorithm, and the token never does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import jwt

from schema.problems import UnknownCredential

NOT_OURS = "this token is not signed by a key that is known here"
# RFC 8725, 3.1: one algorithm a key. What is not in this list is never used, whatever a key set says of it.
BY_KIND = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
SHORTEST_RSA = 2048  # bits; RFC 7518, 3.3: MUST
PRIVATE = {"d", "p", "q", "k"}  # whoever publishes those gave the key away


class SigningKey(NamedTuple):
    """A key that tokens may be signed by, and the one algorithm that it is for."""

    id: str | None
    algorithm: str
    key: Any  # bytes for HS256, else a public key

    def __repr__(self) -> str:
        """Without the key: it may be a secret."""
        return f"SigningKey({self.id!r}, {self.algorithm})"


class SigningKeys(Protocol):
    """Where the keys come from."""

    @property
    def generation(self) -> int:
        """Goes up whenever the keys change; what was verified before has to be again."""
        ...

    def touch(self) -> object:
        """Look for newer keys, if it is time to, without waiting for them."""
        ...

    async def find(self, id: str | None, algorithm: str) -> Sequence[SigningKey]:
        """The keys that may have signed: of this id, for this algorithm; without an id, the only one for it.

        Raises Unavailable when nobody can tell, and Unauthenticated for an id that is no key's here.
        """
        ...


class SharedSecrets:
    """The keys of HS256: one, or two in a rotation."""

    generation = 0

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [SigningKey(None, "HS256", secret.encode()) for secret in secrets]

    def touch(self) -> None:
        """They never change."""

    async def find(self, id: str | None, algorithm: str) -> Sequence[SigningKey]:
        """The secrets, whatever the id: there are no other keys that could be meant."""
        return self._keys if algorithm == "HS256" else ()


def signing_key(jwk: object) -> SigningKey | None:
    """A key set's member, if tokens may be signed by it: a public key of BY_KIND that is not for something else."""
    if not isinstance(jwk, dict) or PRIVATE & jwk.keys():
        return None
    kind, curve, id = jwk.get("kty"), jwk.get("crv"), jwk.get("kid")
    if not isinstance(kind, str) or not isinstance(curve, str | None) or not isinstance(id, str | None):
        return None
    algorithm = BY_KIND.get((kind, curve))
    if algorithm is None or not _is_for_signatures(jwk, algorithm):
        return None
    try:
        key = jwt.PyJWK(jwk, algorithm).key
    except Exception:  # whatever is wrong with a stranger's numbers; the key is no use
        return None
    return None if algorithm == "RS256" and key.key_size < SHORTEST_RSA else SigningKey(id, algorithm, key)


def _is_for_signatures(jwk: Mapping[str, object], algorithm: str) -> bool:
    operations = jwk.get("key_ops", ["verify"])
    return (
        jwk.get("use", "sig") == "sig"
        and jwk.get("alg", algorithm) == algorithm
        and isinstance(operations, list)
        and "verify" in operations
    )


def header_of(token: str) -> tuple[str | None, str]:
    """The key id and algorithm that a token claims. Nothing of it is proven; UnknownCredential if it makes no sense."""
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise UnknownCredential(NOT_OURS) from None
    algorithm = header.get("alg")
    # RFC 7515, 4.1.11: what is critical and not understood is refused; and nothing of it is understood here.
    if not isinstance(algorithm, str) or {"crit", "b64"} & header.keys():
        raise UnknownCredential(NOT_OURS)
    return header.get("kid"), algorithm
