"""Transport-wide numbers through the node: told to publishers, written for subscribers and read from their feedback."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import ClassVar

from sfu import rtcp
from sfu.negotiation import AUDIO_LEVEL_URI, MID_URI, TRANSPORT_WIDE_CC_URI
from sfu.receiver import EASE_S
from sfu.rtp import RtpPacket
from sfu.transport_feedback import TICK_S, FeedbackWriter, TransportFeedback
from tests.sfu.calls import CAMERA, MICROPHONE, Call, LightPublisher, LightSubscriber, light
from tests.sfu.clients import running_node, until

NUMBER_ID = 3


class NumberedPublisher(LightPublisher):
    """Numbers all its packets in one sequence, as browsers do."""

    extensions: ClassVar = {1: AUDIO_LEVEL_URI, NUMBER_ID: TRANSPORT_WIDE_CC_URI, 4: MID_URI}
    number = 65_500

    def send_rtp(self, data: bytes) -> None:
        """With the next number."""
        element = bytes((NUMBER_ID << 4 | 1,)) + (self.number & 0xFFFF).to_bytes(2, "big") + b"\0"
        self.number += 1
        super().send_rtp(b"\x90" + data[1:12] + b"\xbe\xde\0\1" + element + data[12:])


class NumberedSubscriber(LightSubscriber):
    """Agrees to numbers."""

    accepted = frozenset({TRANSPORT_WIDE_CC_URI, MID_URI})

    def numbers(self) -> list[int]:
        """Those of all packets, in order of arrival."""
        identifier = next(iter(self.agreed.values()))[TRANSPORT_WIDE_CC_URI]
        read = (RtpPacket.parse(data).extension(identifier) for data in self.rtp)
        return [int.from_bytes(one, "big") for one in read if one is not None]


@contextlib.asynccontextmanager
async def numbered_call() -> AsyncIterator[Call]:
    async with running_node() as server:
        one = Call(server, NumberedPublisher(), NumberedSubscriber())
        async with light(one.alice, one.bob):
            await one.alice.join(server, "p1", "alice")
            await one.bob.want(server, "s1", CAMERA, MICROPHONE)
            await one.goes_on()
            yield one


def feedback(call: Call) -> list[TransportFeedback]:
    return [message for message in call.alice.rtcp if isinstance(message, TransportFeedback)]


async def test_a_publisher_hears_of_each_packet_once() -> None:
    async with numbered_call() as call:
        alice = call.alice
        assert isinstance(alice, NumberedPublisher)
        await alice.send_frames(30)
        last = alice.number
        told = await until(
            lambda: (
                numbers
                if (numbers := [m.base_number + at for m in feedback(call) for at in m.received])
                and (last - 1) & 0xFFFF in {one & 0xFFFF for one in numbers}
                else None
            )
        )
        assert sorted(one & 0xFFFF for one in told) == sorted(n & 0xFFFF for n in range(65_500, last))
        assert {message.media_ssrc for message in feedback(call)} <= {alice.audio_ssrc, alice.video_ssrc}


async def test_a_subscribers_packets_are_numbered_in_one_sequence() -> None:
    """Sound, picture and what is sent again."""
    async with numbered_call() as call:
        bob = call.bob
        assert isinstance(bob, NumberedSubscriber)
        video = bob.packets(*CAMERA)
        bob.send_rtcp(rtcp.Nack(1, video[0].ssrc, (video[-1].sequence_number,)).to_bytes())
        await call.goes_on()
        numbers = bob.numbers()
        assert len(numbers) == len(bob.rtp)
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        ssrcs = {RtpPacket.parse(data).ssrc for data in bob.rtp}
        assert len(ssrcs) == 3
        mids = {RtpPacket.parse(data).extension(4) for data in bob.rtp}
        assert mids == {mid.encode() for mid in bob.slots.values()}


async def test_feedback_moves_the_estimate() -> None:
    """Half of the packets lost and a growing delay, for seconds: the estimate falls; nonsense moves nothing."""
    async with numbered_call() as call:
        bob = call.bob
        assert isinstance(bob, NumberedSubscriber)
        downlink = call.server.node._peers["s1"].downlink  # type: ignore[attr-defined]
        writer, at = FeedbackWriter(1, 1), 0
        for told in range(1, 200):
            if downlink.estimator.loss > 0.2:
                break
            await call.alice.send_frames(4, keyframe_first=False)
            numbers = bob.numbers()
            late = [(n, told * 400 + told * told * 8 + i) for i, n in enumerate(numbers[at:]) if n % 2]
            if late:
                for message in writer.write(late, numbers[at]):
                    bob.send_rtcp(message.to_bytes())
            at = len(numbers)
        assert downlink.estimator.loss > 0.2
        unknown = downlink.estimator.unknown
        for message in writer.write([(40_000 + n, n) for n in range(100)], 40_000):
            bob.send_rtcp(message.to_bytes())
        await until(lambda: downlink.estimator.unknown > unknown)
        assert downlink.stats()["estimate_bps"] >= 30_000


async def test_feedback_for_packets_never_sent_moves_nothing() -> None:
    """Nor do requests for them: they are counted, and the call goes on."""
    async with numbered_call() as call:
        bob = call.bob
        assert isinstance(bob, NumberedSubscriber)
        estimator = call.server.node._peers["s1"].downlink.estimator  # type: ignore[attr-defined]
        video, ahead = bob.packets(*CAMERA)[-1], bob.numbers()[-1] + 5_000
        for told in range(100):
            base = (ahead + 20 * told) & 0xFFFF
            message = TransportFeedback(1, 1, base, 20, told, told, tuple(range(20)), (255,) * 20)
            bob.send_rtcp(message.to_bytes())
            missing = tuple((video.sequence_number + 1000 + told * 10 + n) & 0xFFFF for n in range(10))
            bob.send_rtcp(rtcp.Nack(1, video.ssrc, missing).to_bytes())
        await until(lambda: estimator.unknown >= 20)
        await until(lambda: call.server.drops["nack_not_in_history"] >= 1000)
        assert estimator.loss == 0
        await call.goes_on()
        assert call.server.drops["handler_failed"] == 0


async def test_what_comes_in_one_packet_with_feedback_is_read_in_any_case() -> None:
    """Only feedback that comes alone may be passed over."""
    async with numbered_call() as call:
        bob = call.bob
        assert isinstance(bob, NumberedSubscriber)
        receiver = call.server.node._peers["s1"]
        lost = bob.packets(*CAMERA)[-1]
        message = FeedbackWriter(1, 1).write([(bob.numbers()[-1], 1)], bob.numbers()[-1])[0].to_bytes()
        before = len(bob.rtp)
        receiver.tick = lambda now: None  # type: ignore[method-assign]
        bob.send_rtcp(message + rtcp.Nack(1, lost.ssrc, (lost.sequence_number,)).to_bytes())
        await until(lambda: len(bob.rtp) > before)


async def test_while_all_goes_through_a_sample_of_the_feedback_is_read() -> None:
    """What is not read counts neither as lost nor as unknown."""
    async with numbered_call() as call:
        bob = call.bob
        assert isinstance(bob, NumberedSubscriber)
        estimator = call.server.node._peers["s1"].downlink.estimator  # type: ignore[attr-defined]
        writer, at, told = FeedbackWriter(1, 1), 0, 0
        began = time.monotonic()
        while time.monotonic() - began < 3:
            await call.alice.send_frames(2, keyframe_first=False)
            numbers = bob.numbers()
            tick = round(time.monotonic() / TICK_S)
            for message in writer.write(
                [(n, tick) for n in numbers[at:]], numbers[at] if at < len(numbers) else 0
            ):
                bob.send_rtcp(message.to_bytes())
                told += 1
            at = len(numbers)
            await asyncio.sleep(0.02)
        assert told > 2 * 3 / EASE_S, "too few to tell"
        assert 3 / EASE_S / 3 <= estimator.messages < 0.75 * told
        assert (estimator.loss, estimator.unknown) == (0, 0)
