"""What may be said over Socket.IO, and what is refused before anybody looks at it."""

import pytest

from server import protocol
from server.narrow_socketio import TextPacket
from server.protocol import MessageInvalid
from server.throttle import TokenBucket

SDP = "v=0\r\n"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("join", {}),
        ("join", None),
        ("join", {"after": 7}),
        ("command", {"type": "leave"}),
        ("command", {"type": "chat", "text": "Xin chào"}),
        ("command", {"type": "mute", "source": "microphone", "muted": True}),
        ("command", {"type": "start_recording"}),
        ("publish", {"sdp": SDP, "sources": {"0": "microphone"}}),
        ("subscribe", {"tracks": [{"participant_id": "p", "source": "camera", "width": 320, "height": 180}]}),
        ("subscribe", {"tracks": [], "speakers": 8}),
        ("publish", {"sdp": SDP, "sources": {"0": "screen"}, "hints": {"screen": "detail"}}),
        ("publish", {"sdp": SDP, "sources": {"0": "screen"}, "hints": None}),
        ("answer", {"sdp": SDP}),
        ("renew_media", {}),
    ],
)
def test_the_protocol_is_understood(name: str, data: object) -> None:
    protocol.parse(name, data)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("sing", {}),
        ("join", {"after": -1}),
        ("join", {"after": "7"}),
        ("join", {"after": None, "role": "chair"}),
        ("join", []),
        ("command", {}),
        ("command", {"type": "promote", "role": "chair"}),
        ("command", {"type": "leave", "participant_id": "somebody"}),
        ("command", {"type": "chat", "text": "x" * 20_001}),
        ("command", {"type": "chat", "text": ["x"]}),
        ("command", {"type": "mute", "source": "brain", "muted": True}),
        ("command", {"type": "mute", "source": "camera", "muted": "yes"}),
        ("publish", {"sdp": SDP, "sources": {"0": "microphone", "1": "mirror"}}),
        ("publish", {"sdp": SDP, "sources": {str(number): "camera" for number in range(17)}}),
        ("subscribe", {"tracks": [{"participant_id": "p", "source": "camera"}] * 257}),
        ("subscribe", {"tracks": [{"participant_id": "", "source": "camera"}]}),
        ("subscribe", {"tracks": [], "speakers": 9}),
        ("subscribe", {"tracks": [], "speakers": -1}),
        ("subscribe", {"tracks": [], "speakers": "3"}),
        ("subscribe", {"tracks": [], "speakers": True}),
        ("subscribe", {"tracks": [], "speakers": None}),
        ("subscribe", {"tracks": [{"participant_id": "p", "source": "camera", "width": 99_999}]}),
        ("publish", {"sdp": SDP, "sources": {}, "hints": {"screen": "beauty"}}),
        ("publish", {"sdp": SDP, "sources": {}, "hints": {"mirror": "detail"}}),
        ("publish", {"sdp": SDP, "sources": {}, "hints": ["detail"]}),
        ("answer", None),
        ("answer", 3.5),
    ],
)
def test_nonsense_is_refused(name: str, data: object) -> None:
    with pytest.raises(MessageInvalid):
        protocol.parse(name, data)


@pytest.mark.parametrize(
    "encoded",
    [
        '59999999999-["m",{}]',
        '51-["m",{"_placeholder":true,"num":0}]',
        "61-[]",
        b"bytes",
        "2/admin,[]",
        '2{"a":1}',
        "2[]",
        "2[1]",
        '2["m",1,2]',
        "2" + "[" * 100_000,
        '2["m",NaN]',
        "9",
        "",
        "4",
    ],
)
def test_packets_outside_the_protocol_are_unreadable(encoded: object) -> None:
    with pytest.raises(ValueError):
        TextPacket().decode(encoded)


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    now = [100.0]
    bucket = TokenBucket(rate_per_s=2, burst=3, clock=lambda: now[0])
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    now[0] += 1
    assert [bucket.take() for _ in range(3)] == [True, True, False]
