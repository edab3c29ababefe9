"""This machine's own addresses: what browsers can be told to reach it by."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import ifaddr

from server.config import Settings


def local_addresses(*, loopback: bool = False) -> list[str]:
    """The addresses of every interface that is up; link-local ones are of no use in a URL or a candidate."""
    found: list[str] = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            address = ipaddress.ip_address(ip.ip if isinstance(ip.ip, str) else ip.ip[0])
            if not address.is_link_local and (loopback or not address.is_loopback):
                found.append(str(address))
    return sorted(set(found), key=lambda text: (":" in text, text))


def media_addresses(settings: Settings) -> Sequence[str]:
    """The addresses told to browsers: those set, or all of this machine; loopback last, for a browser on it."""
    if settings.media_address:
        return [str(address) for address in settings.media_address]
    return [*local_addresses(), "127.0.0.1"]


def media_hosts(settings: Settings) -> Sequence[str]:
    """What media workers bind: each announced address, or everything where one is not this machine's own (NAT)."""
    announced = media_addresses(settings)
    if set(announced) <= {*local_addresses(loopback=True), "127.0.0.1", "::1"}:
        return announced
    return ["0.0.0.0", "::"]  # noqa: S104 - the router in front of us decides who gets through
