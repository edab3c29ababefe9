"""The node's tables, addresses and ends."""

import asyncio
import socket
import time
from itertools import pairwise

import pytest

from sfu import sdp
from sfu.errors import PeerError, SdpError
from sfu.node import REPORT_TICKS, TICK_S, Node
from sfu.receiver import ReceivingPeer
from tests.sfu.calls import SOURCES, LightPublisher, LightSubscriber, light
from tests.sfu.clients import MEETING, running_node, until

CAMERA = ("alice", "camera")


async def test_both_address_families_are_served_where_there_are_two() -> None:
    node = Node(lambda event, **params: None)
    await node.open(["0.0.0.0", "::"], 0, ["192.0.2.7"])
    try:
        publisher = LightPublisher()
        async with light(publisher):
            offer = publisher.offer({"audio": (1,), "video": (2, 3)})
            answer = (await node.publish(MEETING, "p1", "alice", offer, SOURCES))["sdp"]
            assert f"192.0.2.7 {node.port} typ host" in answer
            publisher.use(answer)
            for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
                with socket.socket(family, socket.SOCK_DGRAM) as sock:
                    sock.settimeout(5)
                    try:
                        sock.connect((host, node.port))
                    except OSError:
                        continue
                    sock.send(bytes(publisher.check()))
                    reply = await asyncio.to_thread(sock.recv, 2048)
                    assert reply[:2] == b"\x01\x01"
    finally:
        await node.close()
        await node.close()


async def test_an_ice_restart_keeps_the_keys() -> None:
    alice, bob = LightPublisher(), LightSubscriber()
    async with running_node() as server, light(alice, bob):
        await alice.join(server, "p1", "alice")
        await bob.want(server, "s1", CAMERA)
        await alice.send_frames(3)
        old = alice.remote_ufrag
        alice.ufrag = "renewed1"
        offer = alice.offer({"audio": (alice.audio_ssrc,), "video": (alice.video_ssrc, alice.rtx_ssrc)})
        answer = await server.node.publish(MEETING, "p1", "alice", offer, SOURCES)
        assert sdp.parse(answer["sdp"]).media[0].ice_ufrag != old
        await alice.prove_address()
        alice.use(answer["sdp"])
        alice.move()
        await alice.prove_address()
        await alice.send_frames(3, keyframe_first=False)
        await until(lambda: len(bob.packets(*CAMERA)) == 12)
        assert len(server.states("p1")) == 2


async def test_another_certificate_is_another_peer() -> None:
    alice = LightPublisher()
    async with running_node() as server, light(alice):
        await alice.join(server, "p1", "alice")
        offer = alice.offer({"audio": (alice.audio_ssrc,), "video": (alice.video_ssrc, alice.rtx_ssrc)})
        fingerprint = sdp.parse(offer).media[0].fingerprints[0][1]
        other = fingerprint[:-2] + ("00" if fingerprint[-2:] != "00" else "01")
        with pytest.raises(PeerError) as refused:
            await server.node.publish(MEETING, "p1", "alice", offer.replace(fingerprint, other), SOURCES)
        assert refused.value.code == "fingerprint_changed"
        assert server.states("p1")[-1] == ("connected", "")


async def test_renegotiation_adds_and_ends_tracks() -> None:
    alice = LightPublisher()
    async with running_node() as server, light(alice):
        await alice.join(server, "p1", "alice")
        two = {"audio": (alice.audio_ssrc,), "video": (alice.video_ssrc, alice.rtx_ssrc)}
        three = {**two, "video2": (71, 72)}
        sources = {**SOURCES, "video2": "screen"}
        result = await server.node.publish(MEETING, "p1", "alice", alice.offer(three), sources)
        assert [track["source"] for track in result["tracks"]] == ["microphone", "camera", "screen"]
        await alice.send_frames(2)
        await until(lambda: server.heard("track_started", source="camera"))
        audio, video, screen = alice.offer(three).split("m=video")
        offer = "m=video".join((audio, video.replace("a=sendonly", "a=inactive"), screen))
        result = await server.node.publish(MEETING, "p1", "alice", offer, sources)
        assert [track["source"] for track in result["tracks"]] == ["microphone", "screen"]
        assert server.heard("track_ended", source="camera")
        assert not server.heard("track_ended", source="microphone")


