"""What holds of every payload whose picture numbers are moved in place: VP8's and VP9's."""

from collections.abc import Callable

from sfu.codecs.descriptor import NumberedDescriptor
from sfu.errors import ParseError

Parse = Callable[[bytes], NumberedDescriptor]


def moved(parse: Parse, payload: bytes, picture_id_delta: int, tl0picidx_delta: int) -> bytes:
    """The payload with its numbers moved, amid other bytes that must stay as they are."""
    buffer = bytearray(b"header" + payload + b"tail")
    parse(payload).rewrite(memoryview(buffer), 6, picture_id_delta, tl0picidx_delta)
    assert (buffer[:6], buffer[-4:]) == (b"header", b"tail")
    return bytes(buffer[6:-4])


def check_any(parse: Parse, payload: bytes, picture_id_delta: int, tl0picidx_delta: int) -> None:
    """Any bytes are refused as malformed, or only their numbers move, by so many."""
    try:
        before = parse(payload)
    except ParseError:
        return
    assert 0 < before.length < len(payload)
    data = moved(parse, payload, picture_id_delta, tl0picidx_delta)
    after = parse(data)
    assert after.length == before.length
    assert data[before.length :] == payload[before.length :]
    if before.picture_id is not None:
        assert after.picture_id == (before.picture_id + picture_id_delta) % (1 << before.picture_id_bits)
    if before.tl0picidx is not None:
        assert after.tl0picidx == (before.tl0picidx + tl0picidx_delta) % 256
