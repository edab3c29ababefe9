import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu import negotiation, sdp
from sfu.errors import SdpError
from sfu.negotiation import (
    AUDIO_LEVEL_URI,
    MID_URI,
    answer_player,
    answer_publisher,
    offer_slots,
    read_answer,
)
from tests.sfu.descriptions import AUDIO, LOCAL, OFFER, SESSION, SLOTS, TEXTS, VIDEO

DATA_CHANNEL = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=mid:2\na=sctp-port:5000\n"


def answered(text: str) -> negotiation.Agreement:
    agreement = answer_publisher(sdp.parse(text), LOCAL)
    # Whatever we decide must survive being written and read.
    assert sdp.parse(sdp.serialise(agreement.description)).bundle == agreement.description.bundle
    return agreement


def code_of(text: str) -> str:
    with pytest.raises(SdpError) as refusal:
        answer_publisher(sdp.parse(text), LOCAL)
    return refusal.value.code


def test_an_answer_mirrors_the_offer() -> None:
    agreement = answered(OFFER)
    audio, video = agreement.description.media
    assert agreement.description.ice_lite
    assert agreement.description.bundle == ["0", "1"]
    assert [(m.kind, m.mid, m.direction, m.setup) for m in (audio, video)] == [
        ("audio", "0", "recvonly", "passive"),
        ("video", "1", "recvonly", "passive"),
    ]
    assert audio.codecs == [
        sdp.Codec(111, "opus", 48_000, 2, {"minptime": "10", "useinbandfec": "1", "stereo": "0"})
    ]
    assert video.codecs == [
        sdp.Codec(96, "VP8", 90_000, 1, {"x-google-start-bitrate": "800"}, ["nack", "nack pli"]),
        sdp.Codec(97, "rtx", 90_000, 1, {"apt": "96"}),
    ]
    assert (audio.candidates, video.candidates) == (list(LOCAL.candidates), [])
    assert (audio.ice_ufrag, video.ice_pwd) == (LOCAL.ufrag, LOCAL.password)


def test_what_the_answer_says_in_words() -> None:
    lines = sdp.serialise(answered(OFFER).description).split("\r\n")
    assert lines[1] == "o=- 4611686018427387904 1 IN IP4 127.0.0.1"
    assert "a=ice-lite" in lines
    assert "m=audio 10000 UDP/TLS/RTP/SAVPF 111" in lines
    assert "c=IN IP4 192.0.2.7" in lines
    assert "a=candidate:1 1 udp 2130706431 192.0.2.7 10000 typ host" in lines
    assert "a=candidate:2 1 udp 2130706175 2001:db8::7 10000 typ host" in lines
    assert lines.count("a=end-of-candidates") == 1
    assert lines[-1] == ""


def test_the_peer_as_agreed() -> None:
    agreement = answered(
        OFFER + "a=ssrc-group:FID 5 6\na=ssrc:5 cname:x\na=ssrc:6 cname:x\na=extmap:4 " + MID_URI
    )
    audio, video = agreement.media
    assert agreement.remote.ufrag == "abcd"
    assert agreement.remote.fingerprints == (("sha-256", ":".join(["AB"] * 32)),)
    assert (audio.receives, audio.rtx_payload_type) == (True, None)
    assert (video.codec.payload_type, video.rtx_payload_type) == (96, 97)
    assert (video.ssrcs, video.rtx_ssrcs, video.extensions) == ((5,), {6: 5}, {MID_URI: 4})


@pytest.mark.parametrize(
    ("offered", "answered_with"),
    [("sendonly", "recvonly"), ("sendrecv", "recvonly"), ("recvonly", "inactive"), ("inactive", "inactive")],
)
def test_a_publisher_only_sends(offered: str, answered_with: str) -> None:
    agreement = answered(OFFER.replace("a=sendonly", f"a={offered}"))
    assert {media.direction for media in agreement.description.media} == {answered_with}


@pytest.mark.parametrize(
    "extra",
    [
        DATA_CHANNEL,
        VIDEO.replace("a=mid:1", "a=mid:2").replace("VP8", "H264"),
        VIDEO.replace("a=mid:1", "a=mid:2").replace("a=rtcp-mux\n", ""),
        VIDEO.replace("a=mid:1", "a=mid:2").replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
        VIDEO.replace("a=mid:1", "a=mid:2").replace("video 9", "video 0"),
        AUDIO.replace("a=mid:0", "a=mid:2").replace("opus/48000/2", "opus/48000"),
        "m=text 9 UDP/TLS/RTP/SAVPF 98\na=mid:2\n",
    ],
    ids=["data", "no VP8", "no rtcp-mux", "no DTLS", "stopped", "not quite Opus", "text"],
)
def test_what_we_cannot_do_is_rejected_alone(extra: str) -> None:
    agreement = answered(OFFER.replace("BUNDLE 0 1", "BUNDLE 0 1 2") + extra)
    rejected = agreement.description.media[2]
    assert (rejected.mid, rejected.port, rejected.rejected) == ("2", 0, True)
    assert agreement.description.bundle == ["0", "1"]
    assert [media.mid for media in agreement.media] == ["0", "1"]


