from struct import pack

import pytest
from aiortc import rtp as aiortc_rtp
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu import rtcp
from sfu.transport_feedback import TransportFeedback

BLOCK = rtcp.ReportBlock(0xBC5E9A40, 26, 1_000, 0x000100FF, 5, 0xAABBCCDD, 65_536)
EVERY_KIND = [
    rtcp.SenderReport(1, 0xE0000000_80000000, 90_000, 10, 1_000, (BLOCK,)),
    rtcp.ReceiverReport(1, (BLOCK, BLOCK)),
    rtcp.ReceiverReport(1),
    rtcp.SourceDescription(
        (
            rtcp.SourceChunk(5, ((1, "abc"),)),
            rtcp.SourceChunk(6, ((1, "điểm"), (2, ""))),
            rtcp.SourceChunk(7, ()),
        )
    ),
    rtcp.Bye((1, 2)),
    rtcp.Nack(1, 2, (65_535, 0, 5, 40, 100)),
    rtcp.Pli(1, 2),
    rtcp.Fir(1, (3, 4), 7),
    rtcp.Remb(1, 262_143 << 4, (3, 4)),
    rtcp.Remb(1, 0, ()),
]
# As mediasoup's tests have them (RTCP/Test*.cpp).
FOREIGN_VECTORS = [
    ("80c80006 5d931534 dd3ac1b4 76547171 0008cf00 00000e18 0008cf00",
     rtcp.SenderReport(0x5D931534, 3_711_615_412 << 32 | 1_985_245_553, 577_280, 3608, 577_280)),
    ("81c90007 5d931534 01932db4 00000001 00000000 00000000 00000000 00000005",
     rtcp.ReceiverReport(0x5D931534, (rtcp.ReportBlock(0x01932DB4, 0, 1, 0, 0, 0, 5),))),
    ("81ca0006 9f65e742 01107437 6d6b596e 436d3436 4f63494e 792f0000",
     rtcp.SourceDescription((rtcp.SourceChunk(0x9F65E742, ((1, "t7mkYnCm46OcINy/"),)),))),
    # Here with its padding counted, which they leave at zero.
    (("a2ca000d 000004d2 01067177 65727479 060669c3 b1616b69 00000000"
      "0000162e 0511736f 6d657768 65726520 c593c3a6 e282ac00 00000004"),
     rtcp.SourceDescription((rtcp.SourceChunk(1234, ((1, "qwerty"), (6, "iñaki"))),
                             rtcp.SourceChunk(5678, ((5, "somewhere œæ€"),))))),
    ("81ca0003 11223344 05026162 00000000",
     rtcp.SourceDescription((rtcp.SourceChunk(0x11223344, ((5, "ab"),)),))),
    ("82cb0006 624276e0 2624670e 0e486173 7461206c 61207669 73746100",
     rtcp.Bye((0x624276E0, 0x2624670E))),
    ("81cd0003 00000001 0330bdee 0b8f0003", rtcp.Nack(1, 0x0330BDEE, (2959, 2960, 2961))),
    ("81ce0002 00000001 0330bdee", rtcp.Pli(1, 0x0330BDEE)),
    ("84ce0004 fa17fa17 00000000 02d03702 04000000", rtcp.Fir(0xFA17FA17, (0x02D03702,), 4)),
    ("8fce0006 fa17fa17 00000000 52454d42 0201df82 02d03702 04a76747",
     rtcp.Remb(0xFA17FA17, 122_754, (0x02D03702, 0x04A76747))),
    ("afcd0005 fa17fa17 43032fa0 00990001 3de80217 20019401",
     TransportFeedback(0xFA17FA17, 0x43032FA0, 153, 1, 4_057_090, 23, (0,), (148,))),
]  # fmt: skip


@pytest.mark.parametrize("message", EVERY_KIND, ids=lambda message: type(message).__name__)
def test_what_we_write_we_read(message: rtcp.Message) -> None:
    data = message.to_bytes()
    assert len(data) % 4 == 0
    assert rtcp.parse(data) == rtcp.ParsedCompound([message], malformed=False)


