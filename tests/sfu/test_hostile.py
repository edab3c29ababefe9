"""Datagrams from strangers and from hostile participants. A call runs beside each: it must not notice.

The ids in brackets are those of the catalogue of threats that the project keeps.
"""

import asyncio
import contextlib
import logging
import random
import socket
from collections.abc import AsyncIterator, Iterator

import pytest
from aioice import stun
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport

from sfu import rtcp
from sfu.rtp import RtpPacket
from tests.sfu.calls import LightPublisher, LightSubscriber, light
from tests.sfu.clients import MEETING, Server, running_node, until
from tests.sfu.lightpeer import LightPeer
from tests.sfu.packets import video_packet

CAMERA, MICROPHONE = ("alice", "camera"), ("alice", "microphone")
BAD_HELLO_BODY = bytes.fromhex("fefd") + bytes(range(32)) + bytes.fromhex("0000000200000100")


def bad_hello() -> bytes:
    """A ClientHello that offers TLS_NULL_WITH_NULL_NULL alone."""
    length = len(BAD_HELLO_BODY).to_bytes(3, "big")
    handshake = b"\x01" + length + bytes(5) + length + BAD_HELLO_BODY
    return bytes.fromhex("16fefd0000000000000000") + len(handshake).to_bytes(2, "big") + handshake


class Call:
    """Alice is seen and heard by Bob."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.alice, self.bob = LightPublisher(), LightSubscriber()

    async def goes_on(self) -> None:
        """Ten more frames and sounds arrive, whole."""
        before = len(self.bob.packets(*CAMERA)), len(self.bob.packets(*MICROPHONE))
        await self.alice.send_frames(10)
        await until(
            lambda: (
                len(self.bob.packets(*CAMERA)) >= before[0] + 20
                and len(self.bob.packets(*MICROPHONE)) >= before[1] + 10
            )
        )


@contextlib.asynccontextmanager
async def call() -> AsyncIterator[Call]:
    async with running_node() as server:
        one = Call(server)
        async with light(one.alice, one.bob):
            await one.alice.join(server, "p1", "alice")
            await one.bob.want(server, "s1", CAMERA, MICROPHONE)
            await one.goes_on()
            yield one
            await one.goes_on()


@contextlib.contextmanager
def stranger() -> Iterator[socket.socket]:
    """A socket the node knows nothing of."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        yield sock


def heard(sock: socket.socket) -> int:
    """How many bytes have come back."""
    total = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            total += len(sock.recv(65536))
    return total


@pytest.fixture(autouse=True)
def _no_traceback(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]


async def test_unauthenticated_checks_teach_nothing() -> None:
    """[ICE-02] No integrity, a wrong key, attributes behind the integrity."""
    async with call() as one:
        addresses = (await one.server.node.stats())["addresses"]
        wrong = LightPeer()
        wrong.remote_ufrag, wrong.remote_password = one.alice.remote_ufrag, "x" * 24
        bare = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        bare.attributes["USERNAME"] = f"{one.alice.remote_ufrag}:abcd"
        with stranger() as sock:
            for data in (bytes(bare), bytes(wrong.check()), bytes(wrong.check(USERNAME="nobody:abcd"))):
                sock.sendto(data, one.alice.server)
            await until(lambda: one.server.drops["stun_unauthenticated"] == 2)
            await until(lambda: one.server.drops["stun_user_unknown"] == 1)
            assert heard(sock) == 0
        wrong.socket.close()
        assert (await one.server.node.stats())["addresses"] == addresses


async def test_attributes_behind_the_integrity_are_ignored() -> None:
    """[ICE-02] Who can replay a check must not nominate with it."""
    async with call() as one:
        mover = one.bob.check(use_candidate=False)
        data = bytes(mover)
        without = data[:-8]
        forged = without + (0x0025).to_bytes(2, "big") + bytes(2)
        length = len(forged) - 20
        forged = forged[:2] + length.to_bytes(2, "big") + forged[4:]
        with stranger() as sock:
            sock.sendto(forged, one.bob.server)
            await asyncio.sleep(0.1)
            before = heard(sock)
            await one.goes_on()
            assert heard(sock) == 0, f"media went to the forger ({before} bytes answered the check)"


