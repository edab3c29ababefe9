"""A peer that sends us its tracks: it offers, we answer."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sfu import rtcp, sdp
from sfu.bwe.arrivals import ArrivalLog
from sfu.bwe.steady import SteadyArrivals
from sfu.drops import DropReason
from sfu.errors import ParseError, PeerError
from sfu.formats import Format, Payload
from sfu.health import Counted, Health
from sfu.keyframes import FEEDBACK_SSRC
from sfu.limits import LogLimiter
from sfu.negotiation import (
    ABS_SEND_TIME_URI,
    MID_URI,
    REPAIRED_RID_URI,
    RID_URI,
    TRANSPORT_WIDE_CC_URI,
    AcceptedMedia,
    Agreement,
    answer_publisher,
)
from sfu.peer import Peer, Worker
from sfu.publication import Publication
from sfu.quality import Link
from sfu.router import KINDS, Router, TrackKey
from sfu.rtp import RtpPacket
from sfu.stream import Stream, Upstream
from sfu.transport import State

_log = logging.getLogger(__name__)

# A WHIP client does not say what its tracks are: by their order.
_DEFAULT_SOURCES = {"audio": ("microphone", "screen_audio"), "video": ("camera", "screen")}
# What we let a publisher's estimate rise to (REMB): speech needs no limit of ours, 720p at 30 fps with two smaller
# pictures beside it is good at 3.5 Mbit/s, a screen's fine text in motion wants 4.
BITRATE_LIMITS_BPS = {
    "microphone": 128_000,
    "screen_audio": 256_000,
    "camera": 3_500_000,
    "screen": 4_000_000,
}
# Of the transport-wide number (draft-holmer-rmcat-transport-wide-cc-extensions-01) and of abs-send-time.
_NUMBER_BYTES, _SEND_TIME_BYTES = 2, 3
# Nobody tells us the way to the publisher and back. Asking again after 100 ms suits most.
_RTT_S = 0.1


@dataclass(frozen=True, slots=True)
class _Track:
    """One agreed section and what is published through it."""

    media: AcceptedMedia
    publication: Publication


class PublishingPeer(Peer):
    """The publications of one peer, and to which stream of them each SSRC belongs.

    An SSRC belongs to this peer only: another peer that uses the same number reaches its own tracks or none. How
    many there can be, the transport bounds.
    """

    direction = "up"
    owner: str

    def __init__(self, worker: Worker, router: Router, name: str, owner: str) -> None:
        super().__init__(worker, router, name, owner)
        self._counted = Counted(0, 0, 0, 0, time.monotonic())
        self._tracks: dict[str, _Track] = {}
        self._by_ssrc: dict[int, Stream] = {}
        self._strangers: set[int] = set()
        self._limiter = LogLimiter(_log)
        self._arrivals = ArrivalLog(FEEDBACK_SSRC)
        self._steady = SteadyArrivals()
        self._number_id: int | None = None
        self._send_time_id: int | None = None
        self._upstream = Upstream(
            worker.output, self.transport.send_rtcp, worker.mux.after_batch, lambda: _RTT_S, worker.asked
        )

    # Negotiation

    def negotiate(
        self,
        offer: str,
        sources: dict[str, str] | None,
        codecs: Sequence[str] = ("VP8",),
        hints: dict[str, str] | None = None,
    ) -> tuple[str, list[dict[str, str]]]:
        """Answer an offer; returns (answer, tracks). Raises SdpError, PeerError; then nothing has changed.

        Of `codecs`, in order of preference, those that every receiver of the meeting can decode are agreed.
        """
        described = sdp.parse(offer)
        allowed = self.router.decodable(codecs)
        agreement = answer_publisher(described, self.local(), codecs=allowed, red=True)
        self.check_same_end(agreement.remote)
        named = self._name_sources(agreement, sources)
        if self.restarts_ice(agreement.remote):
            agreement = answer_publisher(described, self.local(), codecs=allowed, red=True)
        agreement.description.version = self.next_version()
        self._apply({media.mid: media for media in agreement.media if media.mid in named}, named)
        for track in self._tracks.values():
            self._note_wishes(track, codecs, allowed, hints or {})
        self.transport.describe_remote(agreement.remote.fingerprints, agreement.remote.our_role)
        tracks = [{"mid": mid, "source": source, "kind": KINDS[source]} for mid, source in named.items()]
        return sdp.serialise(agreement.description), tracks

    @staticmethod
    def _note_wishes(
        track: _Track, codecs: Sequence[str], allowed: Sequence[str], hints: dict[str, str]
    ) -> None:
        publication = track.publication
        publication.hint = hints.get(publication.source, "")
        if publication.format.kind == "video":
            publication.preference, publication.allowed = codecs, allowed

    def _name_sources(self, agreement: Agreement, sources: dict[str, str] | None) -> dict[str, str]:
        """mid → source of every section that will be received."""
        received = [media for media in agreement.media if media.receives]
        given = dict(self._default_sources(received)) if sources is None else sources
        named: dict[str, str] = {}
        for media in received:
            source = given.get(media.mid, "")
            if KINDS.get(source) != media.kind:
                raise PeerError("source_unknown", f"no {media.kind} source is named for section {media.mid}")
            if source in named.values() or self._taken(source):
                raise PeerError("source_taken", f"{source} is published already")
            named[media.mid] = source
        return named

    @staticmethod
    def _default_sources(received: list[AcceptedMedia]) -> Iterator[tuple[str, str]]:
        left = {kind: list(sources) for kind, sources in _DEFAULT_SOURCES.items()}
        for media in received:
            if left[media.kind]:
                yield media.mid, left[media.kind].pop(0)

    def _taken(self, source: str) -> bool:
        other = self.router.publications.get(TrackKey(self.owner, source))
        return other is not None and all(track.publication is not other for track in self._tracks.values())

    def _apply(self, accepted: dict[str, AcceptedMedia], named: dict[str, str]) -> None:
        before, self._tracks = self._tracks, {}
        kept = {
            mid: track
            for mid, track in before.items()
            if mid in accepted and _is_same(track.publication, accepted[mid], named[mid])
        }
        for mid, track in before.items():
            if mid not in kept:
                self.router.unpublish(track.publication)
        for mid, media in accepted.items():
            if mid in kept:
                kept[mid].publication.agree(_format(media))
            publication = kept[mid].publication if mid in kept else self._publish(media, named[mid])
            self._tracks[mid] = _Track(media, publication)
        self._bind_declared()

    def _publish(self, media: AcceptedMedia, source: str) -> Publication:
        publication = Publication(self.owner, source, _format(media), self._upstream, media.rids)
        self.router.publish(publication, time.monotonic())
        return publication

    def _bind_declared(self) -> None:
        """The SSRCs that are named come first, then those that packets have named."""
        bound: dict[int, Stream] = {}
        for track in self._tracks.values():
            # With rids the packets say which encoding they are of.
            if not track.publication.rids:
                stream = track.publication.streams[0]
                bound |= dict.fromkeys((*track.media.ssrcs, *track.media.rtx_ssrcs), stream)
                if track.media.ssrcs:
                    stream.announce(track.media.ssrcs[0])
        live = {stream for track in self._tracks.values() for stream in track.publication.streams}
        for ssrc, stream in self._by_ssrc.items():
            if stream in live:
                bound.setdefault(ssrc, stream)
        self._by_ssrc = bound
        self._strangers.clear()
        self.transport.declare_ssrcs(bound)
        self._agree_on_feedback()

    def _agree_on_feedback(self) -> None:
        """All sections of a bundle number their packets in one sequence, by one id."""
        numbered = [
            track.media.extensions
            for track in self._tracks.values()
            if "transport-cc" in track.media.feedback and TRANSPORT_WIDE_CC_URI in track.media.extensions
        ]
        agreed = numbered[0] if numbered else {}
        self._number_id = agreed.get(TRANSPORT_WIDE_CC_URI)
        self._send_time_id = agreed.get(ABS_SEND_TIME_URI)

    def unpublish(self, source: str) -> None:
        """End one publication, if there is one; what still comes of it is dropped."""
        for mid, track in list(self._tracks.items()):
            if track.publication.source == source:
                del self._tracks[mid]
                self.router.unpublish(track.publication)
                self._bind_declared()

    # Packets

    def rtp_received(self, data: bytes) -> None:
        """To the stream it belongs to."""
        try:
            packet = RtpPacket.parse(data)
        except ParseError:
            return self.worker.output.drops.count(DropReason.RTP_MALFORMED)
        now = time.monotonic()
        number = _value(packet, self._number_id, _NUMBER_BYTES)
        if number is not None:
            self._arrivals.received(number, self._told_arrival(packet, now))
        stream = self._by_ssrc.get(packet.ssrc) or self._bind(packet)
        if stream is None:
            return self._refuse(packet.ssrc)
        return stream.receive(packet, now)

    def _told_arrival(self, packet: RtpPacket, now: float) -> float:
        sent = _value(packet, self._send_time_id, _SEND_TIME_BYTES)
        return now if sent is None else self._steady.arrived(sent, now)

    def _refuse(self, ssrc: int) -> None:
        """Count it; tell once of each SSRC, of the few that the transport lets through, whose it really is."""
        self.worker.output.drops.count(DropReason.SSRC_UNKNOWN)
        if ssrc in self._strangers:
            return
        self._strangers.add(ssrc)
        victim = self.router.owner_of(ssrc)
        if victim is not None:
            self._limiter.warning("Peer(%s) x %s sends as %s: SSRC %d", self.name, self.owner, victim, ssrc)

    def _bind(self, packet: RtpPacket) -> Stream | None:
        """By the mid and rid in the packet; where a section announced no SSRC, by payload type (RFC 9143, 9.2)."""
        for mid, track in self._tracks.items():
            told = _text(packet, track.media, MID_URI)
            if told == mid if told is not None else self._speaks(track, packet.payload_type):
                stream = self._encoding(packet, track)
                if stream is not None:
                    self._by_ssrc[packet.ssrc] = stream
                return stream
        return None

    def _encoding(self, packet: RtpPacket, track: _Track) -> Stream | None:
        """Which of a track's encodings the packet is of (RFC 8852): it says so until it knows that we know."""
        if not track.publication.rids:
            return track.publication.streams[0]
        rid = _text(packet, track.media, RID_URI) or _text(packet, track.media, REPAIRED_RID_URI)
        return track.publication.stream_with(rid) if rid is not None else None

    def _speaks(self, track: _Track, payload_type: int) -> bool:
        if track.media.ssrcs or payload_type not in _payload_types(track.media):
            return False
        return sum(payload_type in _payload_types(other.media) for other in self._tracks.values()) <= 1

    def handle_rtcp(self, message: rtcp.Message, now: float) -> None:
        """Sender reports of its own tracks; the rest is nothing to us."""
        if isinstance(message, rtcp.SenderReport):
            stream = self._by_ssrc.get(message.ssrc)
            if stream is not None and stream.ssrc == message.ssrc:
                stream.sender_report(message, now)

    # By the clock and the transport

    def transport_changed(self, state: State, reason: str) -> None:
        """An encoder begins low and climbs at once to what it is told in the first two seconds."""
        super().transport_changed(state, reason)
        if state is State.CONNECTED:
            self.report(time.monotonic())

    def tick(self, now: float) -> None:
        """Repeat requests for what is missing; tell when packets arrived."""
        for track in self._tracks.values():
            track.publication.tick(now)
        self._tell_arrivals()

    def _tell_arrivals(self) -> None:
        if not self._arrivals.media_ssrc:
            streams = (stream for track in self._tracks.values() for stream in track.publication.streams)
            self._arrivals.media_ssrc = next((one.ssrc for one in streams if one.ssrc is not None), 0)
        for message in self._arrivals.due():
            self.transport.send_rtcp(message.to_bytes())

    def report(self, now: float) -> None:
        """Reception of each stream, and how much more it may send."""
        publications = [track.publication for track in self._tracks.values()]
        blocks = tuple(block for one in publications for block in one.report_blocks(now))
        data = rtcp.ReceiverReport(FEEDBACK_SSRC, blocks).to_bytes()
        ssrcs = tuple(
            stream.ssrc for one in publications for stream in one.streams if stream.ssrc is not None
        )
        if ssrcs:
            limit = sum(BITRATE_LIMITS_BPS[one.source] for one in publications)
            data += rtcp.Remb(FEEDBACK_SSRC, limit, ssrcs).to_bytes()
        self.transport.send_rtcp(data)

    def release(self) -> None:
        """The tracks end with their peer."""
        tracks, self._tracks = self._tracks, {}
        self._by_ssrc = {}
        for track in tracks.values():
            self.router.unpublish(track.publication)

    def health(self, now: float) -> Health:
        """What has come of what was sent; the way there and back only the sender knows."""
        streams = [stream for track in self._tracks.values() for stream in track.publication.streams]
        expected, received, abandoned, octets, elapsed_s = self._counted.since(
            *map(sum, zip((0, 0, 0, 0), *(stream.counts() for stream in streams), strict=True)), now
        )
        link = Link(
            loss=max(0.0, 1 - received / expected) if expected else 0.0,
            residual_loss=min(1.0, abandoned / expected) if expected else 0.0,
            jitter_ms=max((stream.jitter_s * 1000 for stream in streams), default=0.0),
            silent_s=self.transport.silent_s(now),
        )
        return Health(link, octets * 8 / elapsed_s if elapsed_s else 0.0)

    def stats(self) -> dict[str, Any]:
        """With one entry per track."""
        tracks = {track.publication.source: track.publication.stats() for track in self._tracks.values()}
        return {**super().stats(), "tracks": tracks}


