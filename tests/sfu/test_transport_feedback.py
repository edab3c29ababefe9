from struct import pack
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu import rtcp
from sfu.transport_feedback import FeedbackWriter, TransportFeedback

SENDER, MEDIA = 0xFA17FA17, 0x43032FA0


def parsed(text: str) -> list[rtcp.Message]:
    return rtcp.parse(bytes.fromhex(text)).messages


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # One run of one small delta; padded by a byte, as libwebrtc does.
        ("afcd0005 fa17fa17 43032fa0 00990001 3de80217 20019401",
         TransportFeedback(SENDER, MEDIA, 153, 1, 4_057_090, 23, (0,), (148,))),
        # Two bits a packet; the second delta is large and negative.
        ("afcd0006 fa17fa17 193dd8bb 01740002 45b15a40 d800f0ff d0000001",
         TransportFeedback(SENDER, 0x193DD8BB, 372, 2, 4_567_386, 64, (0, 1), (240, -48))),
        # Padding that is none: the message says itself where it ends. Two runs, the first of large deltas.
        ("afcd0007 fa17fa17 193dd8bb 01740006 45b15a40 40022004 1ffe1f9a d000d000",
         TransportFeedback(SENDER, 0x193DD8BB, 372, 6, 4_567_386, 64, (0, 1, 2, 3, 4, 5),
                           (0x1FFE, 0x1F9A, 0xD0, 0, 0xD0, 0))),
        # One bit a packet.
        ("afcd0006 fa17fa17 193dd8bb 0001000e 10636d00 ba00100c 0c100003",
         TransportFeedback(SENDER, 0x193DD8BB, 1, 14, 1_074_029, 0, (0, 1, 2, 4), (16, 12, 12, 16))),
        # The last chunk says more than there are packets.
        ("afcd0007 9b74f61f 9371dcbc 853c0009 63f916b3 d5520030 9baa6aaa 7b010901",
         TransportFeedback(0x9B74F61F, 0x9371DCBC, 34_108, 9, 6_551_830, 179, (0, 1, 2, 3, 4, 6),
                           (155, 170, 106, 170, 123, 265))),
        ("8fcd0004 9acb0442 00000000 00000000 00000000",
         TransportFeedback(0x9ACB0442, 0, 0, 0, 0, 0, (), ())),
    ],
)  # fmt: skip
def test_known_bytes(text: str, message: TransportFeedback) -> None:
    assert parsed(text) == [message]


@pytest.mark.parametrize(
    "text",
    [
        "afcd0005 fa17fa17 43032fa0 00990003 3de80217 20039401",  # three deltas told, one there
        "afcd0005 fa17fa17 43032fa0 00990002 3de80217 40029401",
        "8fcd0004 fa17fa17 43032fa0 0099ffff 3de80217",  # 65,535 packets, no chunk
        "8fcd0005 fa17fa17 43032fa0 0099ffff 3de80217 3fff3fff",
        "8fcd0005 fa17fa17 43032fa0 00990001 3de80217 60010000",  # a reserved symbol
        "8fcd0003 fa17fa17 43032fa0 00990001",
        "afcd0004 fa17fa17 43032fa0 00990001 3de80255",
    ],
)
def test_malformed(text: str) -> None:
    assert rtcp.parse(bytes.fromhex(text)) == rtcp.ParsedCompound([], malformed=True)


def message(symbols: str, base: int = 65_530) -> TransportFeedback:
    """`.` lost, `s` a small delta, `L` a large one, `n` a negative one."""
    received = tuple(index for index, symbol in enumerate(symbols) if symbol != ".")
    deltas = tuple({"s": 20, "L": 300, "n": -3}[symbol] for symbol in symbols if symbol != ".")
    return TransportFeedback(1, 2, base, len(symbols), 77, 5, received, deltas)


