"""Refuse an address that tries too often."""

from aiohttp import web

from server.audit import audit
from server.client import client_address
from server.limits import RateLimiter, address_key
from server.problems import Problem


def take(request: web.Request, limiter: RateLimiter) -> None:
    """Count a request of this address. Raises Problem 429."""
    wait_s = limiter.take(address_key(client_address(request)))
    if wait_s:
        audit(request, "too_many_attempts", path=request.path)
        raise Problem(429, "too_many_attempts", headers={"Retry-After": str(wait_s)}, seconds=wait_s)


def give_back(request: web.Request, limiter: RateLimiter) -> None:
    """Uncount a request that did no harm."""
    limiter.give_back(address_key(client_address(request)))
