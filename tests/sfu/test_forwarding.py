"""What a subscriber gets, packet by packet: numbering, repair, keyframes, mute."""

import asyncio
import time
from itertools import pairwise

import pytest

from sfu import rtcp
from sfu.codecs.vp8 import parse_descriptor
from sfu.errors import PeerError
from sfu.rtp import RtpPacket, timestamp_difference
from tests.sfu.calls import LightPublisher, LightSubscriber, light
from tests.sfu.clients import MEETING, running_node, until

CAMERA, MICROPHONE = ("alice", "camera"), ("alice", "microphone")


def steps(packets: list[RtpPacket]) -> list[int]:
    """How each sequence number follows the one before."""
    numbers = [packet.sequence_number for packet in packets]
    return [((later - number + 0x8000) & 0xFFFF) - 0x8000 for number, later in pairwise(numbers)]


async def test_a_track_is_known_by_its_mid_where_no_ssrc_is_announced() -> None:
    alice, bob = LightPublisher(), LightSubscriber()
    sources = {"video1": "camera", "video2": "screen"}
    async with running_node() as server, light(alice, bob):
        answer = await server.node.publish(
            MEETING, "p1", "alice", alice.offer({"video1": (), "video2": ()}), sources
        )
        await alice.connect(answer["sdp"])
        await bob.want(server, "s1", CAMERA, ("alice", "screen"))
        packet = alice.frame(1)[0]
        mid = bytes.fromhex("bede0002") + b"\x45video2" + bytes(1)
        alice.send_rtp(b"\x90" + packet[1:12] + mid + packet[12:])
        assert await until(lambda: bob.packets("alice", "screen"))
        assert not bob.packets(*CAMERA)


async def test_numbers_go_on_when_the_source_changes() -> None:
    alice, carol, bob = LightPublisher(), LightPublisher(100), LightSubscriber()
    async with running_node() as server, light(alice, carol, bob):
        await alice.join(server, "p1", "alice")
        await carol.join(server, "p2", "carol")
        carol.picture = 700
        await bob.want(server, "s1", CAMERA)
        await alice.send_frames(10)
        await until(lambda: len(bob.packets(*CAMERA)) == 20)
        await bob.want(server, "s1", ("carol", "camera"))
        await carol.send_frames(10)
        packets = await until(lambda: len(found := bob.packets("carol", "camera")) == 40 and found)
        assert bob.offers == 1
        assert set(steps(packets)) == {1}
        assert 0 < timestamp_difference(packets[20].timestamp, packets[19].timestamp) < 90_000
        pictures = [parse_descriptor(one.data, one.payload_start, one.payload_end) for one in packets]
        assert (pictures[20].picture_id or 0) - (pictures[19].picture_id or 0) == 1
        assert (pictures[20].tl0picidx or 0) - (pictures[19].tl0picidx or 0) == 1


async def test_a_burst_of_unequal_packets_arrives_whole() -> None:
    alice, bob = LightPublisher(), LightSubscriber()
    async with running_node() as server, light(alice, bob):
        await alice.join(server, "p1", "alice")
        await bob.want(server, "s1", CAMERA)
        lengths = (1100, 1099, 1050, 400, 1100, 1100, 60)
        for length in lengths:
            alice.send_rtp(alice.frame(1, keyframe=alice.picture == 0, length=length)[0])
        packets = await until(lambda: len(found := bob.packets(*CAMERA)) == len(lengths) and found)
        assert set(steps(packets)) == {1}
        assert [one.payload_end - one.payload_start for one in packets] == [length - 12 for length in lengths]


async def test_losses_on_the_way_to_the_subscriber_are_repaired_from_history() -> None:
    alice, bob = LightPublisher(), LightSubscriber()
    async with running_node() as server, light(alice, bob):
        await alice.join(server, "p1", "alice")
        await bob.want(server, "s1", CAMERA)
        count = iter(range(10**6))
        bob.lose = lambda data: data[0] >= 128 and data[1] & 0x7F == 96 and next(count) % 10 == 9
        await alice.send_frames(50)
        ssrc, rtx_ssrc = bob.ssrcs[bob.slots[CAMERA]]
        await until(lambda: len(bob.packets(*CAMERA)) == 90)
        packets = bob.packets(*CAMERA)
        missing = [
            one.sequence_number + 1 for one, step in zip(packets, steps(packets), strict=False) if step > 1
        ]
        numbers = tuple(number & 0xFFFF for number in missing)
        bob.send_rtcp(rtcp.Nack(1, ssrc, numbers).to_bytes())

        def repaired() -> set[int]:
            parsed = [RtpPacket.parse(data) for data in bob.rtp]
            again = [one for one in parsed if one.ssrc == rtx_ssrc]
            return {int.from_bytes(one.data[one.payload_start :][:2], "big") for one in again}

        await until(lambda: repaired() == set(numbers))
        assert len(numbers) >= 9


