"""Real peers take our answers and answer our offers."""

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

from sfu import sdp
from sfu.negotiation import (
    ABS_SEND_TIME_URI,
    MID_URI,
    TRANSPORT_WIDE_CC_URI,
    AcceptedMedia,
    Slot,
    answer_player,
    answer_publisher,
    offer_slots,
    read_answer,
)
from tests.sfu.browser import chromium_page
from tests.sfu.descriptions import LOCAL, SLOTS

ALL_CODECS = ["VP8", "VP9", "H264", "H264", "AV1"]


def answer_to(text: str, *codecs: str) -> str:
    return sdp.serialise(answer_publisher(sdp.parse(text), LOCAL, codecs=codecs or ("VP8",)).description)


def names(media: AcceptedMedia) -> list[str]:
    return [one.codec.name for one in media.codecs]


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_aiortc_takes_our_answer(codec: str) -> None:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        peer.addTransceiver(AudioStreamTrack(), direction="sendonly")
        peer.addTransceiver(VideoStreamTrack(), direction="sendonly")
        await peer.setLocalDescription(await peer.createOffer())
        text = answer_to(peer.localDescription.sdp, codec, "VP8")
        await peer.setRemoteDescription(RTCSessionDescription(sdp=text, type="answer"))
        assert peer.signalingState == "stable"
        assert [one.currentDirection for one in peer.getTransceivers()] == ["sendonly", "sendonly"]
        assert peer.getTransceivers()[1]._codecs[0].mimeType == f"video/{codec}"
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
            assert names(agreement.media[0]) == ["opus"]
            assert names(agreement.media[1]) == ["VP8", "H264"]
    finally:
        await peer.close()


async def test_aiortc_is_given_what_it_can_play() -> None:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        peer.addTransceiver("audio", direction="recvonly")
        peer.addTransceiver("video", direction="recvonly")
        await peer.setLocalDescription(await peer.createOffer())
        agreement = answer_player(sdp.parse(peer.localDescription.sdp), LOCAL, SLOTS)
        text = sdp.serialise(agreement.description)
        await peer.setRemoteDescription(RTCSessionDescription(sdp=text, type="answer"))
        assert [one.currentDirection for one in peer.getTransceivers()] == ["recvonly", "recvonly"]
        assert names(agreement.media[1]) == ["VP8", "H264"]
        assert {ABS_SEND_TIME_URI, MID_URI} <= set(agreement.media[1].extensions)
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
        assert all(TRANSPORT_WIDE_CC_URI in section["extensions"] for section in taken["sections"])
        for change in ("stop last", "data"):
            text = await page.evaluate("change => offerAgain(change)", change)
            taken = await page.evaluate("sdp => take(sdp)", answer_to(text))
            assert [section["direction"] for section in taken["sections"]] == ["sendonly"] * 3

        text = await page.evaluate("play(['audio', 'video', 'video', 'video'])")
        agreement = answer_player(sdp.parse(text), LOCAL, SLOTS)
        taken = await page.evaluate("sdp => take(sdp)", sdp.serialise(agreement.description))
        assert [section["direction"] for section in taken["sections"]] == ["recvonly"] * 3
        assert names(agreement.media[1]) == ALL_CODECS


@pytest.mark.browser
async def test_chromium_changes_the_codec_when_asked_again() -> None:
    async with chromium_page() as page:
        text = await page.evaluate("publish(['video'])")
        for codecs in (["VP8"], ["H264", "VP8"], ["AV1", "VP9", "VP8"], ["VP8", "H264"]):
            taken = await page.evaluate("sdp => take(sdp)", answer_to(text, *codecs))
            assert taken["sections"][0]["codecs"] == [
                mime for codec in codecs for mime in (f"video/{codec}", "video/rtx")
            ]
            text = await page.evaluate("offerAgain('')")


@pytest.mark.browser
async def test_chromium_answers_our_offers() -> None:
    async with chromium_page() as page:
        await page.evaluate("receive()")
        kinds = ["audio", "video"] * 32
        for version, total in enumerate([1, 3, 10, 64], start=1):
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
            for media in agreement.media:
                assert names(media) == (["opus", "red"] if media.kind == "audio" else ALL_CODECS)
                assert {TRANSPORT_WIDE_CC_URI, ABS_SEND_TIME_URI, MID_URI} <= set(media.extensions)
                repaired = [one.rtx_payload_type is not None for one in media.codecs]
                assert repaired == [media.kind == "video"] * len(repaired)

        await page.evaluate("receive()")
        largest = offer_slots([Slot(str(n), "video", 1_000 + n, 5_000 + n) for n in range(64)], LOCAL)
        answer = await page.evaluate("sdp => answer(sdp)", sdp.serialise(largest))
        assert len(read_answer(largest, sdp.parse(answer["sdp"])).media) == 64
