"""A network address translator that keeps no table: another UDP port outside for each port inside.

Outside, a port differs from the one inside by a mask (XOR). With a new mask every mapping has changed at once, as
when a router was restarted: the host does not notice, the far end sees the same peer come from another port, and what
it sends to the old one reaches nobody.
"""

UDP = 17
IPV4_PROTOCOL, IPV6_NEXT_HEADER, IPV6_LENGTH = 9, 6, 40
SOURCE, DESTINATION, CHECKSUM = 0, 2, 6


def translated(packet: bytes, port_at: int, mask: int) -> bytes:
    """The IP packet with its UDP port at SOURCE or DESTINATION changed by the mask; what is not UDP as it is."""
    start = _udp_start(packet)
    if start is None or not mask:
        return packet
    changed = bytearray(packet)
    port = _word(packet, start + port_at)
    _put(changed, start + port_at, port ^ mask)
    checksum = _word(packet, start + CHECKSUM)
    if checksum:
        _put(changed, start + CHECKSUM, _updated(checksum, port, port ^ mask))
    return bytes(changed)


def _udp_start(packet: bytes) -> int | None:
    if packet[0] >> 4 == 6:
        return IPV6_LENGTH if packet[IPV6_NEXT_HEADER] == UDP else None
    return 4 * (packet[0] & 0xF) if packet[IPV4_PROTOCOL] == UDP else None


def _updated(checksum: int, old: int, new: int) -> int:
    """RFC 1624, equation 3; a sum of zero is written as all ones (RFC 768)."""
    total = (checksum ^ 0xFFFF) + (old ^ 0xFFFF) + new
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return (total ^ 0xFFFF) or 0xFFFF


def _word(packet: bytes, at: int) -> int:
    return int.from_bytes(packet[at : at + 2], "big")


def _put(packet: bytearray, at: int, word: int) -> None:
    packet[at : at + 2] = word.to_bytes(2, "big")