async def test_a_publishers_losses_are_asked_for_and_restored_from_its_retransmissions() -> None:
    alice, bob = LightPublisher(), LightSubscriber()
    async with running_node() as server, light(alice, bob):
        await alice.join(server, "p1", "alice")
        await bob.want(server, "s1", CAMERA)
        packets = [alice.frame(1, keyframe=index == 0)[0] for index in range(20)]
        for index, packet in enumerate(packets):
            if index != 12:
                alice.send_rtp(packet)
        lost = RtpPacket.parse(packets[12])
        asked = await until(lambda: [one for one in alice.rtcp if isinstance(one, rtcp.Nack)])
        assert asked[0].sequence_numbers == (lost.sequence_number,)
        assert asked[0].media_ssrc == alice.video_ssrc
        head = bytearray(packets[12][:12])
        head[1] = head[1] & 0x80 | 97
        head[8:12] = alice.rtx_ssrc.to_bytes(4, "big")
        alice.send_rtp(bytes(head) + packets[12][2:4] + packets[12][12:])
        got = await until(lambda: len(found := bob.packets(*CAMERA)) == 20 and found)
        assert got[-1].data[got[-1].payload_start :] == packets[12][12:]
        assert len({one.sequence_number for one in got}) == 20


async def test_repeated_nacks_do_not_amplify() -> None:
    alice, bob = LightPublisher(), LightSubscriber()
    async with running_node() as server, light(alice, bob):
        await alice.join(server, "p1", "alice")
        await bob.want(server, "s1", CAMERA)
        await alice.send_frames(60)
        packets = await until(lambda: len(found := bob.packets(*CAMERA)) == 120 and found)
        before = bob.received
        ssrc = bob.ssrcs[bob.slots[CAMERA]][0]
        first = packets[-17].sequence_number
        entry = first.to_bytes(2, "big") + b"\xff\xff"
        body = (1).to_bytes(4, "big") + ssrc.to_bytes(4, "big") + entry * 300
        bob.send_rtcp(bytes((0x81, 205)) + (len(body) // 4).to_bytes(2, "big") + body)
        await asyncio.sleep(0.2)
        assert bob.received - before <= 17 + 3
        for _ in range(100):
            bob.send_rtcp(rtcp.Nack(1, ssrc, tuple(one.sequence_number for one in packets)).to_bytes())
        await asyncio.sleep(0.3)
        subscription = (await server.node.peer_stats("s1"))["slots"][bob.slots[CAMERA]]
        assert subscription["resent"] <= 17 + 3 * 120
        assert server.drops["nack_repeated"] > 1000
        await alice.send_frames(3, keyframe_first=False)
        await until(lambda: len(bob.packets(*CAMERA)) == 126)


async def test_fifty_newcomers_cost_one_keyframe_request_in_half_a_second() -> None:
    alice, *others = LightPublisher(), *(LightSubscriber(silent=True) for _ in range(50))
    async with running_node() as server, light(alice, *others):
        await alice.join(server, "p1", "alice")
        await alice.send_frames(1)
        start = time.monotonic()
        await asyncio.gather(*(one.want(server, f"s{index}", CAMERA) for index, one in enumerate(others)))
        ssrcs = [one.ssrcs[one.slots[CAMERA]][0] for one in others]
        for _ in range(20):
            for one, ssrc in zip(others, ssrcs, strict=True):
                one.send_rtcp(rtcp.Pli(1, ssrc).to_bytes())
            await asyncio.sleep(0.01)
        elapsed = time.monotonic() - start
        requests = [one for one in alice.rtcp if isinstance(one, rtcp.Pli)]
        assert 1 <= len(requests) <= elapsed / 0.5 + 1
        assert server.drops["keyframe_request_merged"] > 100


async def test_a_muted_track_passes_nothing_from_the_next_packet_on() -> None:
    alice, bob = LightPublisher(), LightSubscriber()
    async with running_node() as server, light(alice, bob):
        await alice.join(server, "p1", "alice")
        await bob.want(server, "s1", CAMERA, MICROPHONE)
        await alice.send_frames(5)
        await until(lambda: len(bob.packets(*MICROPHONE)) == 5 and len(bob.packets(*CAMERA)) == 10)
        await server.node.pause(MEETING, *MICROPHONE, paused=True)
        await server.node.pause(MEETING, *CAMERA, paused=True)
        await alice.send_frames(5)
        await until(lambda: server.drops["paused"] == 15)
        assert (len(bob.packets(*MICROPHONE)), len(bob.packets(*CAMERA))) == (5, 10)
        await server.node.pause(MEETING, *MICROPHONE, paused=False)
        await server.node.pause(MEETING, *CAMERA, paused=False)
        await alice.send_frames(5)
        await until(lambda: len(bob.packets(*MICROPHONE)) == 10 and len(bob.packets(*CAMERA)) == 20)
        assert set(steps(bob.packets(*MICROPHONE))) | set(steps(bob.packets(*CAMERA))) == {1}


async def test_a_mute_outlives_the_publication() -> None:
    alice = LightPublisher()
    async with running_node() as server, light(alice):
        await server.node.pause(MEETING, *MICROPHONE, paused=True)
        await alice.join(server, "p1", "alice")
        await alice.send_frames(3)
        await until(lambda: server.drops["paused"] == 3)
        await server.node.close_peer("p1")
        again = LightPublisher()
        async with light(again):
            await again.join(server, "p2", "alice")
            await again.send_frames(3)
            await until(lambda: server.drops["paused"] == 6)


async def test_sender_reports_tie_the_subscribers_clock_to_the_publishers() -> None:
    alice, bob = LightPublisher(), LightSubscriber()
    async with running_node() as server, light(alice, bob):
        await alice.join(server, "p1", "alice")
        await bob.want(server, "s1", CAMERA, MICROPHONE)
        await alice.send_frames(3)
        for ssrc, timestamp in ((alice.video_ssrc, 9000), (alice.audio_ssrc, 4800)):
            alice.send_rtcp(rtcp.SenderReport(ssrc, 100 << 32, timestamp, 1, 1).to_bytes())
        ssrcs = {bob.ssrcs[bob.slots[CAMERA]][0], bob.ssrcs[bob.slots[MICROPHONE]][0]}

        def reports() -> dict[int, rtcp.SenderReport]:
            return {one.ssrc: one for one in bob.rtcp if isinstance(one, rtcp.SenderReport)}

        await until(lambda: set(reports()) == ssrcs)
        for report in reports().values():
            assert 0 <= report.ntp - (100 << 32) < 3 << 32
        chunks = [one.chunks[0] for one in bob.rtcp if isinstance(one, rtcp.SourceDescription)]
        assert len({chunk.cname for chunk in chunks}) == 1


async def test_a_receivers_report_is_read() -> None:
    alice, bob = LightPublisher(), LightSubscriber()
    async with running_node() as server, light(alice, bob):
        await alice.join(server, "p1", "alice")
        await bob.want(server, "s1", CAMERA)
        ssrc = bob.ssrcs[bob.slots[CAMERA]][0]
        bob.send_rtcp(rtcp.ReceiverReport(1, (rtcp.ReportBlock(ssrc, 64, 1, 1, 0, 0, 0),)).to_bytes())
        subscription = server.node._peers["s1"]._places[0].subscription  # type: ignore[attr-defined]
        await until(lambda: subscription.stats()["fraction_lost"] == 0.25)


async def test_publishers_hear_how_much_they_may_send() -> None:
    alice = LightPublisher()
    async with running_node() as server, light(alice):
        await alice.join(server, "p1", "alice")
        await alice.send_frames(3)
        remb = await until(lambda: [one for one in alice.rtcp if isinstance(one, rtcp.Remb)])
        assert 3_500_000 <= remb[-1].bitrate_bps <= 3_700_000
        blocks = await until(
            lambda: [
                block.ssrc
                for one in alice.rtcp
                if isinstance(one, rtcp.ReceiverReport)
                for block in one.blocks
            ]
        )
        assert set(blocks) <= {alice.video_ssrc, alice.audio_ssrc}


async def test_requests_that_cannot_be_served_change_nothing() -> None:
    alice, bob = LightPublisher(), LightSubscriber()
    async with running_node() as server, light(alice, bob):
        await alice.join(server, "p1", "alice")
        offer = alice.offer({"audio": (5,)})
        with pytest.raises(PeerError) as taken:
            await server.node.publish(MEETING, "p9", "alice", offer, {"audio": "microphone"})
        with pytest.raises(PeerError) as unknown:
            await server.node.publish(MEETING, "p9", "eve", offer, {"audio": "camera"})
        with pytest.raises(PeerError) as nobody:
            await server.node.answer("s9", "v=0")
        await server.node.subscribe(MEETING, "s1", [])
        with pytest.raises(PeerError) as nothing:
            await server.node.answer("s1", "v=0")
        codes = [error.value.code for error in (taken, unknown, nobody, nothing)]
        assert codes == ["source_taken", "source_unknown", "peer_unknown", "no_offer_pending"]
        assert set(server.node._peers) == {"p1", "s1"}
