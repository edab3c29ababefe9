"""Which formats of an offer we take, in which order, and with which parameters."""

import pytest

from sfu import sdp
from sfu.negotiation import Agreement, answer_publisher
from tests.sfu.descriptions import AUDIO, LOCAL, OFFER, SESSION, TEXTS

CHROMIUM = TEXTS["chromium-156-publish-microphone-camera"]


def video_offer(*formats: str) -> str:
    """A camera with these formats: "name/rate fmtp", numbered from 100 by tens, each with repairs (+ 1)."""
    lines = []
    for number, (name, _, parameters) in enumerate(one.partition(" ") for one in formats):
        at = 100 + 5 * number
        lines += [f"a=rtpmap:{at} {name}", f"a=rtpmap:{at + 1} rtx/90000", f"a=fmtp:{at + 1} apt={at}"]
        lines += [f"a=fmtp:{at} {parameters}"] if parameters else []
    payload_types = " ".join(line.split()[0].split(":")[1] for line in lines if line.startswith("a=rtpmap"))
    head = OFFER[OFFER.index("m=video") :].splitlines()[1:7]
    section = [f"m=video 9 UDP/TLS/RTP/SAVPF {payload_types}", *head, *lines]
    return SESSION + AUDIO + "\n".join(section) + "\n"


def answer(text: str, *codecs: str, red: bool = False) -> Agreement:
    agreement = answer_publisher(sdp.parse(text), LOCAL, codecs=codecs or ("VP8",), red=red)
    sdp.parse(sdp.serialise(agreement.description))
    return agreement


def taken(agreement: Agreement) -> list[tuple[str, int, int | None]]:
    codecs = agreement.media[-1].codecs
    return [(one.codec.name, one.codec.payload_type, one.rtx_payload_type) for one in codecs]


@pytest.mark.parametrize(
    ("codecs", "wanted"),
    [
        (["VP8"], [("VP8", 96, 97)]),
        (["H264", "VP8"], [("H264", 108, 109), ("VP8", 96, 97)]),
        (["AV1", "VP9", "VP8"], [("AV1", 45, 46), ("VP9", 98, 99), ("VP8", 96, 97)]),
        (["VP9", "VP9"], [("VP9", 98, 99)]),
        (["H265", "VP9"], [("VP9", 98, 99)]),
    ],
)
def test_the_meeting_s_preference_decides(codecs: list[str], wanted: list[tuple[str, int, int]]) -> None:
    agreement = answer(CHROMIUM, *codecs)
    assert taken(agreement) == wanted
    formats = agreement.description.media[1].formats
    assert formats == [str(number) for _, payload_type, rtx in wanted for number in (payload_type, rtx)]


def test_what_is_not_offered_is_passed_over() -> None:
    assert taken(answer(OFFER, "AV1", "H264", "VP8")) == [("VP8", 96, 97)]
    assert [media.kind for media in answer(OFFER, "AV1").media] == ["audio"]


CB_1 = "H264/90000 packetization-mode=1;profile-level-id=42e01f"
BASELINE_1 = "H264/90000 packetization-mode=1;profile-level-id=42001f"
HIGH_1 = "H264/90000 packetization-mode=1;profile-level-id=640c1f"
MAIN_1 = "H264/90000 packetization-mode=1;profile-level-id=4D001F"
CB_0 = "H264/90000 profile-level-id=42e01f"
BARE = "H264/90000"


@pytest.mark.parametrize(
    ("formats", "best"),
    [
        ([CB_0, HIGH_1, BASELINE_1, CB_1], 3),
        ([CB_0, HIGH_1, BASELINE_1], 2),
        ([CB_0, HIGH_1, MAIN_1], 1),
        ([BARE, CB_0], 1),
        ([BARE], 0),
        (["H264/90000 packetization-mode=2;profile-level-id=42e01f", CB_0], 1),
        (["H264/90000 packetization-mode=1;profile-level-id=42e0", CB_0], 1),
        (["H264/90000 packetization-mode=1;profile-level-id=zzzzzz", CB_0], 1),
        (["H264/8000 packetization-mode=1;profile-level-id=42e01f", CB_0], 1),
    ],
)
def test_the_best_h264_is_taken(formats: list[str], best: int) -> None:
    assert taken(answer(video_offer(*formats), "H264")) == [("H264", 100 + 5 * best, 101 + 5 * best)]


