"""A front door over a real database, with a key and Ada behind it."""

from __future__ import annotations

import time

import pytest

from api.access.gate import Gate
from api.access.keys import Keys, find_keys, keep_environment_key
from api.access.signatures import SharedSecrets
from api.access.tokens import Tokens
from api.database import Database
from schema.credentials import hash_of
from schema.graphql.context import Credential, Viewer
from schema.problems import Unauthenticated, UnknownCredential
from tests.api.access.signers import JWT_SECRET
from tests.processes import KEY

HERE, THERE = "192.0.2.1", "192.0.2.2"
ALLOWED = 5


class Door:
    """A gate over a database that holds one key and Ada; `version` is what the process knows of the journal."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.version = 0
        self.now = time.time_ns()
        self.keys = Keys(database, lambda: self.now, lambda: self.version)
        tokens = Tokens(SharedSecrets([JWT_SECRET]), database, lambda: self.now, lambda: self.version)
        self.gate = Gate(self.keys, tokens, guesses=ALLOWED)
        database.write_now(lambda session: keep_environment_key(session, KEY, 1))

    async def shows(self, secret: str, address: str | None = HERE) -> Viewer:
        return await self.gate.authenticate(Credential(f"Bearer {secret}", address))

    async def refuses(self, secret: str, address: str | None = HERE) -> Unauthenticated:
        with pytest.raises(Unauthenticated) as refusal:
            await self.shows(secret, address)
        return refusal.value

    async def is_guessed_at(self, address: str = HERE, times: int = ALLOWED) -> None:
        for number in range(times):
            assert isinstance(await self.refuses(f"rk_guess_{number}", address), UnknownCredential)

    def sql(self, text: str) -> None:
        self.database.write_now(lambda session: session.connection().exec_driver_sql(text))

    def last_used(self) -> int | None:
        return self.database.read_now(lambda session: find_keys(session, [hash_of(KEY)]))[hash_of(KEY)].last_used_at