async def test_an_encoder_that_starts_over_goes_on_for_the_subscriber() -> None:
    alice, bob = LightPublisher(), LightSubscriber()
    async with running_node() as server, light(alice, bob):
        await alice.join(server, "p1", "alice")
        await bob.want(server, "s1", CAMERA)
        await alice.send_frames(5)
        alice.video_sequence += 30_000 - 65_536
        alice.video_ssrc = 4242
        offer = alice.offer({"audio": (alice.audio_ssrc,), "video": (alice.video_ssrc, alice.rtx_ssrc)})
        await server.node.publish(MEETING, "p1", "alice", offer, SOURCES)
        await alice.send_frames(5)
        packets = await until(lambda: len(found := bob.packets(*CAMERA)) == 20 and found)
        numbers = [packet.sequence_number for packet in packets]
        assert [(b - a) & 0xFFFF for a, b in pairwise(numbers)] == [1] * 19


async def test_more_slots_than_a_description_holds_are_refused() -> None:
    async with running_node() as server:
        wants = [{"owner": str(owner), "source": "camera"} for owner in range(61)]
        with pytest.raises(PeerError) as refused:
            await server.node.subscribe(MEETING, "s1", wants)
        assert refused.value.code == "peer_limit"
        stats = await server.node.stats()
        assert (stats["peers"], stats["meetings"]) == (0, 0)
        result = await server.node.subscribe(MEETING, "s1", wants[:60])
        assert len(sdp.parse(result["sdp"]).media) == 60


async def test_a_worker_serves_so_many_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    """[DTLS-08] However they are named; who goes leaves a place."""
    monkeypatch.setattr("sfu.node.MOST_PEERS", 3)
    async with running_node() as server:
        for number in range(3):
            await server.node.subscribe(MEETING, f"s{number}", [])
        with pytest.raises(PeerError) as refused:
            await server.node.subscribe("another", "s3", [])
        assert refused.value.code == "peer_limit"
        await server.node.close_peer("s0")
        await server.node.subscribe("another", "s3", [])
        assert (await server.node.stats())["peers"] == 3


async def test_of_a_hundred_descriptions_the_last_counts_and_nothing_of_the_others_is_left() -> None:
    """[SDP-06] Each with other credentials and another SSRC, as fast as they can be sent."""
    alice, bob = LightPublisher(), LightSubscriber()
    async with running_node() as server, light(alice, bob):
        await alice.join(server, "p1", "alice")
        await bob.want(server, "s1", CAMERA)
        for number in range(100):
            alice.ufrag, alice.video_ssrc = f"renewed{number}", 5_000 + 2 * number
            offer = alice.offer({"audio": (alice.audio_ssrc,), "video": (alice.video_ssrc, 9_000)})
            answer = await server.node.publish(MEETING, "p1", "alice", offer, SOURCES)
        assert (await server.node.stats())["ufrags"] == 3, "the last, the one before for a moment, and bob's"
        alice.use(answer["sdp"])
        await alice.prove_address()
        await alice.send_frames(5)
        await until(lambda: len(bob.packets(*CAMERA)) == 10)
        assert len(server.states("p1")) == 2


async def test_an_answer_to_a_smaller_offer_counts_for_its_part() -> None:
    alice, bob = LightPublisher(), LightSubscriber()
    async with running_node() as server, light(alice, bob):
        await alice.join(server, "p1", "alice")
        wants = [{"owner": "alice", "source": source} for source in ("camera", "microphone")]
        first = (await server.node.subscribe(MEETING, "s1", wants[:1]))["sdp"]
        second = (await server.node.subscribe(MEETING, "s1", wants))["sdp"]
        await server.node.answer("s1", bob.answer(first))
        await bob.connect(first)
        await alice.send_frames(3)
        await until(lambda: len(bob.rtp) == 6)
        await server.node.answer("s1", bob.answer(second))
        await alice.send_frames(3)
        await until(lambda: len(bob.rtp) == 15)
        assert (await server.node.subscribe(MEETING, "s1", wants))["sdp"] is None


