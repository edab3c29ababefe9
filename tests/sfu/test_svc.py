"""Spatial layers as Chromium sends them, cut down for a receiver that has no use for all."""

import itertools

import pytest

from sfu.codecs import DEPENDENCY_DESCRIPTOR_URI
from sfu.formats import Format, Payload
from sfu.layers import ALL, Limits
from sfu.rtp import RtpPacket
from sfu.writer import Agreed
from tests.sfu.captures import load
from tests.sfu.copies import Copy, Source

STREAMS = ["vp9-l3t3", "vp9-l3t3-key", "av1-l3t3", "av1-l3t3-key"]


def stream(name: str) -> tuple[int, list[RtpPacket]]:
    """The capture, in numbers without the gaps that Chromium's probing has left in it."""
    identifier, packets = load(f"chromium-156-{name}")
    numbered = [
        RtpPacket.parse(one.data[:2] + (65_400 + index & 0xFFFF).to_bytes(2, "big") + one.data[4:])
        for index, one in enumerate(packets)
    ]
    return identifier, numbered


def played(name: str) -> tuple[Source, Copy]:
    """A source of that stream, and who takes all of it."""
    codec = name.split("-")[0].upper()
    identifier, packets = stream(name)
    payload = Payload(codec, 90_000, packets[0].payload_type)
    source = Source(Format("video", (payload,), extensions=((DEPENDENCY_DESCRIPTOR_URI, identifier),)))
    return source, Copy(source, Agreed({codec: (96, 97)}))


def received(name: str, *changes: tuple[int, Limits]) -> list[RtpPacket]:
    """What arrives when from the so many-th packet on these layers are aimed at."""
    source, copy = played(name)
    _, packets = stream(name)
    pictures = itertools.groupby(enumerate(packets), key=lambda one: one[1].timestamp)
    for number, (_, picture) in enumerate(pictures):
        for index, packet in picture:
            for at, limits in changes:
                if index == at:
                    copy.subscription.aim(source.stream, limits)
            source.stream.receive(packet, 1.0 + number / 15)
        source.end_batch()
    found = copy.received()
    copy.close()
    return found


def layers_of(name: str, packets: list[RtpPacket]) -> list[tuple[int, int, int]]:
    """(timestamp, spatial, temporal) of the same payloads in the original."""
    source, copy = played(name)
    copy.close()
    _, originals = stream(name)
    read = source.stream._read
    assert read is not None
    by_payload = {}
    for one in originals:
        found = read(one)
        key = one.timestamp, one.data[one.payload_start + 3 : one.payload_end]
        by_payload[key] = (one.timestamp, found.spatial_id, found.temporal_id)
    return [by_payload[p.timestamp, p.data[p.payload_start + 3 : p.payload_end]] for p in packets]


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("limits", [Limits(0, 7), Limits(1, 7), Limits(7, 0), Limits(0, 0), Limits(1, 1)])
def test_a_receiver_of_few_layers_gets_whole_pictures(name: str, limits: Limits) -> None:
    packets = received(name, (0, limits))
    assert [one.sequence_number for one in packets] == [
        (packets[0].sequence_number + index) & 0xFFFF for index in range(len(packets))
    ]
    layers = layers_of(name, packets)
    assert {spatial for _, spatial, _ in layers} == set(range(min(limits.spatial, 2) + 1))
    assert {temporal for _, _, temporal in layers} == set(range(min(limits.temporal, 2) + 1))
    pictures = [list(picture) for _, picture in itertools.groupby(packets, key=lambda one: one.timestamp)]
    # The capture ends within a picture.
    for *others, last in pictures[:-1]:
        assert last.marker
        assert not any(one.marker for one in others)


@pytest.mark.parametrize("name", STREAMS)
def test_layers_are_left_with_any_picture_and_come_back_with_a_keyframe(name: str) -> None:
    packets = received(name, (0, ALL), (100, Limits(0, 7)), (200, ALL))
    layers = layers_of(name, packets)
    _, originals = stream(name)
    change, back = originals[100].timestamp, originals[200].timestamp
    assert {spatial for at, spatial, _ in layers if at < change} == {0, 1, 2}
    assert {spatial for at, spatial, _ in layers if change < at < back} == {0}
    numbers = [one.sequence_number for one in packets]
    assert numbers == [(numbers[0] + index) & 0xFFFF for index in range(len(numbers))]
