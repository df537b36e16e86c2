"""Idempotency-Key: a mutation that a client sends again has one effect, and one answer."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol
from weakref import WeakValueDictionary

import msgspec

from api.graphql.engine import Asked, Engine, Operation, Response
from api.graphql.wire import encode
from schema.graphql.context import Attempt, Viewer
from schema.problems import BadInput, Problem, Unavailable

log = logging.getLogger("rolecast.idempotency")

KEY = re.compile(r"[\x21-\x7e]{1,255}")
TRANSIENT = {Problem.code, Unavailable.code}  # a retry may turn out better, so these are no answer to keep


class KeyReused(BadInput):
    """The key belongs to another request of the same credential."""

    status = 422  # draft-ietf-httpapi-idempotency-key-header, 2.7


class Caller(NamedTuple):
    """Who asks: `scope` names the credential for as long as it lives, `secret` is what only its holder knows."""

    scope: str
    secret: str

    def __repr__(self) -> str:
        """Without the secret: callers end up in tracebacks."""
        return f"Caller({self.scope!r})"

    @classmethod
    def of(cls, viewer: Viewer, authorization: str | None) -> Caller:
        """The holder of a credential; one that is no API key is known by itself."""
        secret = (authorization or "").rpartition(" ")[2]
        if viewer.key is not None:
            return cls(viewer.key.id, secret)
        return cls(f"{viewer.actor} {hashlib.sha256(secret.encode()).hexdigest()[:32]}", secret)

    def attempt(self, key: str, seed: str) -> Attempt:
        """What an attempt at the request under this key goes by."""
        return Attempt(seed, hmac.digest(self.secret.encode(), f"rolecast attempt {seed} {key}".encode(), "sha256"))


class Claim(NamedTuple):
    """A request's place: the ids of its effects follow from `seed`; `answer` is there once it was answered."""

    seed: str
    answer: bytes | None


class Replies(Protocol):
    """The durable memory of requests and their answers."""

    async def claim(self, caller: Caller, key: str, fingerprint: bytes, /) -> Claim:
        """Take the key for this request, or find what became of it. Raises KeyReused when it is another request's."""
        ...

    async def keep(self, caller: Caller, key: str, seed: str, answer: bytes, /) -> bytes:
        """Store the answer, and give the one that is stored: whichever came first."""
        ...


class Reply(NamedTuple):
    """A response, and whether it is an earlier attempt's."""

    response: Response
    replayed: bool


class Idempotency:
    """Runs mutations at most once for each key of a credential.

    The memory says who has a key and what was answered. That nothing happens twice does not hang on it, but on the
    journal: the events of every attempt have the same ids, so an attempt after a crash, or in another process at the
    same moment, finds its effect there already.
    """

    def __init__(self, engine: Engine, replies: Replies) -> None:
        self._engine = engine
        self._replies = replies
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._running: set[asyncio.Task[Reply]] = set()

    async def answer(self, operation: Operation, viewer: Viewer, caller: Caller, key: str, asked: Asked) -> Reply:
        """Run the mutation, or give its answer of the first time; a repeat that comes meanwhile waits for it.

        Raises KeyReused, and RequestError for variables that do not fit, which claims nothing. What began runs to its
        end and is kept, also when the client has gone: it may come back and ask.
        """
        self._engine.check_variables(operation, viewer)
        task = asyncio.create_task(self._in_turn(operation, viewer, caller, key, asked))
        self._running.add(task)  # the loop alone would not keep it alive
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _in_turn(self, operation: Operation, viewer: Viewer, caller: Caller, key: str, asked: Asked) -> Reply:
        turn = self._turns.setdefault((caller.scope, key), asyncio.Lock())
        async with turn:
            claim = await self._replies.claim(caller, key, _fingerprint(operation))
            if claim.answer is not None:
                return Reply(msgspec.json.decode(claim.answer), True)
            answer = encode(
                await self._engine.answer(operation, viewer, replace(asked, attempt=caller.attempt(key, claim.seed)))
            )
            response: Response = msgspec.json.decode(answer)
            if _may_turn_out_better(response):
                return Reply(response, False)
            try:
                kept = await self._replies.keep(caller, key, claim.seed, answer)
            except Unavailable as problem:  # the effect is there; another attempt finds it, and answers
                log.warning("an answer could not be kept for a retry: %s", problem.detail)
                return Reply(response, False)
            return Reply(msgspec.json.decode(kept), kept != answer)


def key_of(headers: Sequence[str]) -> str | None:
    """The key that the Idempotency-Key headers give, in or without quotes. Raises BadInput for what is none."""
    if not headers:
        return None
    key = headers[0].strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':  # RFC 8941, 3.3.3: the draft has a structured header's string
        key = key[1:-1]
    if len(headers) > 1 or not KEY.fullmatch(key):
        raise BadInput("Idempotency-Key must be one value of 1 to 255 visible ASCII characters")
    return key


def _fingerprint(operation: Operation) -> bytes:
    request = operation.request
    same = [operation.document.digest, request.operation_name, request.variables]
    return hashlib.sha256(msgspec.json.encode(same, order="deterministic")).digest()


def _may_turn_out_better(response: Response) -> bool:
    return any(error["extensions"]["code"] in TRANSIENT for error in response.get("errors", ()))
