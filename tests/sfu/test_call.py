"""Whole calls through a real node: the peers' encoders and decoders are aiortc's."""

from itertools import pairwise

from aiortc import RTCSessionDescription

from tests.sfu.clients import MEETING, PictureTrack, client, grey_of, running_node, silence, until
from tests.sfu.relay import Relay


async def test_picture_and_sound_arrive() -> None:
    async with running_node() as server, client(server, "p1") as alice, client(server, "s2") as bob:
        await alice.publish("alice", microphone=silence(), camera=PictureTrack(200))
        slots = await bob.want(("alice", "microphone"), ("alice", "camera"))
        await bob.connected()
        pictures = await bob.frames_of(slots["alice", "camera"], 10)
        await bob.frames_of(slots["alice", "microphone"], 20)
        assert abs(grey_of(pictures[-1]) - 200) < 20
        await until(lambda: server.heard("track_started", owner="alice", source="camera", kind="video"))
        stats = await server.node.peer_stats("s2")
        assert stats["srtp_profile"].startswith("SRTP_AEAD_AES_")


async def test_a_slot_takes_another_track_without_an_offer() -> None:
    async with (
        running_node() as server,
        client(server, "p1") as alice,
        client(server, "p2") as carol,
        client(server, "s3") as bob,
    ):
        await alice.publish("alice", camera=PictureTrack(60))
        await carol.publish("carol", camera=PictureTrack(220))
        first = await bob.want(("alice", "camera"))
        await bob.frames_of(first["alice", "camera"], 5, lambda frame: abs(grey_of(frame) - 60) < 20)
        wants = [{"owner": "carol", "source": "camera"}]
        result = await server.node.subscribe(MEETING, "s3", wants)
        assert result["sdp"] is None
        assert result["slots"] == [{"mid": first["alice", "camera"], **wants[0]}]
        await bob.frames_of(first["alice", "camera"], 5, lambda frame: abs(grey_of(frame) - 220) < 20)


async def test_a_whep_player_gets_camera_and_microphone() -> None:
    async with running_node() as server, client(server, "p1") as alice, client(server, "w1") as player:
        await alice.publish("alice", microphone=silence(), camera=PictureTrack(120))
        for kind in ("audio", "video"):
            player.connection.addTransceiver(kind, direction="recvonly")
        await player.connection.setLocalDescription(await player.connection.createOffer())
        wants = [{"owner": "alice", "source": source} for source in ("microphone", "camera")]
        offer = player.connection.localDescription.sdp
        result = await server.node.play(MEETING, "w1", wants, offer)
        await player.connection.setRemoteDescription(RTCSessionDescription(result["sdp"], "answer"))
        await player.connected()
        mids = {one.kind: one.mid for one in player.connection.getTransceivers()}
        assert abs(grey_of((await player.frames_of(mids["video"], 5))[-1]) - 120) < 20
        await player.frames_of(mids["audio"], 10)


async def test_a_publisher_that_hangs_up_ends_its_tracks() -> None:
    async with running_node() as server, client(server, "p1") as alice:
        await alice.publish("alice", camera=PictureTrack(120))
        await alice.connected()
        await alice.close()
        await until(lambda: ("closed", "closed_by_peer") in server.states("p1"))
        assert server.heard("track_ended", owner="alice", source="camera")
        assert (await server.node.stats())["addresses"] == 0


async def test_every_tenth_packet_is_lost_and_none_is_missed() -> None:
    async with running_node() as server, client(server, "p1") as alice, client(server, "s2") as bob:
        with Relay(lose_every=10) as relay:
            await alice.publish("alice", camera=PictureTrack(90))
            slots = await bob.want(
                ("alice", "camera"), disguise=lambda offer: relay.disguise(offer, server.node.port)
            )
            mid = slots["alice", "camera"]
            await bob.frames_of(mid, 60)
            pts = [frame.pts for frame in bob.frames[mid]]
            lost = relay.lost
        assert lost >= 5
        assert max(later - earlier for earlier, later in pairwise(pts)) <= 3003
        stats = await server.node.peer_stats("s2")
        assert stats["slots"][mid]["resent"] >= lost - 1
