import time

import pytest

from sfu import sdp
from sfu.errors import SdpError
from sfu.negotiation import (
    ABS_SEND_TIME_URI,
    AUDIO_LEVEL_URI,
    DEPENDENCY_DESCRIPTOR_URI,
    MID_URI,
    TRANSPORT_WIDE_CC_URI,
    AcceptedCodec,
    AcceptedMedia,
    Slot,
    answer_player,
    offer_slots,
    read_answer,
)
from tests.sfu.descriptions import LOCAL, OFFER, SLOTS, TEXTS


def test_a_player_is_given_the_slots_it_has_room_for() -> None:
    offer = sdp.parse(TEXTS["chromium-156-play"])
    agreement = answer_player(offer, LOCAL, SLOTS)
    assert {mid: slot.ssrc for mid, slot in agreement.slots.items()} == {"0": 1_000, "1": 1_001}
    assert [media.direction for media in agreement.media] == ["sendonly", "sendonly"]
    video = agreement.description.media[1]
    assert (video.ssrcs, video.ssrc_groups) == ([1_001, 5_001], [("FID", [1_001, 5_001])])
    audio, video = agreement.media
    assert [one.codec.name for one in audio.codecs] == ["opus", "red"]
    assert [one.codec.name for one in video.codecs] == ["VP8", "VP9", "H264", "H264", "AV1"]
    assert all(one.rtx_payload_type for one in video.codecs)
    assert {MID_URI, TRANSPORT_WIDE_CC_URI, ABS_SEND_TIME_URI} <= set(audio.extensions) & set(
        video.extensions
    )
    assert AUDIO_LEVEL_URI in audio.extensions


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
    assert [(media.mid, media.direction) for media in agreement.media] == [
        ("0", "sendonly"),
        ("1", "sendonly"),
        ("2", "sendonly"),
    ]
    audio, video, _ = agreement.media
    assert numbers(audio) == [("opus", 111, None), ("red", 110, None)]
    assert numbers(video) == [
        ("VP8", 96, 97),
        ("VP9", 98, 99),
        ("H264", 102, 103),
        ("H264", 104, 105),
        ("AV1", 100, 101),
    ]
    assert audio.extensions == {
        AUDIO_LEVEL_URI: 1,
        ABS_SEND_TIME_URI: 2,
        TRANSPORT_WIDE_CC_URI: 3,
        MID_URI: 4,
    }
    assert DEPENDENCY_DESCRIPTOR_URI not in video.extensions
    assert video.feedback == {"goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"}


def test_a_receiver_keeps_what_it_can_under_its_numbers() -> None:
    answer = receiving_answer()
    video = answer.media[1]
    video.codecs = [
        sdp.Codec(35, "h264", 90_000, parameters={"packetization-mode": "1", "profile-level-id": "42e01f"}),
        sdp.Codec(36, "vp8", 90_000, feedback=["nack", "nack sli"]),
        sdp.Codec(37, "rtx", 90_000, parameters={"apt": "36"}),
        sdp.Codec(38, "VP9", 90_000, parameters={"profile-id": "2"}),
        sdp.Codec(39, "AV1", 45_000),
    ]
    video.extensions = {7: MID_URI, 8: "urn:x"}
    kept = read_answer(offer_slots(SLOTS, LOCAL), answer).media[1]
    assert numbers(kept) == [("h264", 35, None), ("vp8", 36, 37)]
    assert (kept.extensions, kept.feedback) == ({MID_URI: 7}, {"nack"})


def stream(name: str, **parameters: str) -> sdp.Codec:
    return sdp.Codec(
        120, name, 90_000, 1, {key.replace("_", "-"): value for key, value in parameters.items()}
    )


