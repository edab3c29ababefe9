"""How often one address may try: token buckets in memory."""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from server.throttle import TokenBucket

# Entries are small; past this many the one that was quiet longest is forgotten, which only makes us kinder to
# it.
_MAX_KEYS = 50_000


class RateLimiter:
    """A bucket per key: `burst` at once, then `per_second`. Time is the monotonic clock's, in seconds."""

    def __init__(self, burst: int, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._new_bucket = partial(TokenBucket, per_second, burst, clock)
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def take(self, key: str) -> int:
        """Take one; return 0, or how many seconds to wait when there is none."""
        bucket = self._bucket(key)
        return 0 if bucket.take() else math.ceil(bucket.wait_s())

    def give_back(self, key: str) -> None:
        """Return what turned out not to count."""
        self._bucket(key).give_back()

    def _bucket(self, key: str) -> TokenBucket:
        bucket = self._buckets.setdefault(key, self._new_bucket())
        self._buckets.move_to_end(key)
        if len(self._buckets) > _MAX_KEYS:
            self._buckets.popitem(last=False)
        return bucket


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of this server, each by client address."""

    # A whole office behind one address may mistype at eight o'clock; only failures stay counted.
    sign_in: RateLimiter = field(default_factory=lambda: RateLimiter(burst=30, per_second=0.2))
    # A bridge room with a hundred delegates opens one link through one address within a minute or two.
    links: RateLimiter = field(default_factory=lambda: RateLimiter(burst=120, per_second=2))


def address_key(address: str) -> str:
    """Return what counts as one sender: an IPv4 address, or the /64 that one IPv6 subscriber owns."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
