"""Real peers take our answers and answer our offers."""

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

from sfu import sdp
from sfu.negotiation import Slot, answer_player, answer_publisher, offer_slots, read_answer
from tests.sfu.browser import chromium_page
from tests.sfu.descriptions import LOCAL, SLOTS


def answer_to(text: str) -> str:
    return sdp.serialise(answer_publisher(sdp.parse(text), LOCAL).description)


async def test_aiortc_takes_our_answer() -> None:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        peer.addTransceiver(AudioStreamTrack(), direction="sendonly")
        peer.addTransceiver(VideoStreamTrack(), direction="sendonly")
        await peer.setLocalDescription(await peer.createOffer())
        agreement = answer_publisher(sdp.parse(peer.localDescription.sdp), LOCAL)
        text = sdp.serialise(agreement.description)
        await peer.setRemoteDescription(RTCSessionDescription(sdp=text, type="answer"))
        assert peer.signalingState == "stable"
        assert [one.currentDirection for one in peer.getTransceivers()] == ["sendonly", "sendonly"]
    finally:
        await peer.close()


async def test_aiortc_answers_our_offer_and_its_extension() -> None:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        for version, slots in enumerate([SLOTS[:2], SLOTS], start=1):
            offer = offer_slots(slots, LOCAL, version)
            await peer.setRemoteDescription(RTCSessionDescription(sdp=sdp.serialise(offer), type="offer"))
            await peer.setLocalDescription(await peer.createAnswer())
            agreement = read_answer(offer, sdp.parse(peer.localDescription.sdp))
            assert [media.mid for media in agreement.media] == [slot.mid for slot in slots]
    finally:
        await peer.close()


@pytest.mark.browser
async def test_chromium_takes_our_answers() -> None:
    async with chromium_page() as page:
        text = await page.evaluate("publish(['audio', 'video', 'video', 'audio'])")
        taken = await page.evaluate("sdp => take(sdp)", answer_to(text))
        assert taken["signaling"] == "stable"
        assert [section["direction"] for section in taken["sections"]] == ["sendonly"] * 4
        assert [section["codecs"] for section in taken["sections"]] == [
            ["audio/opus"],
            ["video/VP8", "video/rtx"],
            ["video/VP8", "video/rtx"],
            ["audio/opus"],
        ]
        for change in ("stop last", "data"):
            text = await page.evaluate("change => offerAgain(change)", change)
            taken = await page.evaluate("sdp => take(sdp)", answer_to(text))
            assert [section["direction"] for section in taken["sections"]] == ["sendonly"] * 3

        text = await page.evaluate("play(['audio', 'video', 'video', 'video'])")
        agreement = answer_player(sdp.parse(text), LOCAL, SLOTS)
        taken = await page.evaluate("sdp => take(sdp)", sdp.serialise(agreement.description))
        assert [section["direction"] for section in taken["sections"]] == ["recvonly"] * 3


@pytest.mark.browser
async def test_chromium_answers_our_offers() -> None:
    async with chromium_page() as page:
        await page.evaluate("receive()")
        kinds = ["audio", "video"] * 32
        for version, total in enumerate([1, 3, 20, 64], start=1):
            slots = [
                Slot(str(n), kind, 1_000 + n, 5_000 + n if kind == "video" else None)
                for n, kind in enumerate(kinds[:total])
            ]
            offer = offer_slots(slots, LOCAL, version)
            answer = await page.evaluate("sdp => answer(sdp)", sdp.serialise(offer))
            agreement = read_answer(offer, sdp.parse(answer["sdp"]))
            assert answer["signaling"] == "stable"
            assert [section["direction"] for section in answer["sections"]] == ["recvonly"] * total
            assert [media.mid for media in agreement.media] == [slot.mid for slot in slots]
            assert all(media.rtx_payload_type == 97 for media in agreement.media if media.kind == "video")
