"""A peer that gets tracks: we offer slots and fill them, or answer a WHEP player."""

import secrets
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

from sfu import rtcp, sdp
from sfu.drops import DropReason
from sfu.errors import PeerError
from sfu.limits import TokenBucket
from sfu.negotiation import (
    Agreement,
    Slot,
    answer_player,
    offer_slots,
    read_answer,
)
from sfu.peer import Peer, Worker
from sfu.router import Router, TrackKey
from sfu.sdp import Codec, SessionDescription
from sfu.subscription import Subscription
from sfu.transport import MOST_SSRCS, State

# Below the 64 sections a description may have.
MOST_SLOTS = 60
# A fifth of 5,000 packets/s asked for four times over; each is a look-up, whether it is answered or not.
NACKED_PER_S = NACKED_BURST = 4_000
_CARRIED = {"audio": Codec(0, "opus", 48_000, 2), "video": Codec(0, "VP8", 90_000)}


@dataclass(slots=True)
class _Place:
    """A slot of the description, the copy that fills it, of what, and the RTCP name of its owner."""

    slot: Slot
    subscription: Subscription
    key: TrackKey | None = None
    cname: str = ""


class ReceivingPeer(Peer):
    """The slots of one peer. It states all it wants each time; slots change tracks without an offer."""

    # Firefox sends the reports of each section under an SSRC of its own.
    most_ssrcs: ClassVar[int] = MOST_SLOTS + MOST_SSRCS

    def __init__(self, worker: Worker, router: Router, name: str) -> None:
        super().__init__(worker, router, name)
        self._places: list[_Place] = []
        self._offered: list[SessionDescription] = []
        self._agreed = 0
        self._nack_budget = TokenBucket(NACKED_PER_S, NACKED_BURST, time.monotonic())

    # What is wanted

    def want(self, keys: list[TrackKey]) -> str | None:
        """Fill slots with these tracks, empty the others. Returns an offer if there were too few slots."""
        wanted = list(dict.fromkeys(keys))
        self._check_room(wanted)
        self._free_all_but(set(wanted))
        there = {place.key for place in self._places}
        for key in wanted:
            if key not in there:
                self._fill(self._place_for(key), key)
        return self._offer() if len(self._places) > self._offered_slots() else None

    def _check_room(self, wanted: list[TrackKey]) -> None:
        have = Counter(place.slot.kind for place in self._places)
        if ((Counter(key.kind for key in wanted)) | have).total() > MOST_SLOTS:
            raise PeerError("peer_limit", f"a peer receives at most {MOST_SLOTS} tracks")

    def _free_all_but(self, wanted: set[TrackKey]) -> None:
        for place in self._places:
            if place.key is not None and place.key not in wanted:
                self.router.remove_sink(place.key, place.subscription)
                place.key = None

    def _place_for(self, key: TrackKey) -> _Place:
        """A slot in the stream of the same publisher's other track, else in one that nobody uses, else a new one."""
        clocks = {place.slot.stream: _clock(place.key) for place in self._places if place.key is not None}
        own = next((stream for stream, clock in clocks.items() if clock == _clock(key)), None)
        free = [place for place in self._places if place.key is None and place.slot.kind == key.kind]
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
        mid = str(len(self._places))
        slot = Slot(mid, kind, ssrc, rtx_ssrc, stream or f"stream-{mid}")
        subscription = Subscription(self.transport, self.worker.output, kind, ssrc, rtx_ssrc)
        place = _Place(slot, subscription)
        self._places.append(place)
        return place

    def _fill(self, place: _Place, key: TrackKey) -> None:
        place.key, place.cname = key, self.router.cname(key.owner)
        self.router.add_sink(key, place.subscription)

    def slots(self) -> list[dict[str, str]]:
        """Which track is where."""
        return [
            {"mid": place.slot.mid, "owner": place.key.owner, "source": place.key.source}
            for place in self._places
            if place.key is not None
        ]

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
            self._fill(self._place_for(key), key)
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
        self._free_all_but({place.key for place in self._places if place.key and place.slot.ssrc in ssrcs})
        self._places = [place for place in self._places if place.slot.ssrc in ssrcs]

    def _agree(self, agreement: Agreement) -> None:
        self.transport.describe_remote(agreement.remote.fingerprints)
        self.transport.declare_ssrcs(ssrc for media in agreement.media for ssrc in media.ssrcs)
        agreed = {media.mid: media for media in agreement.media}
        for place in self._places:
            media = agreed.get(place.slot.mid)
            codec = media.codec_for(_CARRIED[place.slot.kind]) if media else None
            if codec is not None:
                place.subscription.activate(codec.codec.payload_type, codec.rtx_payload_type)

    # The peer

    def transport_changed(self, state: State, reason: str) -> None:
        """Keyframes are due as soon as there is a way to send them."""
        super().transport_changed(state, reason)
        if state is State.CONNECTED:
            for place in self._places:
                place.subscription.resume()

    def handle_rtcp(self, message: rtcp.Message, now: float) -> None:
        """Requests and reports about our copies; about others' streams there is nothing to say here."""
        if isinstance(message, rtcp.Nack):
            self._retransmit(message, now)
        elif isinstance(message, rtcp.Pli):
            self._each(message.media_ssrc, lambda one: one.keyframe_needed(now))
        elif isinstance(message, rtcp.Fir):
            for ssrc in message.ssrcs:
                self._each(ssrc, lambda one: one.keyframe_needed(now))
        elif isinstance(message, rtcp.ReceiverReport | rtcp.SenderReport):
            for block in message.blocks:
                self._each(block.ssrc, lambda one, block=block: one.received(block, now))

    def _retransmit(self, request: rtcp.Nack, now: float) -> None:
        numbers = request.sequence_numbers
        if self._nack_budget.take(len(numbers), now):
            self._each(request.media_ssrc, lambda one: one.retransmit(numbers, now))
        else:
            self.worker.output.drops.count(DropReason.NACK_OVER_BUDGET, len(numbers))

    def _each(self, ssrc: int, action: Any) -> None:
        for place in self._places:
            if place.slot.ssrc == ssrc:
                action(place.subscription)

    def report(self, now: float) -> None:
        """A sender report for each slot that is playing."""
        for place in self._places:
            if place.key is not None:
                data = place.subscription.report(now, place.cname)
                if data is not None:
                    self.transport.send_rtcp(data)

    def release(self) -> None:
        """Nothing more is wanted."""
        self._free_all_but(set())

    def stats(self) -> dict[str, Any]:
        """With one entry per slot."""
        slots = {
            place.slot.mid: {
                "track": place.key._asdict() if place.key else None,
                **place.subscription.stats(),
            }
            for place in self._places
        }
        return {**super().stats(), "slots": slots}


def _clock(key: TrackKey) -> tuple[str, bool]:
    """What runs on one clock: a publisher's microphone and camera, or the shared screen and its sound."""
    return key.owner, key.source.startswith("screen")


def _unused_ssrc(used: set[int | None]) -> int:
    while (ssrc := secrets.randbits(32)) in used or ssrc <= 1:
        pass
    used.add(ssrc)
    return ssrc