def test_what_is_outside_the_bundle_is_rejected() -> None:
    assert [media.mid for media in answered(OFFER.replace("BUNDLE 0 1", "BUNDLE 1")).media] == ["1"]


def test_a_single_section_needs_no_bundle() -> None:
    agreement = answered(SESSION.replace("a=group:BUNDLE 0 1\n", "") + AUDIO)
    assert agreement.description.bundle == []
    assert [media.mid for media in agreement.media] == ["0"]


def test_the_transport_is_that_of_the_first_accepted_section() -> None:
    text = OFFER.replace("opus", "speex").replace(VIDEO, VIDEO.replace("ufrag:abcd", "ufrag:wxyz"))
    assert answered(text).remote.ufrag == "wxyz"


def test_bundled_sections_may_have_port_0() -> None:
    agreement = answered(OFFER.replace("video 9", "video 0") + "a=bundle-only\n")
    assert [media.mid for media in agreement.media] == ["0", "1"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("v=0\n", "sdp_no_media"),
        (SESSION.replace("0 1", "2") + DATA_CHANNEL, "sdp_no_media"),
        (OFFER.replace("o 9", "o 0"), "sdp_no_media"),
        (OFFER.replace("VP8", "AV1").replace("opus", "speex"), "sdp_unsupported"),
        (OFFER.replace("a=rtcp-mux\n", ""), "sdp_unsupported"),
        (OFFER.replace("actpass", "passive"), "sdp_unsupported"),
        (OFFER.replace("a=setup:actpass\n", ""), "sdp_unsupported"),
        (OFFER.replace("ufrag:abcd", "ufrag:abc"), "ice_credentials_invalid"),
        (OFFER.replace("ufrag:abcd", "ufrag:" + "x" * 300), "ice_credentials_invalid"),
        (OFFER.replace("ufrag:abcd", "ufrag:ab cd"), "ice_credentials_invalid"),
        (OFFER.replace("a=ice-ufrag:abcd\n", ""), "ice_credentials_invalid"),
        (OFFER.replace("pwd:abcdefghijklmnopqrstuv", "pwd:abcdefghijklmnopqrstu"), "ice_credentials_invalid"),
        ("\n".join(line for line in OFFER.split("\n") if "fingerprint" not in line), "fingerprint_missing"),
        (OFFER.replace("sha-256 " + ":".join(["AB"] * 32), "sha-1 " + ":".join(["AB"] * 20)),
         "fingerprint_unsupported"),
        (OFFER.replace("sha-256", "md-999"), "fingerprint_unsupported"),
    ],
)  # fmt: skip
def test_offers_we_cannot_answer(text: str, code: str) -> None:
    assert code_of(text) == code


def test_weak_fingerprints_are_passed_over() -> None:
    weak = "a=fingerprint:sha-1 " + ":".join(["AB"] * 20) + "\n"
    agreement = answered(OFFER.replace("a=setup", weak + "a=setup"))
    assert [algorithm for algorithm, _ in agreement.remote.fingerprints] == ["sha-256"]


@pytest.mark.parametrize("name", [name for name in TEXTS if "publish" in name])
def test_real_offers_are_answered(name: str) -> None:
    offer = sdp.parse(TEXTS[name])
    agreement = answered(TEXTS[name])
    assert [m.mid for m in agreement.description.media] == [m.mid for m in offer.media]
    for media in agreement.media:
        assert media.receives
        assert MID_URI in media.extensions
        if media.kind == "audio":
            assert AUDIO_LEVEL_URI in media.extensions
        else:
            assert media.rtx_payload_type
            assert {"nack", "nack pli", "goog-remb"} <= set(media.codec.feedback)
        if "simulcast" not in name or media.kind == "audio":
            assert len(media.ssrcs) == 1
            assert list(media.rtx_ssrcs.values()) == list(media.ssrcs) * (media.kind == "video")


def test_a_player_is_given_the_slots_it_has_room_for() -> None:
    offer = sdp.parse(TEXTS["chromium-156-play"])
    agreement = answer_player(offer, LOCAL, SLOTS)
    assert {mid: slot.ssrc for mid, slot in agreement.slots.items()} == {"0": 1_000, "1": 1_001}
    assert [media.direction for media in agreement.media] == ["sendonly", "sendonly"]
    video = agreement.description.media[1]
    assert (video.ssrcs, video.ssrc_groups) == ([1_001, 5_001], [("FID", [1_001, 5_001])])
    assert all(MID_URI not in media.extensions for media in agreement.media)


def test_a_player_section_without_a_slot_is_rejected() -> None:
    agreement = answer_player(sdp.parse(TEXTS["chromium-156-play"]), LOCAL, SLOTS[1:])
    assert [media.rejected for media in agreement.description.media] == [True, False]
    assert agreement.description.bundle == ["1"]


