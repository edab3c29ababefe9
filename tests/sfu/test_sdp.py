import json
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu import sdp
from sfu.errors import SdpError
from sfu.sdp.parser import MAX_LENGTH, MAX_LINES, MAX_MEDIA
from tests.sfu.descriptions import AUDIO, FINGERPRINT, OFFER, SESSION, TEXTS, VIDEO


def code_of(text: str) -> str:
    with pytest.raises(SdpError) as refusal:
        sdp.parse(text)
    return refusal.value.code


def cpu_s(text: str) -> float:
    """What reading costs this thread: on shared cores the wall clock also counts the waiting for others."""
    costs = []
    for _ in range(3):
        started = time.thread_time()
        with suppress(SdpError):
            sdp.parse(text)
        costs.append(time.thread_time() - started)
    return min(costs)


def test_a_plain_offer() -> None:
    offer = sdp.parse(OFFER)
    audio, video = offer.media
    assert (offer.bundle, offer.session_id, offer.version) == (["0", "1"], 4611731400430051336, 2)
    assert (audio.kind, audio.mid, audio.direction, audio.formats) == ("audio", "0", "sendonly", ["111", "0"])
    assert audio.codecs == [sdp.Codec(111, "opus", 48_000, 2, {"minptime": "10", "useinbandfec": "1"})]
    assert [codec.feedback for codec in video.codecs] == [["nack", "nack pli"], ["nack"]]
    assert (video.ice_ufrag, video.ice_pwd, video.setup) == ("abcd", "abcdefghijklmnopqrstuv", "actpass")
    assert video.fingerprints == [("sha-256", FINGERPRINT)]


def test_attributes_may_come_in_any_order() -> None:
    head, *lines = VIDEO.splitlines()
    turned = "\n".join([head, *reversed(lines)]) + "\n"
    assert sdp.parse(SESSION + AUDIO + turned).media[1].codecs[1].parameters == {"apt": "96"}


@pytest.mark.parametrize(
    "text", [OFFER.replace("\n", "\r\n"), OFFER.rstrip("\n")], ids=["CR LF", "no last line end"]
)
def test_line_ends(text: str) -> None:
    assert sdp.parse(text) == sdp.parse(OFFER)


@pytest.mark.parametrize(
    ("line", "check"),
    [
        ("a=msid:- {track}", lambda m: m.msid == ("-", "{track}")),
        ("a=msid:user1@host-2 track", lambda m: m.msid == ("user1@host-2", "track")),
        ("a=msid:stream", lambda m: m.msid == ("stream", "")),
        ("a=extmap:3/recvonly urn:x attributes", lambda m: m.extensions == {3: "urn:x"}),
        ("a=ssrc:4294967295 cname:x", lambda m: m.ssrcs == [4_294_967_295]),
        ("a=ssrc:5", lambda m: m.ssrcs == [5]),
        ("a=ssrc-group:FID 5 6", lambda m: m.ssrc_groups == [("FID", [5, 6])]),
        ("a=rid:hi send pt=96;max-width=1280", lambda m: m.rids == [("hi", "send")]),
        ("a=simulcast:send hi;~lo", lambda m: m.simulcast == "send hi;~lo"),
        ("a=bundle-only", lambda m: m.bundle_only),
        ("a=rtcp-rsize", lambda m: m.rtcp_rsize),
        ("a=fingerprint:SHA-1 " + ":".join(["ab"] * 20),
         lambda m: m.fingerprints == [("sha-1", ":".join(["AB"] * 20))]),
        ("a=fingerprint:new-hash " + ":".join(["ab"] * 40), lambda m: m.fingerprints[0][0] == "new-hash"),
        ("a=candidate:1 1 udp 2130706431 a1b2.local 9 typ host tcptype x", lambda m: m.candidates_count == 1),
        ("a=rid:hi send pt=96,97;" + "max-width=1;" * 300, lambda m: m.rids == [("hi", "send")]),
        ("a=simulcast:recv x send hi,~lo;~x", lambda m: m.simulcast == "recv x send hi,~lo;~x"),
        ("a=extmap-allow-mixed", lambda m: m.extmap_allow_mixed),
        ("a=inactive", lambda m: m.direction == "inactive"),
        ("a=rtcp-fb:97 ccm tmmbr smaxpr=120", lambda m: "ccm tmmbr smaxpr=120" in m.codecs[1].feedback),
        ("a=unknown", lambda m: True),
        ("b=AS:500", lambda m: True),
    ],
)  # fmt: skip
def test_attributes(line: str, check) -> None:
    assert check(sdp.parse(OFFER + line + "\n").media[1])


