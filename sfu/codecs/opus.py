"""Opus packets seen from outside: how long is their sound (RFC 6716, 3.1)."""

from sfu.errors import ParseError

# Samples at 48 kHz of one frame, by the five "config" bits of the first byte.
_SILK = (480, 960, 1920, 2880)
_HYBRID = (480, 960)
_CELT = (120, 240, 480, 960)
_FRAME_SAMPLES = _SILK * 3 + _HYBRID * 2 + _CELT * 4
# No packet is longer than 120 ms (RFC 6716, 3.4, R5).
_LONGEST_SAMPLES = 5760


def duration_samples(payload: bytes) -> int:
    """The sound of one packet in samples at 48 kHz, whatever rate it was made at. Raises ParseError."""
    if not payload:
        raise ParseError("Opus packet is empty")
    samples = _FRAME_SAMPLES[payload[0] >> 3] * _frame_count(payload)
    if not 0 < samples <= _LONGEST_SAMPLES:
        raise ParseError("Opus packet has no frames or lasts longer than 120 ms")
    return samples


def _frame_count(payload: bytes) -> int:
    code = payload[0] & 0x03
    if code == 0:
        return 1
    if code < 3:
        return 2
    if len(payload) < 2:
        raise ParseError("Opus packet lacks its frame count")
    return payload[1] & 0x3F
