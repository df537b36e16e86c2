"""Unknown credentials, counted by the address that sends them: past so many in a minute, it has to wait."""

from __future__ import annotations

import ipaddress
import math
import time
from hashlib import blake2b

from limits import RateLimitItemPerMinute
from limits.strategies import FixedWindowRateLimiter

from api.access.counting import Counters
from schema.problems import TooManyAttempts

# Addresses counted at once, at some 300 bytes each. Who has more of them than that is not slowed down; nobody shares a
# count with a stranger, so nobody is locked out by one.
COUNTED = 100_000
NETWORK = 64  # bits of an IPv6 address that one customer has; the others are theirs to vary (RFC 6177)


class Guesses:
    """How many unknown credentials each address sent in the minute since the first of them."""

    def __init__(self, allowed: int, *, counted: int = COUNTED) -> None:
        """`allowed` is how many an address may send, `counted` how many addresses are remembered."""
        self._item = RateLimitItemPerMinute(allowed)
        self._limiter = FixedWindowRateLimiter(Counters(counted))

    def must_have_some_left(self, address: str) -> None:
        """Raise TooManyAttempts once an address has used its guesses up."""
        who = _who(address)
        if not self._limiter.test(self._item, who):
            until = self._limiter.get_window_stats(self._item, who).reset_time
            raise TooManyAttempts(max(1, math.ceil(until - time.time())))

    def count(self, address: str) -> None:
        """The address sent a credential that nobody knows."""
        self._limiter.hit(self._item, _who(address))


def _who(address: str) -> str:
    """Whom an address belongs to: an IPv4 address, or an IPv6 network; anything else stands for itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:  # a proxy may tell anything, of any length
        return blake2b(address.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.IPv6Network((int(found) >> 128 - NETWORK << 128 - NETWORK, NETWORK)))
