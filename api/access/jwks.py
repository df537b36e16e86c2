"""A key set at a URL (RFC 7517): fetched when first needed, kept, and fetched again by time or for an unknown key."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import NoReturn

import httpx
import msgspec

from api.access.remembering import Recent
from api.access.signatures import BY_KIND, SigningKey, signing_key
from schema.problems import Unauthenticated, Unavailable

log = logging.getLogger("rolecast.access")

FRESH_SECONDS = 600.0  # then the set is fetched again: a key that is withdrawn is refused from then on
USABLE_SECONDS = 3600.0  # how long keys outlive a set that cannot be fetched
APART_SECONDS = 60.0  # between two fetches, whatever tokens ask for
RETRY_SECONDS = 5.0  # between two fetches while there are no keys at all
FETCH_SECONDS = 5.0
LARGEST = 1 << 20  # bytes
MOST_KEYS = 100
MISSED = 1000  # ids of keys that are remembered not to be in the set
NO_KEYS = "the keys of user tokens cannot be had right now; try again"
NOT_YET = "the key (`kid`) of this token is not known yet; try again"
NO_SUCH_KEY = "this token is signed by a key (`kid`) that the key set does not have"


class BadKeySet(Exception):
    """What the URL answers is not a key set that can be used."""


class KeySet:
    """The keys of one URL, for this process. `clock` gives seconds that only go up."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.generation = 0
        self._url = url
        self._clock = clock
        self._tls = httpx.create_ssl_context()  # made once: it takes 20 ms
        self._keys: tuple[SigningKey, ...] = ()
        self._raw: list[object] = []
        self._missed: Recent[str, bool] = Recent(MISSED)
        self._fetched: float | None = None
        self._tried: float | None = None
        self._fetching: asyncio.Task[None] | None = None

    def touch(self) -> asyncio.Task[None] | None:
        """Begin to fetch the set, if it is time to; gives the fetch under way, if there is one."""
        if self._keys and self._age() >= USABLE_SECONDS:
            self._keep([], ())
        return self._begin() if self._age() >= FRESH_SECONDS else self._under_way()

    async def find(self, id: str | None, algorithm: str) -> Sequence[SigningKey]:
        """The one key of this id for this algorithm, or the only one for it. An unknown id has the set fetched anew.

        Raises Unavailable while no set could be fetched, or none for an hour, and for an unknown id until the set may
        be fetched again: it may be the provider's newest key. Raises Unauthenticated for an id that was looked for or
        had before, and that the set does not have. An unknown id is no guess: no key here can have signed.
        """
        if algorithm not in BY_KIND.values():
            return ()  # no key of a set is for it, whatever comes: that is no reason to fetch
        asked = self._clock()
        await self._end_of(self.touch())
        if self._lacks(id):
            await self._end_of(self._begin())
        if not self._keys:
            raise Unavailable(NO_KEYS, retry_after=5)
        if id is not None and self._lacks(id):
            self._refuse(id, looked=self._fetched is not None and self._fetched >= asked)
        fitting = [key for key in self._keys if key.algorithm == algorithm and id in (None, key.id)]
        return fitting if len(fitting) == 1 else ()

    def _lacks(self, id: str | None) -> bool:
        return id is not None and all(key.id != id for key in self._keys)

    def _refuse(self, id: str, *, looked: bool) -> NoReturn:
        """Refuse an unknown id; `looked` if the set came after it was asked for."""
        if looked:
            self._missed.put(id, True)
        if self._missed.get(id):
            raise Unauthenticated(NO_SUCH_KEY)
        rest = APART_SECONDS if self._tried is None else self._tried + APART_SECONDS - self._clock()
        raise Unavailable(NOT_YET, retry_after=max(1, math.ceil(rest)))

    def _age(self) -> float:
        return float("inf") if self._fetched is None else self._clock() - self._fetched

    def _under_way(self) -> asyncio.Task[None] | None:
        return None if self._fetching is None or self._fetching.done() else self._fetching

    def _begin(self) -> asyncio.Task[None] | None:
        """The fetch under way, or a new one unless the last is too recent."""
        apart = APART_SECONDS if self._keys else RETRY_SECONDS
        if self._under_way() is None and (self._tried is None or self._clock() - self._tried >= apart):
            self._tried = self._clock()
            self._fetching = asyncio.create_task(self._fetch())
        return self._under_way()

    async def _end_of(self, fetch: asyncio.Task[None] | None) -> None:
        if fetch is not None:
            await asyncio.shield(fetch)  # one fetch for all who wait, also when the first of them goes away

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                raw = _members(await self._download())
            keys = tuple(key for key in map(signing_key, raw) if key is not None)
            if not keys:
                raise BadKeySet("it has no key for RS256, ES256 or EdDSA signatures")
        except (BadKeySet, TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
            log.warning("the key set of user tokens cannot be fetched: %s: %s", type(error).__name__, error)
        except Exception:
            log.exception("the key set of user tokens cannot be fetched")
        else:
            self._keep(raw, keys)
            self._fetched = self._clock()

    def _keep(self, raw: list[object], keys: tuple[SigningKey, ...]) -> None:
        self.generation += raw != self._raw
        had, self._raw, self._keys = self._keys, raw, keys
        for key in had:
            if key.id is not None and self._lacks(key.id):
                self._missed.put(key.id, True)  # withdrawn; it would be taken for a key that is new

    async def _download(self) -> bytes:
        """The body. No redirects: where the keys are is the operator's word alone."""
        async with (
            httpx.AsyncClient(verify=self._tls, timeout=FETCH_SECONDS, follow_redirects=False) as client,
            client.stream("GET", self._url, headers={"accept": "application/jwk-set+json, application/json"}) as answer,
        ):
            if answer.status_code != 200:
                raise BadKeySet(f"status {answer.status_code}")
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > LARGEST:
                    raise BadKeySet(f"more than {LARGEST} bytes")
            return bytes(body)


def _members(body: bytes) -> list[object]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise BadKeySet("it is not JSON") from None
    keys = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(keys, list) or len(keys) > MOST_KEYS:
        raise BadKeySet(f"it is not an object with at most {MOST_KEYS} `keys`")
    return keys