def test_a_compound_is_all_its_members() -> None:
    data = b"".join(message.to_bytes() for message in EVERY_KIND)
    assert rtcp.parse(data) == rtcp.ParsedCompound(EVERY_KIND, malformed=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("81ce0002 00000001 0000000a", rtcp.Pli(1, 10)),
        ("84ce0004 00000001 00000000 0000000a 07000000", rtcp.Fir(1, (10,), 7)),
        ("81cd0003 00000001 0000000a 000a8001", rtcp.Nack(1, 10, (10, 11, 26))),
        ("81cd0003 00000001 0000000a ffff0003", rtcp.Nack(1, 10, (65_535, 0, 1))),
        ("81c90007 00000001 bc5e9a40 80fffffb 000100ff 00000005 00000000 00000000",
         rtcp.ReceiverReport(1, (rtcp.ReportBlock(0xBC5E9A40, 128, -5, 0x000100FF, 5, 0, 0),))),
        ("8fce0005 00000001 00000000 52454d42 010a5a98 0000000a", rtcp.Remb(1, 0x25A98 << 2, (10,))),
        ("81cb0001 0000000a", rtcp.Bye((10,))),
        ("81cb0003 0000000a 04676f6e 65000000", rtcp.Bye((10,))),  # with a reason
        ("81ca0002 0000000a 01016100", rtcp.SourceDescription((rtcp.SourceChunk(10, ((1, "a"),)),))),
    ],
)  # fmt: skip
def test_known_bytes(text: str, message: rtcp.Message) -> None:
    assert rtcp.parse(bytes.fromhex(text)) == rtcp.ParsedCompound([message], malformed=False)


@pytest.mark.parametrize(
    "text",
    [
        "80cc0002 00000001 6e616d65",  # APP
        "9ecd0003 00000001 0000000a 00000000",  # RTP feedback of a format that nobody uses
        "8fce0003 00000001 00000000 58595a21",  # application feedback that is not REMB
        "80cf0001 00000001",  # XR
        "80d00000",
        "82ce0003 00000001 0000000a 00000000",  # SLI
    ],
)
def test_unknown_members_are_skipped(text: str) -> None:
    pli = rtcp.Pli(1, 2)
    assert rtcp.parse(bytes.fromhex(text) + pli.to_bytes()) == rtcp.ParsedCompound([pli], malformed=False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "81c8",
        "41c80000",  # version 1
        "80c90002 00000001",  # the length lies
        "81c90001 00000001",  # the count lies: no block
        "80c80001 00000001",
        "82cb0001 00000001",
        "81ca0000",
        "81ca0001 00000001",
        "81ca0002 00000001 01ff6161",
        "82ca0002 00000001 01016100",
        "81cd0001 00000001",
        "81cd0003 00000001 0000000a 00",  # half an entry
        "81ce0001 00000001",
        "84ce0002 00000001 00000000",  # FIR of nobody
        "8fce0004 00000001 00000000 52454d42 ff000000",  # 255 SSRCs, none there: the stock parser raises
        "8fce0003 00000001 00000000 52454d42",
        "a1cb0001 000000ff",  # padding longer than the packet
        "a1cb0001 00000000",  # padding 0
        "a1cb0001 00000003",  # padding not in words
        "a0cb0000",
    ],
)
def test_malformed_members_end_the_compound(text: str) -> None:
    pli = rtcp.Pli(1, 2)
    assert rtcp.parse(pli.to_bytes() + bytes.fromhex(text)).messages[:1] == [pli]
    assert rtcp.parse(bytes.fromhex(text)) == rtcp.ParsedCompound([], malformed=True)


@pytest.mark.parametrize(("text", "message"), FOREIGN_VECTORS)
def test_vectors_of_others_give_the_same_fields(text: str, message: rtcp.Message) -> None:
    assert rtcp.parse(bytes.fromhex(text)) == rtcp.ParsedCompound([message], malformed=False)


@pytest.mark.parametrize(("text", "message"), FOREIGN_VECTORS)
def test_a_compound_of_reduced_size_may_begin_with_anything(text: str, message: rtcp.Message) -> None:
    """RFC 5506: feedback need not follow a report."""
    pli = rtcp.Pli(1, 2)
    data = bytes.fromhex(text) + pli.to_bytes()
    assert rtcp.parse(data) == rtcp.ParsedCompound([message, pli], malformed=False)


