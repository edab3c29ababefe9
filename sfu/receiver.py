"""A peer that gets tracks: we offer slots and fill them, or answer a WHEP player."""

import secrets
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from sfu import rtcp, sdp
from sfu.downlink import Downlink, Wish
from sfu.drops import DropReason
from sfu.errors import PeerError
from sfu.header import Extensions, layout_of
from sfu.health import Counted, Health
from sfu.limits import TokenBucket
from sfu.negotiation import (
    ABS_SEND_TIME_URI,
    AUDIO_LEVEL_URI,
    MID_URI,
    TRANSPORT_WIDE_CC_URI,
    AcceptedMedia,
    Agreement,
    Slot,
    answer_player,
    offer_slots,
    read_answer,
)
from sfu.peer import Peer, Worker
from sfu.quality import Link
from sfu.router import Router, TrackKey
from sfu.sdp import SessionDescription
from sfu.speakers import FixedSlots
from sfu.subscription import Subscription
from sfu.transport import MOST_SSRCS, State
from sfu.transport_feedback import TransportFeedback
from sfu.writer import Agreed

# Below the 64 sections a description may have.
MOST_SLOTS = 60
# Fixed places for the loudest: three of them and two holders of the floor are five.
MOST_SPEAKERS = 8
# A fifth of 5,000 packets/s asked for four times over; each is a look-up, whether it is answered or not.
NACKED_PER_S = NACKED_BURST = 4_000
# Browsers tell of arrivals up to twenty times a second, and the clock ticks as often: more is only of a flood, or
# after the clock stood still for a second.
MOST_FEEDBACK = 20
# While all that is wanted goes through, a look so often is enough, at the last message of those that came.
EASE_S = 0.25
# One-byte header extensions have ids up to 14 (RFC 8285, 4.2) and up to 16 bytes.
_HIGHEST_ID, _LONGEST_MID = 14, 16


class Want(NamedTuple):
    """A track and the pixels of its place on the screen, 0 where they are not told."""

    key: TrackKey
    width: int = 0
    height: int = 0


@dataclass(slots=True)
class _Place:
    """A slot of the description, the copy that fills it, of what and how large, the RTCP name of its owner."""

    slot: Slot
    subscription: Subscription
    want: Want | None = None
    cname: str = ""
    is_speaker: bool = False

    @property
    def key(self) -> TrackKey | None:
        return self.want.key if self.want is not None else None