def _value(packet: RtpPacket, identifier: int | None, length: int) -> int | None:
    """The number in this header extension; None without it, and where it is not as long as it has to be."""
    told = packet.extension(identifier) if identifier is not None else None
    return int.from_bytes(told) if told is not None and len(told) == length else None


def _text(packet: RtpPacket, media: AcceptedMedia, uri: str) -> str | None:
    """What the packet says of itself in this header extension."""
    identifier = media.extensions.get(uri)
    told = packet.extension(identifier) if identifier is not None else None
    return told.decode("ascii", "replace") if told is not None else None


def _payload_types(media: AcceptedMedia) -> set[int]:
    types = {one.codec.payload_type for one in media.codecs}
    return types | {one.rtx_payload_type for one in media.codecs if one.rtx_payload_type is not None}


def _is_same(publication: Publication, media: AcceptedMedia, source: str) -> bool:
    """Whether what is published goes on under the new agreement; its codecs may change."""
    return publication.source == source and publication.rids == media.rids


def _format(media: AcceptedMedia) -> Format:
    payloads = tuple(
        Payload(
            one.codec.name.upper(),
            one.codec.clock_rate,
            one.codec.payload_type,
            one.rtx_payload_type,
            one.form,
        )
        for one in media.codecs
    )
    extensions = tuple(sorted(media.extensions.items()))
    return Format(media.kind, payloads, nack="nack" in media.feedback, extensions=extensions)