@pytest.mark.parametrize(
    "attribute",
    ["00240002aaaa0000", "802800010a000000", "80290003aaaaaa00", "000c0000", "00060003ffffff00", "7fff0000"],
)
async def test_malformed_checks_are_counted(attribute: str) -> None:
    """[ICE-04] Attributes of wrong length, names not in UTF-8, unknown attributes that are mandatory."""
    async with call() as one:
        body = bytes.fromhex(attribute)
        head = bytes.fromhex("0001") + len(body).to_bytes(2, "big") + bytes.fromhex("2112a442") + bytes(12)
        before = one.server.drops["stun_malformed"]
        with stranger() as sock:
            sock.sendto(head + body, one.alice.server)
            await until(lambda: one.server.drops["stun_malformed"] == before + 1)
            assert heard(sock) == 0


async def test_empty_and_short_datagrams_do_nothing() -> None:
    """[ICE-06] From a stranger and from the nominated address, during the handshake and after it."""
    async with call() as one:
        late = LightSubscriber()
        async with light(late):
            offer = (
                await one.server.node.subscribe(MEETING, "s2", [{"owner": "alice", "source": "camera"}])
            )["sdp"]
            await one.server.node.answer("s2", late.answer(offer))
            late.use(offer)
            await late.prove_address()
            with stranger() as sock:
                for length in range(20):
                    for first in (0, 22, 128):
                        data = bytes((first,)).ljust(length, b"\0")[:length]
                        sock.sendto(data, one.alice.server)
                        late.send(data)
                        one.alice.send(data)
                await asyncio.sleep(0.1)
                assert heard(sock) == 0
            await late.connect(offer)
        assert one.server.drops["too_short"] > 50


async def test_every_first_byte_is_told_apart() -> None:
    """[ICE-07] RFC 7983, from a stranger and from a participant."""
    async with call() as one:
        with stranger() as sock:
            for first in range(256):
                for length in (1, 12, 100, 1472, 9000 if first % 16 else 65_507):
                    data = bytes((first,)).ljust(length, b"\x07")
                    sock.sendto(data, one.alice.server)
                    if first not in range(20, 64):
                        one.alice.send(data)
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.1)
            assert heard(sock) == 0
        assert one.server.drops["address_unknown"] > 1000
        assert one.server.drops["protocol_unknown"] > 500
        assert one.server.drops["srtp_unauthenticated"] > 100


async def test_a_stranger_gets_no_answer_to_a_hello() -> None:
    """[ICE-08] Nothing comes out for what was not authenticated."""
    async with call() as one:
        with stranger() as sock:
            for _ in range(200):
                sock.sendto(bad_hello(), one.alice.server)
                sock.sendto(bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST)), one.alice.server)
            await until(lambda: one.server.drops["address_unknown"] >= 200)
            assert heard(sock) == 0


async def test_a_participant_keeps_at_most_eight_addresses() -> None:
    """[ICE-12] The nominated one is never given up."""
    async with call() as one:
        data = bytes(one.bob.check(use_candidate=False))
        for _ in range(100):
            with stranger() as sock:
                sock.sendto(data, one.bob.server)
                await asyncio.sleep(0.002)
        stats = await one.server.node.stats()
        assert stats["peers"]["s1"]["addresses"] == 8
        assert stats["addresses"] == 9
        assert 90 <= one.server.drops["address_limit"] <= 93


async def test_media_follows_the_nominated_address() -> None:
    """[ICE-10] A new address by an authenticated check: same keys, nothing more to the old one."""
    async with call() as one:
        for _ in range(10):
            one.bob.move()
            await one.bob.prove_address()
            await one.goes_on()


