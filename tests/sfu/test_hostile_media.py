"""Packets of hostile participants, with valid keys or damaged. A call runs beside each: it must not notice.

The ids in brackets are those of the catalogue of threats that the project keeps.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import ClassVar

import pytest

from sfu import rtcp
from sfu.mux import BATCH
from sfu.negotiation import (
    ABS_SEND_TIME_URI,
    AUDIO_LEVEL_URI,
    MID_URI,
    REPAIRED_RID_URI,
    RID_URI,
    TRANSPORT_WIDE_CC_URI,
)
from sfu.receiver import NACKED_BURST
from sfu.rtp import RtpPacket
from sfu.transport import BYTES_BURST, BYTES_PER_S
from sfu.transport_feedback import TransportFeedback
from tests.sfu.calls import CAMERA, SOURCES, LightPublisher, call, light
from tests.sfu.clients import MEETING, running_node, until
from tests.sfu.packets import video_packet

pytestmark = pytest.mark.usefixtures("no_traceback")


async def test_damaged_srtp_is_counted() -> None:
    """[SRTP-02] Plain, truncated, with lying headers, unprotected RTCP, repeated."""
    async with call() as one:
        good = one.alice.dtls._tx_srtp.protect(one.alice.frame(1)[0])
        for data in (good[:-1], good[:20], b"\x8f" + good[1:], b"\x90" + good[1:], good[:12] + bytes(40)):
            for _ in range(100):
                one.alice.send(data)
        one.alice.send(one.alice.sound())
        one.alice.send(rtcp.Pli(1, 2).to_bytes())
        one.alice.send(good)
        one.alice.send(good)
        await until(lambda: one.server.drops["srtp_unauthenticated"] >= 500)
        await until(lambda: one.server.drops["srtp_replayed"] >= 1)


async def test_unauthenticated_ssrcs_take_no_place() -> None:
    """[SRTP-05] Whatever a packet claims before it is authenticated is not remembered."""
    async with call() as one:
        tracked = one.server.node._peers["p1"].transport._tracked
        before = set(tracked)
        for ssrc in range(2000):
            one.alice.send(video_packet(1, 1, 50_000 + ssrc, 1, 0, 1, 60) + bytes(16))
            if ssrc % 50 == 0:
                await asyncio.sleep(0.001)
        await until(lambda: one.server.drops["srtp_unauthenticated"] >= 2000)
        assert tracked == before


@pytest.mark.parametrize(
    "extension",
    [
        "bede0001116162000000",
        "bede000110610000",
        "bede00010f616200",
        "bede0001f0616200",
        "1000000101ff6162",
        "1000000101000000",
        "bede0000",
    ],
)
async def test_header_extensions_of_wrong_length(extension: str) -> None:
    """[RTP-02] The packet passes without the extension or is dropped as malformed; nothing closes."""
    async with call() as one:
        before = len(one.bob.packets(*CAMERA))
        sent = [one.alice.frame(1)[0] for _ in range(5)]
        for packet in sent:
            one.alice.send_rtp(b"\x90" + packet[1:12] + bytes.fromhex(extension) + packet[12:])
        refused = one.server.drops
        await until(
            lambda: len(one.bob.packets(*CAMERA)) - before + (one.server.drops - refused).total() >= 5
        )
        ends = tuple(packet[12:] for packet in sent)
        assert all(packet.data.endswith(ends) for packet in one.bob.packets(*CAMERA)[before:])


EXTENSIONS = {
    1: AUDIO_LEVEL_URI,
    2: ABS_SEND_TIME_URI,
    3: TRANSPORT_WIDE_CC_URI,
    4: MID_URI,
    5: RID_URI,
    6: REPAIRED_RID_URI,
}
RIGHT_LENGTHS = {1: 1, 2: 3, 3: 2}
NUMBER = 777


class ExtendedPublisher(LightPublisher):
    """Agrees on every header extension that is read of publishers."""

    extensions: ClassVar = EXTENSIONS


def elements_of_wrong_length(identifier: int) -> Iterator[bytes]:
    """In both forms, in whole words; each form's profile comes first."""
    right = {RIGHT_LENGTHS.get(identifier)}
    for length in {1, 2, 3, 4, 16} - right:
        yield b"\xbe\xde" + _whole(bytes((identifier << 4 | length - 1,)) + b"\xff" * length)
    for length in {0, 1, 2, 3, 4, 255} - right:
        yield b"\x10\x00" + _whole(bytes((identifier, length)) + b"\xff" * length)


