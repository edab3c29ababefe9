from struct import pack

import pytest
from aioice import stun as aioice_stun
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu import stun
from sfu.errors import ParseError

PASSWORD = "correct-horse-battery-staple"

# RFC 5769, 2.1
SAMPLE = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff"
    "80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249"
    "c1b571a280280004e57a3bcf"
)
SAMPLE_PASSWORD = "VOkJxbRl1RmTxUk/WvJxBt"


def attribute(kind: int, value: bytes) -> bytes:
    return pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def unsigned(*attributes: bytes, kind: int = 0x0001, cookie: int = 0x2112A442) -> bytes:
    body = b"".join(attributes)
    return pack("!HHI12s", kind, len(body), cookie, b"transaction!") + body


def check(**more: object) -> aioice_stun.Message:
    attributes = {"USERNAME": "ours:theirs", "PRIORITY": 1_000, "ICE-CONTROLLING": 7, **more}
    return aioice_stun.Message(
        aioice_stun.Method.BINDING, aioice_stun.Class.REQUEST, b"transaction!", dict(attributes)
    )


def signed(message: aioice_stun.Message, password: str = PASSWORD) -> bytes:
    message.add_message_integrity(password.encode())
    return bytes(message)


USERNAME = attribute(0x0006, b"ours:theirs")


def test_the_rfc_sample_is_read_and_verified() -> None:
    request = stun.parse_binding_request(SAMPLE)
    assert request.ufrag == "evtj"
    assert not request.use_candidate
    assert stun.verify(request, SAMPLE_PASSWORD)
    assert not stun.verify(request, SAMPLE_PASSWORD + "x")


def test_a_nomination_is_seen() -> None:
    request = stun.parse_binding_request(signed(check(**{"USE-CANDIDATE": None})))
    assert request.use_candidate
    assert stun.verify(request, PASSWORD)


def test_without_integrity_nothing_verifies() -> None:
    assert not stun.verify(stun.parse_binding_request(bytes(check())), PASSWORD)


def test_a_changed_byte_does_not_verify() -> None:
    data = bytearray(SAMPLE)
    data[30] ^= 1
    with pytest.raises(ParseError, match="fingerprint"):
        stun.parse_binding_request(bytes(data))
    without_fingerprint = data[:2] + pack("!H", len(data) - 28) + data[4:-8]
    assert not stun.verify(stun.parse_binding_request(bytes(without_fingerprint)), SAMPLE_PASSWORD)


def test_what_follows_the_integrity_is_ignored() -> None:
    message = check()
    message._integrity_data = bytes(message)
    integrity = aioice_stun.message_integrity(bytes(message), PASSWORD.encode())
    late = attribute(0x0025, b"") + attribute(0x0006, b"evil:evil") + attribute(0x0024, b"xx")
    body = bytes(message)[20:] + attribute(0x0008, integrity) + late
    request = stun.parse_binding_request(unsigned(body))
    assert stun.verify(request, PASSWORD)
    assert not request.use_candidate
    assert request.ufrag == "ours"