async def test_an_address_of_another_cannot_be_taken() -> None:
    """A participant's check with the spoofed source of another's leaves the packets where they are."""
    async with call() as one:
        one.bob.send(bytes(one.alice.check()))
        await until(lambda: one.server.drops["address_limit"] == 1)


async def test_hellos_of_strangers_do_not_disturb_handshakes() -> None:
    """[DTLS-01] At sixty moments between the answer and the end of the handshake."""
    moments = random.Random(7)
    async with call() as one:
        for number in range(60):
            peer = LightSubscriber(silent=True)
            async with light(peer):
                with stranger() as sock:
                    loop = asyncio.get_running_loop()
                    for _ in range(3):
                        loop.call_later(moments.uniform(0, 0.03), sock.sendto, bad_hello(), one.alice.server)
                    await peer.want(one.server, f"d{number}", CAMERA)
                    assert heard(sock) == 0
        assert one.server.drops["address_unknown"] >= 100


async def test_a_certificate_that_was_not_announced_ends_the_connection() -> None:
    """[DTLS-03] No media, and both ends know within a second."""
    async with call() as one:
        mallory = LightSubscriber()
        mallory.dtls = RTCDtlsTransport(mallory._path, [RTCCertificate.generateCertificate()])  # type: ignore[arg-type]
        async with light(mallory):
            with contextlib.suppress(AssertionError):
                await mallory.want(one.server, "m1", CAMERA)
            await until(lambda: ("failed", "dtls_identity") in one.server.states("m1"), within_s=1)
            await until(lambda: mallory.dtls.state == "closed", within_s=1)
            assert not mallory.rtp
            assert "m1" not in (await one.server.node.stats())["peers"]


async def test_a_silent_peer_is_let_go() -> None:
    """[ICE-15, DTLS-08] Who sends media but no checks loses consent; who never shakes hands is not kept."""
    async with call() as one:
        peer = LightSubscriber()
        async with light(peer):
            await peer.want(one.server, "s2", CAMERA)
            await one.server.node.subscribe(MEETING, "s3", [{"owner": "alice", "source": "camera"}])
            peers = one.server.node._peers
            peers["s2"].transport.ice.last_check -= 31
            peers["s3"].transport._deadline -= 31
            await until(lambda: ("closed", "consent_expired") in one.server.states("s2"))
            await until(lambda: ("failed", "handshake_timeout") in one.server.states("s3"))
            stats = await one.server.node.stats()
            assert set(stats["peers"]) == {"p1", "s1"}
            assert stats["ufrags"] == 2


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
    """[RTP-02] The packet may pass or be dropped; nothing closes."""
    async with call() as one:
        for _ in range(5):
            packet = one.alice.frame(1)[0]
            one.alice.send_rtp(b"\x90" + packet[1:12] + bytes.fromhex(extension) + packet[12:])


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


async def test_ssrcs_of_others_reach_nobody() -> None:
    """[RTP-04, RTCP-06] The same SSRC, mid or payload type on another connection is another stream."""
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
            assert one.server.node._peers["p1"].router.publications[CAMERA].clock is None  # type: ignore[index]


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


async def test_data_channels_are_refused_and_their_bytes_ignored() -> None:
    """[SCTP-04] The section is rejected; what comes as DTLS application data is dropped."""
    async with call() as one:
        peer = LightPublisher()
        async with light(peer):
            offer = peer.offer({"video": (5, 6)})
            application = (
                "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:data\r\n"
            )
            application += "a=sctp-port:5000\r\n"
            answer = await one.server.node.publish(
                MEETING, "p2", "eve", offer + application, {"video": "camera"}
            )
            assert "m=application 0 " in answer["sdp"]
            await peer.connect(answer["sdp"])
            for _ in range(100):
                await peer.dtls._send_data(
                    bytes.fromhex("1388138800000001") + bytes(4) + bytes.fromhex("0400000800010000")
                )
            await asyncio.sleep(0.1)
            assert one.server.node._peers["p2"].transport.state == "connected"


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