def test_padding_is_taken_off() -> None:
    assert rtcp.parse(bytes.fromhex("a1cb0002 0000000a 00000004")).messages == [rtcp.Bye((10,))]


def test_a_repeated_nack_names_each_number_once() -> None:
    """361 times the same 17 numbers in one packet would otherwise be 6,137 retransmissions."""
    data = pack("!BBHII", 0x81, 205, 2 + 361, 1, 2) + pack("!HH", 1_000, 0xFFFF) * 361
    (nack,) = rtcp.parse(data).messages
    assert isinstance(nack, rtcp.Nack)
    assert nack.sequence_numbers == tuple(range(1_000, 1_017))


def test_markup_in_a_description_is_just_text() -> None:
    chunk = rtcp.SourceChunk(1, ((1, "<script>"),))
    (description,) = rtcp.parse(rtcp.SourceDescription((chunk,)).to_bytes()).messages
    assert isinstance(description, rtcp.SourceDescription)
    assert description.chunks[0].cname == "<script>"
    assert rtcp.SourceChunk(1, ((2, "x"),)).cname is None


def test_remb_rounds_down() -> None:
    (remb,) = rtcp.parse(rtcp.Remb(1, 1_234_567_891, (2,)).to_bytes()).messages
    assert isinstance(remb, rtcp.Remb)
    assert 0 <= 1_234_567_891 - remb.bitrate_bps < 1_234_567_891 / 2**17


@settings(deadline=None)
@given(st.lists(st.integers(0, 65_535), unique=True, max_size=100))
def test_a_nack_carries_any_numbers(numbers: list[int]) -> None:
    (nack,) = rtcp.parse(rtcp.Nack(1, 2, tuple(numbers)).to_bytes()).messages
    assert isinstance(nack, rtcp.Nack)
    assert set(nack.sequence_numbers) == set(numbers)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_never_raise(data: bytes) -> None:
    rtcp.parse(data)


@settings(deadline=None)
@given(st.integers(0, 31), st.integers(199, 208), st.binary(max_size=120), st.integers(-2, 2), st.booleans())
def test_random_bodies_never_raise(count: int, kind: int, body: bytes, lie: int, padded: bool) -> None:
    words = max(0, len(body) // 4 + lie)
    rtcp.parse(pack("!BBH", 0x80 | 0x20 * padded | count, kind, words) + body)


@settings(deadline=None)
@given(st.sampled_from(EVERY_KIND), st.data())
def test_truncated_members_are_malformed(message: rtcp.Message, data: st.DataObject) -> None:
    whole = message.to_bytes()
    cut = data.draw(st.integers(0, len(whole) - 1))
    assert rtcp.parse(whole[:cut]) == rtcp.ParsedCompound([], malformed=True)


def test_the_stock_library_reads_what_we_write() -> None:
    data = b"".join(
        message.to_bytes() for message in EVERY_KIND if not isinstance(message, rtcp.SourceDescription)
    )
    sr, rr, _, bye, nack, pli, _, remb, _ = aiortc_rtp.RtcpPacket.parse(data)
    assert (sr.sender_info.ntp_timestamp, sr.sender_info.rtp_timestamp) == (0xE0000000_80000000, 90_000)
    assert (rr.reports[0].packets_lost, rr.reports[0].dlsr) == (1_000, 65_536)
    assert bye.sources == [1, 2]
    assert (nack.fmt, {number % 65_536 for number in nack.lost}) == (1, {0, 5, 40, 100, 65_535})
    assert (pli.fmt, pli.media_ssrc) == (1, 2)
    assert aiortc_rtp.unpack_remb_fci(remb.fci) == (262_143 << 4, [3, 4])


def test_a_nack_for_everything_is_read_as_far_as_a_sender_remembers() -> None:
    (nack,) = rtcp.parse(rtcp.Nack(1, 2, tuple(range(6000))).to_bytes()).messages
    assert isinstance(nack, rtcp.Nack)
    assert nack.sequence_numbers == tuple(range(len(nack.sequence_numbers)))
    assert rtcp.MOST_NACKED <= len(nack.sequence_numbers) < rtcp.MOST_NACKED + 17