async def test_a_peer_that_wants_nothing_yet_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the offer that awaits a handshake."""
    monkeypatch.setattr("sfu.transport.HANDSHAKE_S", 0.0)
    async with running_node() as server:
        await server.node.subscribe(MEETING, "s1", [])
        await asyncio.sleep(3 * TICK_S)
        assert server.states("s1") == []
        await server.node.subscribe(MEETING, "s1", [{"owner": "alice", "source": "camera"}])
        await until(lambda: server.states("s1") == [("failed", "handshake_timeout")])


async def test_refused_requests_leave_no_router() -> None:
    alice = LightPublisher()
    async with running_node() as server, light(alice):
        await alice.join(server, "p1", "alice")
        offer = alice.offer({"audio": (1,)})
        with pytest.raises(PeerError):
            await server.node.subscribe("other", "p1", [])
        with pytest.raises(PeerError):
            await server.node.publish("other", "p1", "alice", offer)
        with pytest.raises(SdpError):
            await server.node.play("other", "w1", [], offer)
        await server.node.pause("other", *CAMERA, paused=False)
        assert set(server.node._routers) == {MEETING}
        await server.node.pause("other", *CAMERA, paused=True)
        assert set(server.node._routers) == {MEETING, "other"}
        await server.node.pause("other", *CAMERA, paused=False)
        assert set(server.node._routers) == {MEETING}


async def test_reports_are_spread_over_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """All at once, those of a hundred receivers of many tracks would hold up the packets each second."""
    reported: list[tuple[float, str]] = []
    monkeypatch.setattr(ReceivingPeer, "report", lambda self, now: reported.append((now, self.name)))
    async with running_node() as server:
        for number in range(2 * REPORT_TICKS):
            await server.node.subscribe(MEETING, f"s{number}", [])
        await until(lambda: len({name for _, name in reported}) == 2 * REPORT_TICKS)
        moments = [now for now, _ in reported]
        assert max(sum(0 <= other - now < TICK_S / 2 for other in moments) for now in moments) == 2


async def test_packets_pass_while_the_clock_has_much_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty peers with work of a millisecond each hold nothing up for longer than one of them."""
    passed: list[float] = []
    worked: list[float] = []

    def work(_: ReceivingPeer, now: float) -> None:
        time.sleep(0.001)
        worked.append(now)

    def watch() -> None:
        passed.append(time.monotonic())
        waiting[0] = loop.call_soon(watch)

    monkeypatch.setattr(ReceivingPeer, "tick", work)
    async with running_node() as server:
        for number in range(40):
            await server.node.subscribe(MEETING, f"s{number}", [])
        loop = asyncio.get_running_loop()
        waiting = [loop.call_soon(watch)]
        worked.clear()
        await until(lambda: len(worked) >= 4 * 40)
        waiting[0].cancel()
    # The median, for the machine may stop us now and then.
    pauses = sorted(after - before for before, after in pairwise(passed) if after - before > 0.0009)
    assert len(pauses) > 40
    assert pauses[len(pauses) // 2] < 0.005


async def test_nothing_is_left_of_a_meeting() -> None:
    alice, bob = LightPublisher(), LightSubscriber()
    async with running_node() as server, light(alice, bob):
        await alice.join(server, "p1", "alice")
        await bob.want(server, "s1", CAMERA)
        await server.node.pause(MEETING, *CAMERA, paused=True)
        await server.node.close_meeting(MEETING)
        assert ("closed", "meeting_closed") in server.states("s1")
        stats = await server.node.stats()
        assert (stats["peers"], stats["meetings"], stats["addresses"], stats["ufrags"]) == (0, 0, 0, 0)
        await until(lambda: bob.dtls.state == "closed" and alice.dtls.state == "closed")
