"""A track as it arrives: what is passed on, what is remembered, what is asked of the publisher."""

from sfu.formats import Format, Payload
from sfu.keyframes import KEYFRAME_REQUEST_INTERVAL_S
from sfu.layers import ALL
from sfu.numbering import BEGIN_ANEW_INTERVAL_S
from sfu.rtp import RtpPacket
from sfu.stream import CODEC_HOLDS_S
from tests.sfu.copies import SSRC, Collector, Source
from tests.sfu.packets import audio_packet, video_packet


def source_and_sink() -> tuple[Source, Collector]:
    source, sink = Source(), Collector()
    source.publication.add_sink(sink)
    return source, sink


def test_a_mute_counts_for_what_was_read_but_not_passed_on() -> None:
    """[RTP-08] Nor can it be asked for again."""
    source, sink = source_and_sink()
    source.send(1, now=1.0)
    source.arrives(2, 1.1)
    view = source.stream.enter(ALL)
    source.publication.pause(True, 1.1)
    source.end_batch()
    source.send(3, now=1.2)
    assert sink.sequences == [1]
    assert len(view.history) == 0
    source.publication.pause(False, 1.2)
    source.send(4, now=1.3)
    assert sink.sequences == [1, 3]


def test_a_picture_no_camera_makes_is_dropped() -> None:
    """A decoder would allocate what the header claims."""
    source, sink = source_and_sink()
    head = video_packet(1, 0, SSRC, 0, 0, 1, 60)
    for width, height in ((4097, 16), (16, 4097), (4096, 4096)):
        data = bytearray(head)
        data[2:4] = (data[3] + 1).to_bytes(2, "big")
        size = width.to_bytes(2, "little") + height.to_bytes(2, "little")
        source.stream.receive(RtpPacket.parse(bytes(data).replace(bytes.fromhex("80026801"), size)), 1.0)
        head = bytes(data)
    source.end_batch()
    assert source.stream.drops["frame_too_large"] == 2
    assert source.stream.sizes == ((4096, 4096),)
    assert len(sink.sequences) == 1


def test_a_merged_request_is_made_when_its_time_has_come() -> None:
    source, _ = source_and_sink()
    source.send(1, now=1.0)
    source.stream.request_keyframe(1.0)
    source.stream.request_keyframe(1.1)
    source.publication.tick(1.2)
    assert source.plis() == 1
    source.publication.tick(1.1 + KEYFRAME_REQUEST_INTERVAL_S)
    assert source.plis() == 2
    source.send(2, now=1.7, picture=0)
    source.publication.tick(9.0)
    assert source.plis() == 2


def test_what_is_lost_for_good_is_mended_by_a_keyframe() -> None:
    source, _ = source_and_sink()
    source.send(1, 3, now=1.0)
    source.publication.tick(1.9)
    assert source.plis() == 0
    source.publication.tick(2.1)
    source.publication.tick(2.2)
    assert source.plis() == 1


def test_an_encoder_may_begin_anew_once_in_a_while() -> None:
    """Each time costs every sink; who changes its SSRC with each packet loses its own."""
    source, sink = source_and_sink()
    for number in range(10):
        source.arrives(number * 5000, 1.0 + number / 100, ssrc=10 + number)
    source.arrives(7, 1.0 + BEGIN_ANEW_INTERVAL_S + 0.1, ssrc=50)
    source.end_batch()
    assert sink.restarts == 2
    assert len(sink.sequences) == 3


def test_a_sender_may_change_its_codec_once_in_a_while() -> None:
    """Who changes it with each packet loses what it sends in the other one."""
    both = (Payload("VP8", 90_000, 96), Payload("H264", 90_000, 102))
    source, sink = Source(Format("video", both)), Collector()
    source.publication.add_sink(sink)
    for number in range(100):
        data = bytearray(video_packet(number, 0, SSRC, 0, 0, 1, 300))
        data[1] = 0x80 | both[number % 2].payload_type
        source.stream.receive(RtpPacket.parse(bytes(data)), 1.0 + number * CODEC_HOLDS_S / 50)
        source.end_batch()
    assert sink.restarts == 2
    assert source.stream.drops.as_dict()["rate_limited"] > 40


def test_sound_is_not_remembered() -> None:
    source, sink = Source(Format("audio", (Payload("OPUS", 48_000, 111),))), Collector()
    source.publication.add_sink(sink)
    view = source.stream.enter(ALL)
    source.stream.receive(RtpPacket.parse(audio_packet(1, 0, SSRC)), 1.0)
    source.end_batch()
    assert (source.stream.packets, sink.sequences, len(view.history)) == (1, [1], 0)


def test_a_sink_is_added_once() -> None:
    source, sink = source_and_sink()
    source.publication.add_sink(sink)
    source.send(1, now=1.0)
    assert (sink.begun, sink.sequences) == (1, [1])