MALFORMED = [
    OFFER + "a=fmtp:98 apt=97\n",
    OFFER + "a=rtcp-fb:98 nack\n",
    OFFER.replace("SAVPF 96", "SAVPF 999"),
    OFFER.replace("SAVPF 96", "SAVPF 72"),
    OFFER + "a=rtpmap:128 VP8/90000\n",
    OFFER + "m=video x y z\n",
    OFFER + "m=video 9\n",
    OFFER + "m=video 65536 RTP/AVP 96\n",
    OFFER + f"m=video {'9' * 30} RTP/AVP 96\n",
    OFFER + "m=video 9 RTP/AVP 96 96\na=mid:2\n",
    OFFER + "a=candidate:1 1 udp\n",
    OFFER + "a=fingerprint:\n",
    OFFER + "a=fingerprint:sha-256 AB:CD\n",
    OFFER + "a=fingerprint:sha-256 " + FINGERPRINT[:-3] + "\n",
    OFFER + "a=extmap:abc u\n",
    OFFER + "a=extmap:0 u\n",
    OFFER + "a=extmap:15 u\n",
    OFFER + "a=extmap:256 u\n",
    OFFER + "a=extmap:1 u\na=extmap:1 w\n",
    OFFER + "a=setup:bogus\n",
    OFFER + "a=ssrc:" + "1" * 4_000 + " cname:x\n",
    OFFER + "a=ssrc:4294967296 cname:x\n",
    OFFER + "a=ssrc-group:FID 1 4294967296\n",
    OFFER.replace("v=0", "v=x"),
    OFFER[4:],
    "",
    OFFER.replace("o=- ", "o="),
    OFFER.replace("a=mid:1", "a=mid:1\x00"),
    OFFER.replace("a=mid:1", "a=mid:0"),
    OFFER.replace("a=mid:1", "a=mid:a b"),
    OFFER.replace("a=mid:1", "a=mid:" + "x" * 17),
    OFFER.replace("a=mid:1", "a=mid:1\u2028m=video 9 RTP/AVP 96"),
    OFFER.replace("s=-", "s=x\u2028m=video 9 RTP/AVP 96"),
    OFFER.replace("s=-", "s=x\x85m=video 9 RTP/AVP 96"),
    OFFER.replace("s=-", "s=x\rm=video 9 RTP/AVP 96"),
    OFFER.replace("s=-", "s=\ud800"),
    OFFER.replace("a=mid:1\n", ""),
    OFFER.replace("BUNDLE 0 1", "BUNDLE 0 1 2"),
    OFFER.replace("BUNDLE 0 1", "BUNDLE 0 1 1"),
    OFFER + "a=msid:two three four\n",
    OFFER + "a=rid:a b\n",
    OFFER + "a=simulcast:x\n",
    OFFER + "a=simulcast:send a;b send c recv d\n",
    OFFER + "a=simulcast:send \n",
    OFFER + "a=rid:" + "x" * 17 + " send\n",
    OFFER + "a=rid:é send\n",
    OFFER + "a=rid:x sideways\n",
    OFFER + "\n",
    OFFER + "no line\n",
]


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_texts_are_refused(text: str) -> None:
    assert code_of(text) == "sdp_invalid"


