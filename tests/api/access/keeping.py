"""A keeper of user tokens over a real database, and tokens of any bytes."""

from __future__ import annotations

import base64
import hmac
import time
from typing import Any

import pytest

from api.access.signatures import SharedSecrets, SigningKeys
from api.access.tokens import Tokens
from api.database import Database
from schema.problems import Unauthenticated
from tests.api.access.signers import JWT_SECRET
from tests.world import World

HS256 = b'{"alg":"HS256","typ":"JWT"}'


def keeper(database: Database, keys: SigningKeys | None = None, **expected: Any) -> Tokens:
    """Tokens whose knowledge of the database is never trusted for longer than a question."""
    numbers = iter(range(10**9))
    return Tokens(keys or SharedSecrets([JWT_SECRET]), database, time.time_ns, lambda: next(numbers), **expected)


def here(world: World, user: str, **more: Any) -> None:
    """The directory has this user."""
    world.send(world.snapshot(user, **more))


def raw(header: bytes, payload: bytes, secret: bytes = JWT_SECRET.encode()) -> str:
    """A token of any bytes, signed by HS256."""
    parts = [base64.urlsafe_b64encode(part).rstrip(b"=") for part in (header, payload)]
    signature = hmac.digest(secret, b".".join(parts), "sha256")
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


async def refused(tokens: Tokens, token: str) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as refusal:
        await tokens.authenticate(token)
    return refusal.value