@pytest.mark.parametrize(
    ("symbols", "chunks"),
    [
        ("s", [0x2001]),
        ("s" * 9000, [0x3FFF, 0x2000 | 9000 - 0x1FFF]),
        ("." * 100 + "s", [100, 0x2001]),
        ("ss.s", [0xB400]),
        ("sL.n", [0xD880]),
        ("s" * 7 + "L" * 3, [0x2007, 0x4003]),
        ("LsLsLsL", [0xE666]),
        ("s.s.s.s.s.s.s.s.", [0xAAAA, 0xA000]),
    ],
)
def test_the_chunks_are_the_shortest(symbols: str, chunks: list[int]) -> None:
    data = message(symbols).to_bytes()
    assert data[20 : 20 + 2 * len(chunks)] == pack(f"!{len(chunks)}H", *chunks)
    assert rtcp.parse(data) == rtcp.ParsedCompound([message(symbols)], malformed=False)


@settings(deadline=None)
@given(st.text("..ssLn", max_size=80), st.integers(0, 65_535))
def test_what_we_write_we_read(symbols: str, base: int) -> None:
    data = message(symbols, base).to_bytes()
    assert len(data) % 4 == 0
    assert rtcp.parse(data) == rtcp.ParsedCompound([message(symbols, base)], malformed=False)


@settings(deadline=None)
@given(st.binary(max_size=80), st.booleans(), st.integers(0, 65_535))
def test_random_bodies_never_raise(body: bytes, padded: bool, count: int) -> None:
    body = pack("!IIHHI", 1, 2, 3, count, 4) + body.ljust(-(-len(body) // 4) * 4, b"\1")
    for message in rtcp.parse(pack("!BBH", 0x8F | 0x20 * padded, 205, len(body) // 4) + body).messages:
        assert isinstance(message, TransportFeedback)
        assert len(message.received) == len(message.deltas) <= len(body) * 7
        assert all(offset < message.status_count for offset in message.received)


def test_a_lie_about_65535_packets_costs_nothing() -> None:
    lost = "8fcd0009 00000001 00000002 0000ffff 00000000" + "1fff" * 9 + "0000"
    received = lost.replace("1fff", "3fff")
    before = process_time()
    for _ in range(1000):
        (told,) = parsed(lost)
        assert parsed(received) == []
    assert process_time() - before < 0.5
    assert isinstance(told, TransportFeedback)
    assert (told.status_count, told.received) == (65_535, ())


@pytest.mark.parametrize(
    ("arrivals", "told"),
    [
        ([(5, 1000)], [(5, 1)]),
        ([(7, 1000), (9, 1001)], [(5, 5)]),
        ([(5, 0), (6, 40_000)], [(5, 1), (6, 1)]),  # a delta of more than eight seconds
        ([(5, 40_000), (6, 0)], [(5, 1), (6, 1)]),
        ([(5, 0), (40_000, 1)], [(5, 1), (6, 39_995)]),
        ([(65_535, 0), (65_536, 1), (65_538, 2)], [(65_530, 9)]),
    ],
)
def test_messages_are_split_where_a_field_ends(
    arrivals: list[tuple[int, int]], told: list[tuple[int, int]]
) -> None:
    messages = FeedbackWriter(1, 2).write(arrivals, 65_530 if arrivals[0][0] > 60_000 else 5)
    assert [(message.base_number, message.status_count) for message in messages] == told
    ticks = [tick for message in messages for tick in ticks_of(message)]
    assert ticks == [tick for _, tick in arrivals]
    assert [message.feedback_count for message in messages] == list(range(len(messages)))


def ticks_of(message: TransportFeedback) -> list[int]:
    at, ticks = message.reference_time * 256, []
    for delta in message.deltas:
        at += delta
        ticks.append(at)
    return ticks


def test_a_message_fits_a_datagram() -> None:
    arrivals = [(number * 2, -((-1) ** number) * 500) for number in range(2000)]
    messages = FeedbackWriter(1, 2).write(arrivals, 0)
    assert max(len(message.to_bytes()) for message in messages) < 1200
    assert sum(len(message.received) for message in messages) == 2000
