"""Who asks, and under which name they reach us. Headers of proxies count only when the proxy is trusted."""

import ipaddress
import re
from collections.abc import Iterator

from aiohttp import web

from server.config import IpNetwork, Settings
from server.keys import SETTINGS
from server.problems import Problem

_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")


def client_address(request: web.Request) -> str:
    """Return the address of the browser or program: the nearest hop that is not one of our proxies."""
    networks = request.app[SETTINGS].trusted_proxies
    address = _peer(request)
    for hop in _forwarded_for(request):
        if not _is_trusted(address, networks):
            break
        address = hop
    return address


def is_secure(request: web.Request) -> bool:
    """Whether the browser reaches us through TLS, ours or that of a trusted proxy."""
    if request.secure:
        return True
    settings = request.app[SETTINGS]
    if not _is_trusted(_peer(request), settings.trusted_proxies):
        return False
    return request.headers.get("X-Forwarded-Proto", "").strip().lower() == "https"


def public_origin(request: web.Request) -> str:
    """Return the origin for links that we hand out. Raises Problem for a Host that is none."""
    settings: Settings = request.app[SETTINGS]
    if settings.public_url is not None:
        return settings.public_url
    if not _HOST.fullmatch(request.host):
        raise Problem(400, "host_invalid")
    return f"{'https' if is_secure(request) else 'http'}://{request.host}"


def _peer(request: web.Request) -> str:
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return str(peer[0]) if isinstance(peer, tuple) else "unknown"


def _forwarded_for(request: web.Request) -> Iterator[str]:
    """Yield the hops, the nearest first; what is not an address ends the list."""
    values = ",".join(request.headers.getall("X-Forwarded-For", []))
    for value in reversed(values.split(",")):
        try:
            yield str(ipaddress.ip_address(value.strip()))
        except ValueError:
            return


def _is_trusted(address: str, networks: tuple[IpNetwork, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in networks)
