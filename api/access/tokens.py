"""User tokens: JSON Web Tokens that an identity provider signed, each standing for one user of the directory."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import jwt
from jwt.types import Options

from api.access.claims import Claims, read_claims
from api.access.lookup import Lookup
from api.access.remembering import Recent
from api.access.signatures import NOT_OURS, SigningKey, SigningKeys, header_of
from api.database import Database
from schema.graphql.context import Viewer, ViewerKind
from schema.problems import Unauthenticated, UnknownCredential
from schema.queries.accounts import Account, Name, accounts_named

LONGEST = 8192  # bytes of a token
SHAPE = re.compile(r"ey[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)  # "ey" is how a JSON object begins in base64
VERIFIED = 10_000  # tokens whose signature need not be checked again while the keys are the same
# Clocks differ: a token that seems to be issued a moment later is no worse (RFC 7519, 4.1.6). `sub` is read by us, and
# `jti` by nobody.
UNCHECKED: Options = {"verify_iat": False, "verify_sub": False, "verify_jti": False}
EXPIRED = "this token has expired"
SEVERAL = (
    "this token's `email` is that of users of several organizations, removed ones included: "
    "the token must name its organization (`oid` or `org_id`)"
)


class Verified(NamedTuple):
    """What a token says, and which generation of keys proved it."""

    claims: Claims
    generation: int


class Tokens:
    """Turns a user token into the viewer it stands for, who sees one user."""

    def __init__(
        self,
        keys: SigningKeys,
        database: Database,
        clock: Callable[[], int],
        version: Callable[[], int],
        *,
        issuer: str | None = None,
        audience: str | None = None,
    ) -> None:
        """`clock` gives nanoseconds since the epoch; `version` the position that the journal is known to have reached.

        `iss` and `aud` are checked where they are given here. Users come and go by events of the journal: within this
        process, one who was deactivated is refused at the very next request.
        """
        self._keys = keys
        self._clock = clock
        self._issuer = issuer
        self._audience = audience
        self._verified: Recent[bytes, Verified] = Recent(VERIFIED)
        self._accounts: Lookup[Name, tuple[Account, ...]] = Lookup(database.read, accounts_named, version=version)

    async def authenticate(self, token: str) -> Viewer:
        """The viewer of a token.

        Raises UnknownCredential for one that no key of ours signed, Unauthenticated for a genuine one that is no good
        here or is over and for one whose key nobody here has, and Unavailable when nobody can tell.
        """
        claims = await self._claims(token)
        if claims.expires_at <= self._clock():
            raise Unauthenticated(EXPIRED)
        account = chosen(await self._accounts.find(claims.name) or (), claims)
        return Viewer(
            kind=ViewerKind.USER,
            actor=f"user:{account.id}",
            may_write=False,
            organization_id=account.organization_id,
            user_id=account.id,
            expires_at=claims.expires_at,
        )

    async def _claims(self, token: str) -> Claims:
        if len(token) > LONGEST or not SHAPE.fullmatch(token):
            raise UnknownCredential(NOT_OURS)
        self._keys.touch()
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is not None and known.generation == self._keys.generation:
            return known.claims
        keys = await self._keys.find(*header_of(token))
        generation = self._keys.generation
        claims = read_claims(self._payload(token, keys))
        self._verified.put(digest, Verified(claims, generation))
        return claims

    def _payload(self, token: str, keys: Sequence[SigningKey]) -> dict[str, Any]:
        """The payload, once one of the keys' signature and the registered claims hold."""
        for key in keys:
            with suppress(jwt.InvalidSignatureError):
                return self._signed_by(key, token)
        raise UnknownCredential(NOT_OURS)

    def _signed_by(self, key: SigningKey, token: str) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm],
                issuer=self._issuer,
                audience=self._audience,
                options={"verify_aud": self._audience is not None} | UNCHECKED,
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated(EXPIRED) from None
        except jwt.ImmatureSignatureError:
            raise Unauthenticated("this token is not valid yet") from None
        except (jwt.InvalidAudienceError, jwt.InvalidIssuerError):
            raise Unauthenticated(
                "this token is for somebody else: its `aud` or `iss` is not what is asked for here"
            ) from None
        except jwt.MissingRequiredClaimError as error:
            raise Unauthenticated(f"this token has no `{error.claim}`") from None
        except jwt.InvalidSignatureError:
            raise
        except (jwt.PyJWTError, ValueError):
            raise UnknownCredential(NOT_OURS) from None


def chosen(accounts: Sequence[Account], claims: Claims) -> Account:
    """The one user whom the claims name and who may be let in; raise Unauthenticated saying why there is none.

    Whoever was deactivated or deleted counts when it comes to telling organizations apart, and so does a deleted
    organization: else, who is removed from one would be another's user by the same token.
    """
    if claims.organization_id is not None:
        accounts = [each for each in accounts if each.organization_id == claims.organization_id]
    elif len({each.organization_id for each in accounts}) > 1:
        raise Unauthenticated(SEVERAL)
    standing = [each for each in accounts if each.stands]
    if len(standing) == 1:
        return standing[0]
    if standing:
        raise Unauthenticated("several users of the organization have this token's `email`: `sub` must be a user's id")
    if not accounts or all(each.organization_deleted for each in accounts):
        raise Unauthenticated("this token's user is not known here")
    removed = all(each.deleted for each in accounts)
    raise Unauthenticated(f"this token's user was {'deleted' if removed else 'deactivated'}")
