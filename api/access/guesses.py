"""Unknown credentials, counted by the address that sends them: past so many in a minute, it has to wait."""

from __future__ import annotations

import ipaddress
import math
import secrets
import time
from hashlib import blake2b

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from schema.problems import TooManyAttempts

# Addresses are counted in so many places, whatever comes: memory has a bound, and nobody can choose whom to share with.
PLACES = 8192
NETWORK = 64  # bits of an IPv6 address that one customer has; the others are theirs to vary (RFC 6177)


class Guesses:
    """How many unknown credentials each address sent in the minute since the first of them."""

    def __init__(self, allowed: int) -> None:
        self._item = RateLimitItemPerMinute(allowed)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._salt = secrets.token_bytes(16)

    def must_have_some_left(self, address: str) -> None:
        """Raise TooManyAttempts once an address has used its guesses up."""
        place = self._place(address)
        if not self._limiter.test(self._item, place):
            until = self._limiter.get_window_stats(self._item, place).reset_time
            raise TooManyAttempts(max(1, math.ceil(until - time.time())))

    def count(self, address: str) -> None:
        """The address sent a credential that nobody knows."""
        self._limiter.hit(self._item, self._place(address))

    def _place(self, address: str) -> str:
        digest = blake2b(_who(address).encode("utf-8", "surrogatepass"), digest_size=8, key=self._salt).digest()
        return str(int.from_bytes(digest) % PLACES)


def _who(address: str) -> str:
    """Whom an address belongs to: an IPv4 address, or an IPv6 network; anything else stands for itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or int(found) >> (128 - NETWORK))