def test_they_are_refused_without_assertions_too() -> None:
    """`python -O` leaves those out."""
    program = """if True:
        import json, sys
        from sfu import sdp
        from sfu.errors import SdpError
        for text in json.load(sys.stdin):
            try:
                sdp.parse(text)
            except SdpError as refusal:
                print(refusal.code)
    """
    command = [sys.executable, "-O", "-c", program]
    done = subprocess.run(command, input=json.dumps(MALFORMED), capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["sdp_invalid"] * len(MALFORMED)


SECTION = f"m=video 9 RTP/SAVPF {' '.join(map(str, range(96, 128)))}\na=mid:%d\n" + "".join(
    f"a=rtpmap:{n} x/1\n" for n in range(96, 128)
)
WILDCARDS = "".join(f"a=rtcp-fb:* {n}\n" for n in range(400))
MANY_FORMATS = (
    "m=video 9 UDP/TLS/RTP/SAVPF"
    + " 96" * 5_000
    + "\n"
    + "a=rtpmap:96 VP8/90000\na=rtcp-fb:96 nack\n" * 5_000
)
MANY_WILDCARDS = (
    "m=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:2\n"
    + "".join(f"a=rtpmap:{96 + n % 32} VP8/90000\n" for n in range(2_000))
    + "a=rtcp-fb:* nack\n" * 2_000
)


@pytest.mark.parametrize(
    "text",
    [
        OFFER + MANY_FORMATS,
        OFFER + MANY_WILDCARDS,
        OFFER + "".join(f"a=ssrc:{n} cname:x\n" for n in range(20_000)),
        OFFER + "m=audio 9 RTP/AVP 0\n" * 20_000,
        OFFER + "s=" + "x" * 1_000_000,
        OFFER + MANY_FORMATS[:20_000],
        OFFER + "".join(f"a=ssrc:{n} cname:x\n" for n in range(400)),
        OFFER + "".join(f"m=audio 0 RTP/AVP 0\na=mid:{n}\n" for n in range(2, 65)),
        OFFER + "a=x\n" * 600,
        OFFER + "".join(f"m=audio 0 RTP/AVP 0\na=mid:{n}\n" + "a=x\n" * 480 for n in range(2, 14)),
        OFFER + "a=x:" + "x" * 5_000,
        OFFER + "a=candidate:1 1 udp 1 ::1 9 typ host\n" * 51,
        OFFER + "a=candidate:1 1 udp 1 ::1 9 typ host\n" * 10_000,
        OFFER + f"a=fingerprint:sha-256 {FINGERPRINT}\n" * 9,
        OFFER + f"a=fingerprint:sha-256 {FINGERPRINT}\n" * 10_000,
        OFFER + "m=video 9 RTP/AVP " + " ".join(str(n) for n in range(100)) + "\n",
        OFFER + "".join(f"a=rtcp-fb:96 {n}\n" for n in range(17)),
        OFFER + "".join((SECTION % n) + WILDCARDS for n in range(2, 8)),
    ],
    ids=["5000 formats", "2000 wildcards", "20000 ssrcs", "20000 sections", "1 MB line", "5000 formats, cut",
         "400 ssrcs", "65 sections", "600 lines", "5800 lines", "long line", "51 candidates", "10000 candidates",
         "9 fingerprints", "10000 fingerprints", "100 formats", "17 kinds of feedback", "wildcards within the limits"],
)  # fmt: skip
def test_bombs_are_refused_within_50_ms(text: str) -> None:
    assert code_of(text) == "sdp_too_large"
    assert cpu_s(text) < 0.05


@pytest.mark.parametrize(
    "fill",
    [
        "a=rtcp-fb:* nack\n" * 400,
        "".join(f"a=rtcp-fb:* {n}\n" for n in range(16)),
        "".join(f"a=fmtp:{96 + n % 32} {';' * 90}\n" for n in range(70)),
        ("a=ssrc-group:X" + "".join(f" {n}" for n in range(32)) + "\n") * 70,
        "".join(f"a=ssrc:{n % 32}\n" for n in range(440)),
        "".join(f"a=rid:{n} send pt=96;max-fs=1\n" for n in range(440)),
        ("a=simulcast:send " + "a;" * 400 + "\n") * 10,
        "".join(f"a=extmap:{1 + n % 14}/sendonly urn:{n % 14}\n" for n in range(440)),
    ],
    ids=["feedback again", "feedback", "parameters", "groups", "ssrcs", "rids", "simulcast", "extensions"],
)
def test_the_dearest_text_within_the_limits_costs_less_than_50_ms(fill: str) -> None:
    one = SECTION + fill
    room = min(MAX_MEDIA, MAX_LENGTH // len(one), MAX_LINES // one.count("\n")) - 2
    sections = "".join(SECTION % number + fill for number in range(2, 2 + room))
    sdp.parse(OFFER + sections)
    assert cpu_s(OFFER + sections) < 0.05


@pytest.mark.parametrize("name", TEXTS)
def test_real_descriptions_are_understood(name: str) -> None:
    description = sdp.parse(TEXTS[name])
    for media in description.media:
        assert media.mid in description.bundle
        assert media.ice_ufrag
        assert media.fingerprints[0][0] == "sha-256"
        assert media.setup == "actpass"
        if media.kind != "application":
            assert {codec.name for codec in media.codecs} >= {"opus" if media.kind == "audio" else "VP8"}
            assert media.rtcp_mux


@pytest.mark.parametrize(
    ("name", "rids"),
    [("chromium-156-publish-simulcast-data", "qhf"), ("firefox-153-publish-simulcast", "lmh")],
)
def test_simulcast_of_a_real_offer_is_read(name: str, rids: str) -> None:
    video = sdp.parse(TEXTS[name]).media[1]
    assert video.rids == [(rid, "send") for rid in rids]
    assert video.simulcast == "send " + ";".join(rids)
    assert video.extmap_allow_mixed


@pytest.mark.parametrize("name", TEXTS)
def test_what_we_write_we_read(name: str) -> None:
    read = sdp.parse(TEXTS[name])
    for media in read.media:
        # Not ours to write: where they came from, and whether they need a port.
        media.candidates_count, media.bundle_only = 0, False
        media.formats = [str(codec.payload_type) for codec in media.codecs] or media.formats
        media.cname = "cname" if media.ssrcs else None
    again = sdp.parse(sdp.serialise(read))
    for media in read.media:
        media.cname = None
    assert again == read


@pytest.mark.parametrize("text", ["a b", "a\r\nb", "a\u2028b", "a\x00b", "", "điểm", "x" * 65, "a:b"])
def test_names_that_are_no_tokens_are_not_written(text: str) -> None:
    for media in (
        sdp.Media("audio", mid=text or " ", formats=["0"]),
        sdp.Media("audio", mid="0", formats=["0"], msid=(text, "x")),
        sdp.Media("audio", mid="0", formats=["0"], ssrcs=[1], cname=text),
    ):
        with pytest.raises(SdpError, match="token"):
            sdp.serialise(sdp.SessionDescription(media=[media]))


def test_no_value_can_begin_a_line_of_its_own() -> None:
    media = sdp.Media("audio", mid="0", formats=["0"], ice_ufrag="x\r\na=evil", ice_pwd="y")
    with pytest.raises(SdpError):
        sdp.serialise(sdp.SessionDescription(media=[media]))


REFUSALS = (None, "sdp_invalid", "sdp_too_large")
NAMES = "mid msid rtpmap fmtp rtcp-fb ssrc ssrc-group extmap candidate rid simulcast fingerprint setup group"
VALUES = st.text(st.characters(codec="ascii"), max_size=60) | st.from_regex(
    r"[0-9]{1,6} [a-z0-9/:=;. -]{0,40}", fullmatch=True
)


def refusal_of(text: str) -> str | None:
    try:
        sdp.parse(text)
    except SdpError as refusal:
        return refusal.code
    return None


@settings(deadline=None)
@given(st.text(max_size=300))
def test_random_text_raises_only_sdp_error(text: str) -> None:
    assert refusal_of(text) in REFUSALS
    assert refusal_of(OFFER + text) in REFUSALS


@settings(deadline=None)
@given(st.data())
def test_damaged_offers_raise_only_sdp_error(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([OFFER, *TEXTS.values()]))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    assert refusal_of(text[:start] + data.draw(st.text(max_size=10)) + text[end:]) in REFUSALS


@settings(deadline=None)
@given(st.sampled_from(NAMES.split()), VALUES)
def test_random_values_raise_only_sdp_error(name: str, value: str) -> None:
    assert refusal_of(f"{OFFER}a={name}:{value}\n") in REFUSALS
    assert refusal_of(OFFER.replace("t=0 0", f"t=0 0\na={name}:{value}")) in REFUSALS