class ReceivingPeer(Peer):
    """The slots of one peer. It states all it wants each time; slots change tracks without an offer.

    `owner` is whose peer it is: nobody hears their own voice among the loudest.
    """

    direction = "down"
    # Firefox sends the reports of each section under an SSRC of its own.
    most_ssrcs: ClassVar[int] = MOST_SLOTS + MOST_SSRCS

    def __init__(self, worker: Worker, router: Router, name: str, owner: str | None = None) -> None:
        super().__init__(worker, router, name, owner)
        self._counted = Counted(0, time.monotonic())
        self.downlink = Downlink(self._wishes)
        self._places: list[_Place] = []
        self._speakers = FixedSlots(0)
        self._offered: list[SessionDescription] = []
        self._agreed = 0
        self._feedback: list[tuple[bytes, float]] = []
        self._at_ease_until = 0.0
        self._nack_budget = TokenBucket(NACKED_PER_S, NACKED_BURST, time.monotonic())

    # What is wanted

    def want(self, wants: Sequence[Want], speakers: int = 0) -> str | None:
        """Fill slots with these tracks, empty the others. Returns an offer if there were too few slots."""
        wanted = {want.key: want for want in wants}
        self._check_room(list(wanted), speakers)
        self._free_all_but(wanted)
        there = {place.key: place for place in self._places if not place.is_speaker}
        for key, want in wanted.items():
            if key in there:
                there[key].want = want
            else:
                self._fill(self._place_for(key), want)
        self._seat_speakers(speakers)
        self.downlink.allocate(time.monotonic())
        self._at_ease_until = 0.0
        return self._offer() if len(self._places) > self._offered_slots() else None

    def _check_room(self, wanted: Sequence[TrackKey], speakers: int = 0) -> None:
        if not 0 <= speakers <= MOST_SPEAKERS:
            raise PeerError("peer_limit", f"there are at most {MOST_SPEAKERS} places for speakers")
        have = Counter(place.slot.kind for place in self._places if not place.is_speaker)
        seats = max(speakers, len(self._speaker_places()))
        if ((Counter(key.kind for key in wanted)) | have).total() + seats > MOST_SLOTS:
            raise PeerError("peer_limit", f"a peer receives at most {MOST_SLOTS} tracks")

    def _free_all_but(self, wanted: dict[TrackKey, Want]) -> None:
        for place in self._places:
            if not place.is_speaker and place.key is not None and place.key not in wanted:
                self._empty(place)

    def _empty(self, place: _Place) -> None:
        if place.key is not None:
            self.router.remove_sink(place.key, place.subscription)
            place.want = None

    def _place_for(self, key: TrackKey) -> _Place:
        """A slot in the stream of the same publisher's other track, else in one that nobody uses, else a new one."""
        places = [place for place in self._places if not place.is_speaker]
        clocks = {place.slot.stream: _clock(place.key) for place in places if place.key is not None}
        own = next((stream for stream, clock in clocks.items() if clock == _clock(key)), None)
        free = [place for place in places if place.key is None and place.slot.kind == key.kind]
        for place in free:
            if place.slot.stream == own:
                return place
        if own is None:
            unused = [place for place in free if place.slot.stream not in clocks]
            free = unused or (free if self._is_full() else [])
        elif not self._is_full():
            free = []
        return free[0] if free else self._new_place(key.kind, own)

    def _is_full(self) -> bool:
        """Whether a track must do with a slot of a foreign stream: it is played, but out of step perhaps."""
        return len(self._places) >= MOST_SLOTS

    def _new_place(self, kind: str, stream: str | None = None) -> _Place:
        used = {ssrc for place in self._places for ssrc in (place.slot.ssrc, place.slot.rtx_ssrc)}
        ssrc, rtx_ssrc = _unused_ssrc(used), _unused_ssrc(used) if kind == "video" else None
        # All of one length: they are written into every packet.
        mid = f"{len(self._places):02}"
        slot = Slot(mid, kind, ssrc, rtx_ssrc, stream or f"stream-{mid}")
        subscription = Subscription(self.transport, self.worker.output, self.downlink, kind, ssrc, rtx_ssrc)
        place = _Place(slot, subscription)
        self._places.append(place)
        return place

    def _fill(self, place: _Place, want: Want) -> None:
        place.want, place.cname = want, self.router.cname(want.key.owner)
        self.router.add_sink(want.key, place.subscription)

    def slots(self) -> list[dict[str, str]]:
        """Which track is where."""
        return [
            {"mid": place.slot.mid, "owner": place.key.owner, "source": place.key.source}
            for place in self._places
            if place.key is not None and not place.is_speaker
        ]

    # The loudest

    def speaker_mids(self) -> list[str]:
        """The slots in which the loudest are heard who are not wanted by name."""
        return [place.slot.mid for place in self._speaker_places()]

    def _speaker_places(self) -> list[_Place]:
        return [place for place in self._places if place.is_speaker]

    def _seat_speakers(self, count: int) -> None:
        """So many places for them, or more where there were more: sections never go (RFC 8829, 5.2.2)."""
        have = len(self._speaker_places())
        if count > have:
            for _ in range(count - have):
                self._new_place("audio").is_speaker = True
            self._speakers = FixedSlots(count)
            for place in self._speaker_places():
                self._empty(place)
            if not have:
                self.router.audience.on_change.append(self._hear)
        self._hear(self.router.audience.audible)

    def _hear(self, audible: Sequence[str]) -> None:
        """Others are let through now."""
        named = {key.owner for place in self._places if (key := _microphone_by_name(place)) is not None}
        others = [owner for owner in audible if owner != self.owner and owner not in named]
        for place, owner in zip(self._speaker_places(), self._speakers.assign(others), strict=True):
            key = TrackKey(owner, "microphone") if owner is not None else None
            if place.key != key:
                self._empty(place)
                if key is not None:
                    self._fill(place, Want(key))

    # Negotiation

    def _offered_slots(self) -> int:
        return len(self._offered[-1].media) if self._offered else self._agreed

    def _offer(self) -> str:
        offer = offer_slots([place.slot for place in self._places], self.local(), self.next_version())
        self._offered.append(offer)
        if self.transport.state is State.NEW:
            self.transport.begin_deadline()
        return sdp.serialise(offer)

    def accept(self, answer: str) -> None:
        """The answer to an offer of ours. Raises SdpError, and PeerError no_offer_pending.

        An answer may arrive after a larger offer has been made; the one with as many sections is meant.
        """
        if not self._offered:
            raise PeerError("no_offer_pending", "no offer waits for an answer")
        described = sdp.parse(answer)
        offer = next((o for o in self._offered if len(o.media) == len(described.media)), self._offered[-1])
        agreement = read_answer(offer, described)
        self.check_same_end(agreement.remote)
        self._offered = self._offered[self._offered.index(offer) + 1 :]
        self._agreed = max(self._agreed, len(offer.media))
        self._agree(agreement)

    def play(self, offer: str, keys: list[TrackKey]) -> str:
        """Answer a player's offer; the first tracks of each kind that it has sections for are sent."""
        described = sdp.parse(offer)
        self._check_room(keys)
        for key in dict.fromkeys(keys):
            self._fill(self._place_for(key), Want(key))
        slots = [place.slot for place in self._places]
        agreement = answer_player(described, self.local(), slots, self.next_version())
        mids = {slot.ssrc: slot for slot in agreement.slots.values()}
        for place in self._places:
            place.slot = mids.get(place.slot.ssrc, place.slot)
        self._keep_only(set(mids))
        self._agreed = len(self._places)
        self._agree(agreement)
        return sdp.serialise(agreement.description)

    def _keep_only(self, ssrcs: set[int]) -> None:
        for place in self._places:
            if place.slot.ssrc not in ssrcs:
                self._empty(place)
        self._places = [place for place in self._places if place.slot.ssrc in ssrcs]

    def _agree(self, agreement: Agreement) -> None:
        self.transport.describe_remote(agreement.remote.fingerprints, agreement.remote.our_role)
        self.transport.declare_ssrcs(ssrc for media in agreement.media for ssrc in media.ssrcs)
        agreed = {media.mid: media for media in agreement.media}
        for place in self._places:
            media = agreed.get(place.slot.mid)
            if media is not None:
                place.subscription.activate(_agreed(media))
        if any("transport-cc" in media.feedback for media in agreement.media):
            self.downlink.expect_feedback()
        video = [media for media in agreement.media if media.kind == "video"]
        if video:
            forms = (set(media.payload_types) for media in video)
            self.router.set_ability(self.name, frozenset(set.intersection(*forms)))

    # The peer

    def transport_changed(self, state: State, reason: str) -> None:
        """Keyframes are due as soon as there is a way to send them."""
        super().transport_changed(state, reason)
        if state is State.CONNECTED:
            for place in self._places:
                place.subscription.resume()

    def rtcp_received(self, data: bytes) -> None:
        """Feedback about arrivals waits for the clock: all peers' together is read with warm caches."""
        if not rtcp.is_transport_feedback(data):
            return super().rtcp_received(data)
        self._feedback.append((data, time.monotonic()))
        del self._feedback[:-MOST_FEEDBACK]
        return None

    def handle_rtcp(self, message: rtcp.Message, now: float) -> None:
        """Requests and reports about our copies; about others' streams there is nothing to say here."""
        if isinstance(message, TransportFeedback):
            self.downlink.feedback(message, now)
        elif isinstance(message, rtcp.Nack):
            self._retransmit(message, now)
        elif isinstance(message, rtcp.Pli):
            self._each(message.media_ssrc, lambda one: one.keyframe_needed(now))
        elif isinstance(message, rtcp.Fir):
            for ssrc in message.ssrcs:
                self._each(ssrc, lambda one: one.keyframe_needed(now))
        elif isinstance(message, rtcp.ReceiverReport | rtcp.SenderReport):
            for block in message.blocks:
                self._each(block.ssrc, lambda one, block=block: self._reported(one, block, now))
        elif isinstance(message, rtcp.Remb):
            self.downlink.remb(message)

    def _reported(self, subscription: Subscription, block: rtcp.ReportBlock, now: float) -> None:
        rtt_s = subscription.received(block, now)
        self.downlink.estimator.receiver_report(subscription.fraction_lost, rtt_s, now)

    def _retransmit(self, request: rtcp.Nack, now: float) -> None:
        numbers = request.sequence_numbers
        self._at_ease_until = 0.0
        if self._nack_budget.take(len(numbers), now):
            self._each(request.media_ssrc, lambda one: one.retransmit(numbers, now))
        else:
            self.worker.output.drops.count(DropReason.NACK_OVER_BUDGET, len(numbers))

    def _each(self, ssrc: int, action: Any) -> None:
        for place in self._places:
            if place.slot.ssrc == ssrc:
                action(place.subscription)

    def tick(self, now: float) -> None:
        """Read what the receiver tells of arrivals; choose layers by what the connection bears."""
        if now < self._at_ease_until:
            return
        self._read_feedback()
        if self.transport.state is State.CONNECTED:
            self.downlink.tick(now)
        self._at_ease_until = now + EASE_S if self.downlink.is_at_ease else 0.0

    def _read_feedback(self) -> None:
        """All of it, or while all goes through the last message."""
        feedback, self._feedback = self._feedback, []
        for data, came_at in feedback[-1:] if self.downlink.is_at_ease else feedback:
            self.read_rtcp(data, came_at)

    def report(self, now: float) -> None:
        """A sender report for each slot that is playing."""
        for place in self._places:
            if place.key is not None:
                data = place.subscription.report(now, place.cname)
                if data is not None:
                    self.transport.send_rtcp(data)

    def _wishes(self) -> Iterator[Wish]:
        for place in self._places:
            if place.want is not None:
                want = place.want
                yield Wish(place.subscription, want.key.source, want.width, want.height)

    def release(self) -> None:
        """Nothing more is wanted."""
        if self._hear in self.router.audience.on_change:
            self.router.audience.on_change.remove(self._hear)
        self.router.set_ability(self.name, None)
        for place in self._places:
            self._empty(place)

    def health(self, now: float) -> Health:
        """What arrives there of what we send, by the receiver's own reports."""
        playing = [place.subscription for place in self._places if place.key is not None]
        octets, elapsed_s = self._counted.since(sum(one.subscription.octets for one in self._places), now)
        link = Link(
            loss=self.downlink.loss(playing),
            rtt_ms=self.downlink.estimator.rtt_s * 1000,
            jitter_ms=max((one.jitter_s * 1000 for one in playing), default=0.0),
            video_share=self.downlink.share,
            silent_s=self.transport.silent_s(now),
        )
        return Health(link, octets * 8 / elapsed_s if elapsed_s else 0.0)

    def stats(self) -> dict[str, Any]:
        """With one entry per slot."""
        slots = {
            place.slot.mid: {
                "track": place.key._asdict() if place.key else None,
                **place.subscription.stats(),
            }
            for place in self._places
        }
        return {**super().stats(), "downlink": self.downlink.stats(), "slots": slots}