def test_a_player_that_only_sends_is_refused() -> None:
    with pytest.raises(SdpError) as refusal:
        answer_player(sdp.parse(OFFER), LOCAL, SLOTS)
    assert refusal.value.code == "sdp_unsupported"


def test_our_offer_has_a_section_for_each_slot() -> None:
    text = sdp.serialise(offer_slots(SLOTS, LOCAL, version=3))
    for line in (
        "o=- 4611686018427387904 3 IN IP4 127.0.0.1",
        "a=group:BUNDLE 0 1 2",
        "a=setup:actpass",
        "a=sendonly",
        "a=msid:slot-1 slot-1",
        "a=ssrc-group:FID 1001 5001",
        "a=ssrc:5001 cname:slot-1",
        "a=ssrc:1000 cname:slot-0",
        "a=rtcp-rsize",
    ):
        assert line in text.split("\r\n")


def test_an_offer_grows_at_its_end() -> None:
    before, after = offer_slots(SLOTS[:2], LOCAL), offer_slots(SLOTS, LOCAL, version=2)
    assert after.media[:2] == before.media


def test_no_slot_no_offer() -> None:
    with pytest.raises(SdpError) as refusal:
        offer_slots([], LOCAL)
    assert refusal.value.code == "sdp_no_media"


def receiving_answer() -> sdp.SessionDescription:
    answer = offer_slots(SLOTS, LOCAL)
    for media in answer.media:
        media.direction, media.setup, media.ssrcs, media.ssrc_groups = "recvonly", "active", [], []
    return answer


def test_an_answer_is_read() -> None:
    agreement = read_answer(offer_slots(SLOTS, LOCAL), receiving_answer())
    assert [(media.mid, media.direction, media.rtx_payload_type) for media in agreement.media] == [
        ("0", "sendonly", None),
        ("1", "sendonly", 97),
        ("2", "sendonly", 97),
    ]


def test_sections_not_received_are_left_out() -> None:
    answer = receiving_answer()
    answer.media[0].direction = "inactive"
    answer.media[1] = sdp.Media("video", "1", port=0, formats=["96"])
    answer.bundle = ["0", "2"]
    assert [media.mid for media in read_answer(offer_slots(SLOTS, LOCAL), answer).media] == ["2"]


def test_a_receiver_may_refuse_repairs() -> None:
    answer = receiving_answer()
    del answer.media[1].codecs[1]
    assert read_answer(offer_slots(SLOTS, LOCAL), answer).media[1].rtx_payload_type is None


def reordered(answer: sdp.SessionDescription) -> None:
    answer.media.reverse()


def shortened(answer: sdp.SessionDescription) -> None:
    answer.media.pop()


def renamed(answer: sdp.SessionDescription) -> None:
    answer.media[2].mid = "x"


def refused(answer: sdp.SessionDescription) -> None:
    for media in answer.media:
        media.port = 0


def unbundled(answer: sdp.SessionDescription) -> None:
    answer.bundle = []


def passive(answer: sdp.SessionDescription) -> None:
    answer.media[0].setup = "passive"


def anonymous(answer: sdp.SessionDescription) -> None:
    answer.media[0].fingerprints = []


def unreachable(answer: sdp.SessionDescription) -> None:
    answer.media[0].ice_pwd = None


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (reordered, "sdp_invalid"),
        (shortened, "sdp_invalid"),
        (renamed, "sdp_invalid"),
        (refused, "sdp_unsupported"),
        (unbundled, "sdp_unsupported"),
        (passive, "sdp_unsupported"),
        (anonymous, "fingerprint_missing"),
        (unreachable, "ice_credentials_invalid"),
    ],
)
def test_answers_that_are_refused(spoil, code: str) -> None:
    answer = receiving_answer()
    spoil(answer)
    with pytest.raises(SdpError) as refusal:
        read_answer(offer_slots(SLOTS, LOCAL), answer)
    assert refusal.value.code == code


def attempt(text: str) -> str | None:
    """The code of the refusal, wherever it comes; every answer we do give must be SDP."""
    try:
        offer = sdp.parse(text)
        sdp.parse(sdp.serialise(answer_publisher(offer, LOCAL).description))
        sdp.parse(sdp.serialise(answer_player(offer, LOCAL, SLOTS).description))
        read_answer(offer_slots(SLOTS, LOCAL), offer)
    except SdpError as refusal:
        return refusal.code
    return None


@settings(deadline=None)
@given(st.data())
def test_damaged_offers_raise_only_sdp_error(data: st.DataObject) -> None:
    lines = data.draw(st.sampled_from([OFFER, *TEXTS.values()])).splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        lines[at : at + data.draw(st.integers(0, 2))] = data.draw(
            st.lists(st.sampled_from(lines), max_size=2)
        )
        lines = lines or ["v=0"]
    assert attempt("\n".join(lines) + "\n") in (
        None,
        "sdp_invalid",
        "sdp_too_large",
        "sdp_no_media",
        "sdp_unsupported",
        "fingerprint_missing",
        "fingerprint_unsupported",
        "ice_credentials_invalid",
    )