@pytest.mark.parametrize(
    "attributes",
    [
        [USERNAME, attribute(0x0024, b"xx")],
        [USERNAME, attribute(0x8028, b"x")],
        [USERNAME, attribute(0x8029, b"xxx")],
        [USERNAME, attribute(0x000C, b"")],
        [USERNAME, attribute(0x0008, b"x" * 19)],
        [USERNAME, attribute(0x0025, b"x")],
        [USERNAME, attribute(0x7FFF, b"must be understood")],
        [USERNAME, attribute(0x0020, b"\x00\x03abcd")],
        [USERNAME, attribute(0x802B, b"\x00\x01abc")],
        [USERNAME, attribute(0x8022, b"\xff\xfe")],
        [USERNAME, b"\x80\xff\x00\xff"],
        [USERNAME, b"\x80\xff\x00\x01a"],
        [USERNAME, *[attribute(0x8099, b"")] * 40],
        [attribute(0x0006, b"\xff\xfe:\xff\xff")],
        [attribute(0x0006, b"x" * 300)],
        [attribute(0x0006, b"ours:" + b"x" * 300)],
        [attribute(0x0006, b"ours")],
        [attribute(0x0006, b"our:theirs")],
        [attribute(0x0006, b"ours:the\nirs")],
        [],
    ],
    ids=["priority of 2", "fingerprint of 1", "controlled of 3", "channel number of 0", "integrity of 19",
         "use-candidate of 1", "unknown required", "mapped address", "response origin", "software not UTF-8",
         "cut off", "cut in padding", "40 attributes", "username not UTF-8", "username of 300",
         "half of 300", "no colon", "ufrag of 3", "control character", "no username"],
)  # fmt: skip
def test_malformed_checks_die_here(attributes: list[bytes]) -> None:
    with pytest.raises(ParseError):
        stun.parse_binding_request(unsigned(*attributes))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        bytes(19),
        bytes(20),
        unsigned(USERNAME, cookie=0x2112A443),
        unsigned(USERNAME, kind=0x0101),
        unsigned(USERNAME, kind=0x0011),
        unsigned(USERNAME, kind=0x0003),
        unsigned(USERNAME) + b"x",
        unsigned(USERNAME)[:-1],
        unsigned(USERNAME, *[attribute(0x8099, bytes(400))] * 6),
    ],
    ids=["empty", "1 byte", "19 bytes", "20 zeros", "cookie", "response", "indication", "allocate", "longer",
         "shorter", "2.4 kB"],
)  # fmt: skip
def test_what_is_no_check_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        stun.parse_binding_request(data)


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (("192.0.2.1", 32_853), ("192.0.2.1", 32_853)),
        (("::ffff:192.0.2.1", 1), ("192.0.2.1", 1)),
        (("2001:db8::7", 65_535), ("2001:db8::7", 65_535)),
        (("fe80::1%eth0", 9), ("fe80::1", 9)),
    ],
)
def test_the_answer_tells_the_sender_its_address(seen: tuple[str, int], told: tuple[str, int]) -> None:
    request = stun.parse_binding_request(signed(check()))
    response = aioice_stun.parse_message(stun.success_response(request, seen, PASSWORD))
    assert response.message_class == aioice_stun.Class.RESPONSE
    assert response.transaction_id == request.transaction_id
    assert response.attributes["XOR-MAPPED-ADDRESS"] == told
    assert response.check_message_integrity(PASSWORD.encode())


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::7"])
def test_an_answer_is_no_longer_than_a_browsers_check(host: str) -> None:
    """Whoever forges its sender makes us send no more than he does."""
    data = signed(check())
    response = stun.success_response(stun.parse_binding_request(data), (host, 9), PASSWORD)
    assert len(response) <= len(data)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_raise_only_parse_error(data: bytes) -> None:
    with pytest.raises(ParseError):
        stun.parse_binding_request(data)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=24)), max_size=8))
def test_random_attributes_raise_only_parse_error(attributes: list[tuple[int, bytes]]) -> None:
    data = unsigned(USERNAME, *(attribute(kind, value) for kind, value in attributes))
    try:
        request = stun.parse_binding_request(data)
    except ParseError:
        return
    assert not stun.verify(request, PASSWORD)


@settings(deadline=None)
@given(st.sampled_from(sorted(aioice_stun.ATTRIBUTES_BY_TYPE)), st.binary(max_size=24))
def test_known_attributes_of_any_length_raise_only_parse_error(kind: int, value: bytes) -> None:
    try:
        stun.parse_binding_request(unsigned(USERNAME, attribute(kind, value)))
    except ParseError:
        return


@settings(deadline=None)
@given(st.data())
def test_truncated_checks_raise_only_parse_error(data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(SAMPLE) - 1))
    with pytest.raises(ParseError):
        stun.parse_binding_request(SAMPLE[:cut])