@pytest.mark.parametrize(
    ("published", "payload_type", "with_mode_0_only"),
    [
        (stream("VP8"), 96, 96),
        (stream("vp9", profile_id="0"), 98, 98),
        (stream("AV1"), 100, 100),
        (stream("H264", packetization_mode="1", profile_level_id="42e01f"), 102, None),
        (stream("H264", packetization_mode="1", profile_level_id="640c1f"), 102, None),
        (stream("H264", packetization_mode="0"), 104, 104),
        (stream("H264"), 104, 104),
        (stream("H265"), None, None),
    ],
)
def test_what_a_receiver_can_be_sent(
    published: sdp.Codec, payload_type: int | None, with_mode_0_only: int | None
) -> None:
    answer = receiving_answer()
    answer.media[2].codecs = [one for one in answer.media[2].codecs if one.payload_type not in (102, 103)]
    both, one_mode = read_answer(offer_slots(SLOTS, LOCAL), answer).media[1:]
    for receiver, wanted in ((both, payload_type), (one_mode, with_mode_0_only)):
        types = receiver.payload_types.get(AcceptedCodec(published).form)
        assert (types[0] if types else None) == wanted


def numbers(media: AcceptedMedia) -> list[tuple[str, int, int | None]]:
    return [(one.codec.name, one.codec.payload_type, one.rtx_payload_type) for one in media.codecs]


def test_sections_not_received_are_left_out() -> None:
    answer = receiving_answer()
    answer.media[0].direction = "inactive"
    answer.media[1] = sdp.Media("video", "1", port=0, formats=["96"])
    answer.bundle = ["0", "2"]
    assert [media.mid for media in read_answer(offer_slots(SLOTS, LOCAL), answer).media] == ["2"]


def test_a_receiver_may_refuse_repairs() -> None:
    answer = receiving_answer()
    del answer.media[1].codecs[1]
    assert read_answer(offer_slots(SLOTS, LOCAL), answer).media[1].codecs[0].rtx_payload_type is None


@pytest.mark.parametrize("setup", ["active", "passive"])
def test_a_receiver_chooses_who_begins_the_handshake(setup: str) -> None:
    answer = receiving_answer()
    answer.media[0].setup = setup
    assert read_answer(offer_slots(SLOTS, LOCAL), answer).remote.setup == setup


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


def undecided(answer: sdp.SessionDescription) -> None:
    answer.media[0].setup = "actpass"


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
        (undecided, "sdp_unsupported"),
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


def test_sixty_slots_are_a_message_of_less_than_64_kb() -> None:
    slots = [Slot(str(n), "video", (1 << 32) - 1 - n, (1 << 32) - 99 - n, f"stream-{n}") for n in range(60)]
    started = time.thread_time()
    text = sdp.serialise(offer_slots(slots, LOCAL))
    # It takes 1 ms; on a machine that is busy with other things a little more.
    assert time.thread_time() - started < 0.02
    assert len(text) < 60_000
    read = sdp.parse(text)
    assert all(media.extensions == read.media[0].extensions for media in read.media)
    assert {(media.ice_ufrag, media.setup) for media in read.media} == {(LOCAL.ufrag, "actpass")}


def test_a_compact_offer_says_the_same() -> None:
    offer = offer_slots(SLOTS, LOCAL)
    short = sdp.serialise(offer)
    offer.compact = False
    long = sdp.parse(sdp.serialise(offer))
    assert len(short) < 0.7 * len(sdp.serialise(offer))
    for read, meant in zip(sdp.parse(short).media, long.media, strict=True):
        assert read.extensions.items() >= meant.extensions.items()
        assert [(one.payload_type, one.parameters) for one in read.codecs] == [
            (one.payload_type, one.parameters) for one in meant.codecs
        ]
        assert all(
            set(one.feedback) >= set(two.feedback) for one, two in zip(read.codecs, meant.codecs, strict=True)
        )
        assert (read.fingerprints, read.ice_pwd, read.ssrcs) == (
            meant.fingerprints,
            meant.ice_pwd,
            meant.ssrcs,
        )