@pytest.mark.parametrize(
    ("format_", "codec", "fmtp"),
    [
        (CB_1 + ";level-asymmetry-allowed=1;sprop-parameter-sets=Z0IA,aM4",
         "H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"),
        (MAIN_1, "H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4D001F"),
        (BARE, "H264", "level-asymmetry-allowed=1"),
        ("VP8/90000 max-fs=12288", "VP8", ""),
        ("VP9/90000", "VP9", ""),
        ("VP9/90000 profile-id=0;max-fr=60", "VP9", "profile-id=0"),
        ("AV1/90000 level-idx=8;profile=0;tier=0", "AV1", "profile=0;level-idx=8;tier=0"),
        ("AV1/90000 level-idx=\u0663;tier=0x", "AV1", ""),
    ],
)  # fmt: skip
def test_the_format_is_answered_as_offered(format_: str, codec: str, fmtp: str) -> None:
    lines = sdp.serialise(answer(video_offer(format_), codec).description).split("\r\n")
    told = [line for line in lines if line.startswith("a=fmtp:100")]
    assert told == [f"a=fmtp:100 {fmtp + ';' if fmtp else ''}x-google-start-bitrate=800"]


@pytest.mark.parametrize(
    "format_",
    ["VP9/90000 profile-id=2", "AV1/90000 profile=1", "VP9/45000", "VP8/90000/2", "AV1X/90000", "red/90000"],
)
def test_formats_we_do_not_carry(format_: str) -> None:
    assert [media.kind for media in answer(video_offer(format_), "VP9", "AV1", "VP8").media] == ["audio"]


def test_repairs_must_name_what_they_repair() -> None:
    text = video_offer("VP8/90000").replace("apt=100", "apt=99")
    assert taken(answer(text)) == [("VP8", 100, None)]


RED = "a=rtpmap:63 red/48000/2\na=fmtp:63 "


def audio_offer(lines: str) -> str:
    return SESSION.replace("BUNDLE 0 1", "BUNDLE 0") + AUDIO.replace("SAVPF 111", "SAVPF 111 63") + lines


@pytest.mark.parametrize(
    ("lines", "red", "names"),
    [
        (RED + "111/111", True, ["red", "opus"]),
        (RED + "111/111/111", True, ["red", "opus"]),
        (RED + "111/111", False, ["opus"]),
        (RED + "111/0", True, ["opus"]),
        (RED + "0/0", True, ["opus"]),
        ("a=rtpmap:63 red/48000/2", True, ["opus"]),
        ("a=rtpmap:63 red/8000\na=fmtp:63 111/111", True, ["opus"]),
        ("", True, ["opus"]),
    ],
)
def test_red_is_taken_where_it_repeats_opus(lines: str, red: bool, names: list[str]) -> None:
    agreement = answer(audio_offer(lines + "\n" if lines else ""), red=red)
    assert [one.codec.name for one in agreement.media[0].codecs] == names
    assert ("a=fmtp:63 111/111" in sdp.serialise(agreement.description)) == ("red" in names)


@pytest.mark.parametrize(
    ("offered", "told"), [("usedtx=1", True), ("usedtx=0", False), ("maxptime=60", False)]
)
def test_silence_is_the_sender_s_choice(offered: str, told: bool) -> None:
    agreement = answer(OFFER.replace("useinbandfec=1", f"useinbandfec=1;{offered}"))
    assert ("usedtx=1" in sdp.serialise(agreement.description)) == told
