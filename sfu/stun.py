"""ICE connectivity checks as an ICE-lite server needs them: a guard in front of `aioice.stun`.

Anyone can send these bytes, so lengths are checked here before aioice reads values of fixed size, and nothing
but ParseError comes out (RFC 8489, RFC 8445).
"""

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from aioice import stun as aioice_stun

from sfu.errors import ParseError

_HEADER: Final = struct.Struct("!HHI12s")
_ATTRIBUTE: Final = struct.Struct("!HH")
_BINDING_REQUEST: Final = 0x0001
# A check has a dozen attributes at most; more is an attempt to make us work.
_MOST_ATTRIBUTES: Final = 32
_LONGEST_MESSAGE: Final = 2048
# ICE allows fragments of 4 to 256 characters (RFC 8839, 5.4).
_UFRAG_LENGTHS: Final = range(4, 257)
_ICE_CHARACTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

_USERNAME, _MESSAGE_INTEGRITY, _PRIORITY, _USE_CANDIDATE = 0x0006, 0x0008, 0x0024, 0x0025
_FINGERPRINT, _ICE_CONTROLLED, _ICE_CONTROLLING = 0x8028, 0x8029, 0x802A
# The attributes a check may carry: exact length, or None where it varies. Others below 0x8000 must be
# understood by the receiver (RFC 8489, 14), and we do not; others above change nothing.
_LENGTHS: Final[dict[int, int | None]] = {
    _USERNAME: None,
    _MESSAGE_INTEGRITY: 20,
    _PRIORITY: 4,
    _USE_CANDIDATE: 0,
    _FINGERPRINT: 4,
    _ICE_CONTROLLED: 8,
    _ICE_CONTROLLING: 8,
}


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """A well-formed connectivity check. Nothing in it may be believed before `verify` has said yes.

    `ufrag` is ours: the first half of the username (RFC 8445, 7.2.2).
    """

    ufrag: str
    use_candidate: bool
    transaction_id: bytes
    message: aioice_stun.Message


def parse_binding_request(data: bytes) -> BindingRequest:
    """Read a connectivity check. Raises ParseError for everything else, responses included."""
    _check_header(data)
    _check_attributes(data)
    try:
        message = aioice_stun.parse_message(data)
    except (ValueError, struct.error) as error:
        raise ParseError(f"STUN message is malformed: {error}") from None
    return BindingRequest(
        ufrag=_our_ufrag(message.attributes.get("USERNAME")),
        use_candidate="USE-CANDIDATE" in message.attributes,
        transaction_id=message.transaction_id,
        message=message,
    )


def _check_header(data: bytes) -> None:
    if not _HEADER.size <= len(data) <= _LONGEST_MESSAGE:
        raise ParseError("STUN message is too short or too long")
    kind, length, cookie, _ = _HEADER.unpack_from(data)
    if kind != _BINDING_REQUEST or cookie != aioice_stun.COOKIE:
        raise ParseError("not a STUN binding request")
    if length % 4 or _HEADER.size + length != len(data):
        raise ParseError("STUN length does not match")


def _check_attributes(data: bytes) -> None:
    authenticated = False
    for count, (kind, length) in enumerate(_attributes(data)):
        if count >= _MOST_ATTRIBUTES:
            raise ParseError("STUN message has too many attributes")
        # What follows the integrity is ignored, except the fingerprint (RFC 8489, 14.5).
        if authenticated and kind != _FINGERPRINT:
            continue
        expected = _LENGTHS.get(kind, None if kind >= 0x8000 else -1)
        if expected not in (None, length):
            raise ParseError(f"STUN attribute {kind:#06x} is not expected, or not with {length} bytes")
        authenticated = authenticated or kind == _MESSAGE_INTEGRITY


def _attributes(data: bytes) -> Iterator[tuple[int, int]]:
    at, end = _HEADER.size, len(data)
    while at < end:
        kind, length = _ATTRIBUTE.unpack_from(data, at)
        at += 4 + length + -length % 4
        if at > end:
            raise ParseError("STUN attribute is cut off")
        yield kind, length


def _our_ufrag(username: object) -> str:
    local, colon, remote = username.partition(":") if isinstance(username, str) else ("", "", "")
    if not colon or not _is_ufrag(local) or not _is_ufrag(remote):
        raise ParseError("STUN username is not two ufrags")
    return local


def _is_ufrag(text: str) -> bool:
    return len(text) in _UFRAG_LENGTHS and _ICE_CHARACTERS.issuperset(text)


def verify(request: BindingRequest, password: str) -> bool:
    """Whether the request was made by someone who knows our `password`. False without MESSAGE-INTEGRITY."""
    return request.message.check_message_integrity(password.encode())


def success_response(request: BindingRequest, address: tuple[str, int], password: str) -> bytes:
    """The answer to a verified request: it was seen to come from `address`."""
    response = aioice_stun.Message(
        message_method=aioice_stun.Method.BINDING,
        message_class=aioice_stun.Class.RESPONSE,
        transaction_id=request.transaction_id,
        attributes={"XOR-MAPPED-ADDRESS": (_plain_host(address[0]), address[1])},
    )
    response.add_message_integrity(password.encode())
    return bytes(response)


def _plain_host(host: str) -> str:
    # A socket for both families shows IPv4 senders as ::ffff:a.b.c.d; clients know themselves as a.b.c.d.
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)