def _whole(elements: bytes) -> bytes:
    elements += bytes(-len(elements) % 4)
    return (len(elements) // 4).to_bytes(2, "big") + elements


@pytest.mark.parametrize("identifier", EXTENSIONS)
async def test_every_agreed_extension_of_wrong_length(identifier: int) -> None:
    """[RTP-02] Of streams that are known and of one that is not; no arrival is told of what had no number."""
    alice = ExtendedPublisher()
    async with running_node() as server, light(alice):
        await alice.join(server, "p1", "alice")
        numbered = b"\xbe\xde" + _whole(b"\x31" + NUMBER.to_bytes(2, "big"))
        for extension in (*elements_of_wrong_length(identifier), numbered):
            for packet in (alice.sound(), alice.frame(1)[0], video_packet(1, 1, 99, 0, 0, 1, 60)):
                alice.send_rtp(b"\x90" + packet[1:12] + extension + packet[12:])
        (told,) = await until(lambda: [one for one in alice.rtcp if isinstance(one, TransportFeedback)])
        assert (told.base_number, told.received) == (NUMBER, (0,))
        assert server.drops["handler_failed"] == 0
        assert server.states("p1")[-1] == ("connected", "")


async def test_at_most_twenty_ssrcs_are_tracked() -> None:
    """[RTP-03] With valid keys, too."""
    async with call() as one:
        for ssrc in range(1000):
            one.alice.send_rtp(video_packet(1, 1, 50_000 + ssrc, 1, 0, 1, 60))
            if ssrc % 50 == 0:
                await asyncio.sleep(0.001)
        await until(lambda: one.server.drops["ssrc_limit"] >= 900)
        assert len(one.server.node._peers["p1"].transport._tracked) <= 20
        for ssrc in range(100):
            one.alice.send_rtcp(rtcp.Pli(60_000 + ssrc, 1).to_bytes())
        await until(lambda: one.server.drops["ssrc_limit"] >= 1060)


async def test_at_most_twenty_ssrcs_are_bound_by_their_mid() -> None:
    """[RTP-03] What a packet says of itself gives no more places, and takes none from those who are there."""
    eve = LightPublisher()
    async with call() as one, light(eve):
        await eve.join(one.server, "p2", "eve")
        mid = bytes.fromhex("bede0002") + b"\x44video" + bytes(2)
        again = eve.dtls._tx_srtp.protect(eve.frame(1)[0])
        eve.send(again)
        for ssrc in range(1000):
            packet = video_packet(1, 1, 50_000 + ssrc, 1, 0, 1, 60)
            eve.send_rtp(b"\x90" + packet[1:12] + mid + packet[12:])
            if ssrc % 50 == 0:
                await asyncio.sleep(0.001)
        await until(lambda: one.server.drops["ssrc_limit"] >= 980)
        peer = one.server.node._peers["p2"]
        assert len(peer._by_ssrc) == 20  # type: ignore[attr-defined]
        assert len(peer.transport._tracked) <= 20
        eve.send(again)
        await until(lambda: one.server.drops["srtp_replayed"] == 1)


async def test_a_new_description_makes_room_for_what_it_names() -> None:
    """Of the SSRCs that no description names, libsrtp's state goes as well: a repetition is news again."""
    async with call() as one:
        alice = one.alice
        strays = [alice.dtls._tx_srtp.protect(video_packet(1, 1, 50_000 + n, 1, 0, 1, 60)) for n in range(20)]
        for stray in strays:
            alice.send(stray)
        await until(lambda: one.server.drops["ssrc_unknown"] == 17)
        assert one.server.drops["ssrc_limit"] == 3
        alice.video_ssrc, alice.rtx_ssrc = 4001, 4002
        offer = alice.offer({"audio": (alice.audio_ssrc,), "video": (alice.video_ssrc, alice.rtx_ssrc)})
        await one.server.node.publish(MEETING, "p1", "alice", offer, SOURCES)
        alice.send(strays[0])
        await until(lambda: one.server.drops["ssrc_unknown"] == 18)
        assert one.server.drops["srtp_replayed"] == 0


async def test_ssrcs_of_others_reach_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """[RTP-04, RTCP-06] The same SSRC, mid or payload type on another connection is another stream, and told."""
    async with call() as one:
        eve = LightPublisher()
        eve.video_ssrc = 77
        async with light(eve):
            await eve.join(one.server, "p2", "eve")
            before = len(one.bob.rtp)
            mid = bytes.fromhex("bede0002") + b"\x44video" + bytes(2)
            for number in range(50):
                eve.send_rtp(video_packet(number, 1, one.alice.video_ssrc, 0, 0, 1, 300))
                stolen = video_packet(number, 1, 88, 0, 0, 1, 300)
                eve.send_rtp(b"\x90" + stolen[1:12] + mid + stolen[12:])
                eve.send_rtp(b"\x80\x7f" + stolen[2:])
            eve.send_rtcp(rtcp.Bye((one.alice.video_ssrc,)).to_bytes())
            eve.send_rtcp(rtcp.SenderReport(one.alice.video_ssrc, 1, 1, 1, 1).to_bytes())
            await asyncio.sleep(0.2)
            assert len(one.bob.rtp) == before
            assert one.server.node._peers["p1"].router.publications[CAMERA].streams[0].clock is None  # type: ignore[index]
            told = [record.message for record in caplog.records if "sends as" in record.message]
            assert told == [f"Peer(p2) x eve sends as alice: SSRC {one.alice.video_ssrc} (0 more not shown)"]


async def test_padding_and_retransmissions_that_make_no_sense() -> None:
    """[RTP-05] Padding alone, too long, of length 0; retransmissions of nothing."""
    async with call() as one:
        alice = one.alice
        for tail in (bytes(9) + b"\x0a", b"\xff", b"\x00", bytes(300) + b"\xff"):
            packet = alice.frame(1)[0]
            alice.send_rtp(b"\xa0" + packet[1:12] + tail)
        head = bytes((0x80, 97)) + bytes(6) + alice.rtx_ssrc.to_bytes(4, "big")
        for number, payload in enumerate(
            (b"", b"\x01", b"\x01\x02", b"\xff\xff\x00", b"\x01\x02" + bytes(50))
        ):
            alice.send_rtp(head[:2] + number.to_bytes(2, "big") + head[4:] + payload)
        await until(lambda: one.server.drops["rtp_malformed"] >= 2)
        await until(lambda: one.server.drops["rtx_malformed"] >= 1)
        packets = one.bob.packets(*CAMERA)
        assert {RtpPacket.parse(packet.data).ssrc for packet in packets} == {packets[0].ssrc}


RTCP_LIES = [
    "80c80000",
    "81c9ffff00000001",
    "9fc9000100000001",
    "a1c9000100000001000000ff",
    "80cc000300000001414141410000",
    "8fce0004000000010000000052454d42ff000000",
    "81ce000200000001",
    "84ce000300000001000000000000",
    "81cd000200000001000007d1",
    "c0c80000",
]


async def test_lying_rtcp_is_skipped() -> None:
    """[RTCP-02] Lengths, counts, paddings and types that lie, 255 SSRCs that are not there."""
    async with call() as one:
        for lie in RTCP_LIES:
            data = bytes.fromhex(lie).ljust(12, b"\0")
            for peer in (one.alice, one.bob):
                peer.send_rtcp(data)
                peer.send_rtcp(rtcp.ReceiverReport(1).to_bytes() + data)
        await until(lambda: one.server.drops["rtcp_malformed"] > 4)


async def test_a_storm_of_keyframe_requests_is_one_request() -> None:
    """[RTCP-04] A thousand PLI in a second from one receiver."""
    async with call() as one:
        ssrc = one.bob.ssrcs[one.bob.slots[CAMERA]][0]
        before = sum(isinstance(message, rtcp.Pli) for message in one.alice.rtcp)
        for _ in range(100):
            for _ in range(10):
                one.bob.send_rtcp(rtcp.Pli(1, ssrc).to_bytes())
                one.bob.send_rtcp(rtcp.Fir(1, (ssrc,)).to_bytes())
            await asyncio.sleep(0.01)
        requests = sum(isinstance(message, rtcp.Pli) for message in one.alice.rtcp) - before
        assert 1 <= requests <= 5


async def test_rtcp_is_policed_by_what_it_makes_us_do() -> None:
    """[RTCP-03] Long requests for everything, as fast as they can be sent."""
    async with call() as one:
        ssrc = one.bob.ssrcs[one.bob.slots[CAMERA]][0]
        request = rtcp.Nack(1, ssrc, tuple(range(0, 65_000, 220))).to_bytes()
        for number in range(500):
            one.bob.send_rtcp(request)
            if number % 20 == 0:
                await asyncio.sleep(0.005)
        await until(lambda: one.server.drops["rate_limited"] > 200)
        await asyncio.sleep(0.1)


async def test_numbers_asked_for_have_a_budget() -> None:
    """[RTCP-03] A look-up each, at 17 to four bytes: within the bytes that a peer may send there are too many."""
    async with call() as one:
        ssrc = one.bob.ssrcs[one.bob.slots[CAMERA]][0]
        request = rtcp.Nack(1, ssrc, tuple(range(3000, 6000))).to_bytes()
        for _ in range(40):
            one.bob.send_rtcp(request)
        await until(lambda: one.server.drops["nack_over_budget"] > 30_000)
        assert one.server.drops["nack_not_in_history"] <= 2 * NACKED_BURST


async def test_a_flood_of_packets_is_policed() -> None:
    """[RTP-09] More than the budget is dropped; the rest of the worker goes on."""
    async with call() as one:
        eve = LightPublisher()
        async with light(eve):
            await eve.join(one.server, "p2", "eve")
            budget = one.server.node._peers["p2"].transport._packet_budget
            budget.rate = budget.burst = 200
            for number in range(1000):
                eve.send_rtp(eve.sound())
                if number % 50 == 0:
                    await asyncio.sleep(0.001)
            await until(lambda: one.server.drops["rate_limited"] > 300)


async def test_a_hundred_megabits_a_second_cost_the_others_nothing() -> None:
    """[RTP-09] At the real limits; who sends so much keeps what it may send."""
    async with call() as one:
        eve = LightPublisher()
        async with light(eve):
            await eve.join(one.server, "p2", "eve")
            began = time.monotonic()
            flooding = asyncio.create_task(_flood(eve, packets=10_500))
            while not flooding.done():
                await one.goes_on()
            await flooding
            transport = one.server.node._peers["p2"].transport
            allowed = BYTES_BURST + BYTES_PER_S * (time.monotonic() - began)
            assert 0.9 * BYTES_BURST < transport.received_bytes <= allowed
            assert one.server.drops["rate_limited"] > 1000


async def _flood(peer: LightPublisher, packets: int) -> None:
    """100 Mbit/s of packets of 1,200 bytes, each time as many as the gate reads at one wake-up."""
    began = time.monotonic()
    for sent in range(packets):
        peer.send_rtp(peer.frame(parts=1, length=1200)[0])
        if sent % BATCH == 0:
            await asyncio.sleep(max(0.0, began + sent * 1200 * 8 / 100e6 - time.monotonic()))


async def test_a_flood_of_bytes_is_policed() -> None:
    """[RTP-09] Few but long packets count by their length."""
    async with call() as one:
        eve = LightPublisher()
        async with light(eve):
            await eve.join(one.server, "p2", "eve")
            budget = one.server.node._peers["p2"].transport._byte_budget
            budget.rate, budget.burst = 1, 20_000
            for packet in eve.frame(parts=50, length=1000):
                eve.send_rtp(packet)
            await until(lambda: one.server.drops["rate_limited"] >= 25)


async def test_every_section_of_a_receiver_may_report_under_its_own_ssrc() -> None:
    """Firefox does; the sixtieth section's requests count like the first's, after any renegotiation."""
    async with call() as one:
        bob, server = one.bob, one.server
        for ssrc in range(60):
            bob.send_rtcp(rtcp.Pli(70_000 + ssrc, 1).to_bytes())
        merged = server.drops["keyframe_request_merged"]
        media_ssrc = bob.ssrcs[bob.slots[CAMERA]][0]
        for _ in range(3):
            bob.send_rtcp(rtcp.Pli(80_000, media_ssrc).to_bytes())
        await until(lambda: server.drops["keyframe_request_merged"] >= merged + 2)
        for ssrc in range(100):
            bob.send_rtcp(rtcp.Pli(90_000 + ssrc, 1).to_bytes())
        await until(lambda: server.drops["ssrc_limit"] >= 61)
        server.node._peers["s1"].transport.declare_ssrcs([99_999])
        merged = server.drops["keyframe_request_merged"]
        for _ in range(3):
            bob.send_rtcp(rtcp.Pli(99_999, media_ssrc).to_bytes())
        await until(lambda: server.drops["keyframe_request_merged"] >= merged + 2)