def _agreed(media: AcceptedMedia) -> Agreed:
    ids = {uri: number for uri, number in media.extensions.items() if number <= _HIGHEST_ID}
    numbered = ids.get(TRANSPORT_WIDE_CC_URI, 0) if "transport-cc" in media.feedback else 0
    mid = ids.get(MID_URI, 0) if len(media.mid) <= _LONGEST_MID else 0
    plain = Extensions(mid=mid, mid_length=len(media.mid) if mid else 0)
    extensions = plain._replace(
        transport_wide_number=numbered,
        send_time=0 if numbered else ids.get(ABS_SEND_TIME_URI, 0),
        audio_level=ids.get(AUDIO_LEVEL_URI, 0) if media.kind == "audio" else 0,
    )
    return Agreed(media.payload_types, layout_of(extensions), layout_of(plain), media.mid)


def _microphone_by_name(place: _Place) -> TrackKey | None:
    key = place.key if not place.is_speaker else None
    return key if key is not None and key.source == "microphone" else None


def _clock(key: TrackKey | None) -> tuple[str, bool] | None:
    """What runs on one clock: a publisher's microphone and camera, or the shared screen and its sound."""
    return (key.owner, key.source.startswith("screen")) if key is not None else None


def _unused_ssrc(used: set[int | None]) -> int:
    while (ssrc := secrets.randbits(32)) in used or ssrc <= 1:
        pass
    used.add(ssrc)
    return ssrc
