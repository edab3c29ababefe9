"""A peer that sends us its tracks: it offers, we answer."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sfu import rtcp, sdp
from sfu.drops import DropReason
from sfu.errors import ParseError, PeerError
from sfu.limits import LogLimiter
from sfu.negotiation import MID_URI, AcceptedMedia, Agreement, answer_publisher
from sfu.peer import Peer, Worker
from sfu.publication import BITRATE_LIMITS_BPS, FEEDBACK_SSRC, Format, Publication
from sfu.router import KINDS, Router, TrackKey
from sfu.rtp import RtpPacket
from sfu.transport import State

_log = logging.getLogger(__name__)

# A WHIP client does not say what its tracks are: by their order.
_DEFAULT_SOURCES = {"audio": ("microphone", "screen_audio"), "video": ("camera", "screen")}


@dataclass(frozen=True, slots=True)
class _Track:
    """One agreed section and what is published through it."""

    media: AcceptedMedia
    publication: Publication


class PublishingPeer(Peer):
    """The publications of one peer, and to which of them each SSRC belongs.

    An SSRC belongs to this peer only: another peer that uses the same number reaches its own tracks or none. How
    many there can be, the transport bounds.
    """

    def __init__(self, worker: Worker, router: Router, name: str, owner: str) -> None:
        super().__init__(worker, router, name)
        self.owner = owner
        self._tracks: dict[str, _Track] = {}
        self._by_ssrc: dict[int, Publication] = {}
        self._strangers: set[int] = set()
        self._limiter = LogLimiter(_log)

    # Negotiation

    def negotiate(self, offer: str, sources: dict[str, str] | None) -> tuple[str, list[dict[str, str]]]:
        """Answer an offer; returns (answer, tracks). Raises SdpError, PeerError; then nothing has changed."""
        described = sdp.parse(offer)
        agreement = answer_publisher(described, self.local())
        self.check_same_end(agreement.remote)
        named = self._name_sources(agreement, sources)
        if self.restarts_ice(agreement.remote):
            agreement = answer_publisher(described, self.local())
        agreement.description.version = self.next_version()
        self._apply({media.mid: media for media in agreement.media if media.mid in named}, named)
        self.transport.describe_remote(agreement.remote.fingerprints)
        tracks = [{"mid": mid, "source": source, "kind": KINDS[source]} for mid, source in named.items()]
        return sdp.serialise(agreement.description), tracks

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
            if mid in accepted
            and track.publication.source == named[mid]
            and track.publication.format == _format(accepted[mid])
        }
        for mid, track in before.items():
            if mid not in kept:
                self.router.unpublish(track.publication)
        for mid, media in accepted.items():
            publication = kept[mid].publication if mid in kept else self._publish(media, named[mid])
            self._tracks[mid] = _Track(media, publication)
        self._bind_declared()

    def _publish(self, media: AcceptedMedia, source: str) -> Publication:
        publication = Publication(
            self.owner,
            source,
            _format(media),
            self.worker.output,
            self.transport.send_rtcp,
            self.worker.mux.after_batch,
        )
        self.router.publish(publication)
        return publication

    def _bind_declared(self) -> None:
        """The SSRCs that are named come first, then those that packets have named."""
        bound: dict[int, Publication] = {}
        for track in self._tracks.values():
            bound |= dict.fromkeys((*track.media.ssrcs, *track.media.rtx_ssrcs), track.publication)
            if track.media.ssrcs:
                track.publication.announce(track.media.ssrcs[0])
        live = {id(track.publication) for track in self._tracks.values()}
        for ssrc, publication in self._by_ssrc.items():
            if id(publication) in live:
                bound.setdefault(ssrc, publication)
        self._by_ssrc = bound
        self._strangers.clear()
        self.transport.declare_ssrcs(bound)

    def unpublish(self, source: str) -> None:
        """End one publication, if there is one; what still comes of it is dropped."""
        for mid, track in list(self._tracks.items()):
            if track.publication.source == source:
                del self._tracks[mid]
                self.router.unpublish(track.publication)
                self._bind_declared()

    # Packets

    def rtp_received(self, data: bytes) -> None:
        """To the publication it belongs to."""
        try:
            packet = RtpPacket.parse(data)
        except ParseError:
            return self.worker.output.drops.count(DropReason.RTP_MALFORMED)
        publication = self._by_ssrc.get(packet.ssrc) or self._bind(packet)
        if publication is None:
            return self._refuse(packet.ssrc)
        return publication.receive(packet, time.monotonic())

    def _refuse(self, ssrc: int) -> None:
        """Count it; tell once of each SSRC, of the few that the transport lets through, whose it really is."""
        self.worker.output.drops.count(DropReason.SSRC_UNKNOWN)
        if ssrc in self._strangers:
            return
        self._strangers.add(ssrc)
        victim = self.router.owner_of(ssrc)
        if victim is not None:
            self._limiter.warning("Peer(%s) x %s sends as %s: SSRC %d", self.name, self.owner, victim, ssrc)

    def _bind(self, packet: RtpPacket) -> Publication | None:
        """By the mid in the packet; where a section announced no SSRC, by payload type (RFC 9143, 9.2)."""
        for mid, track in self._tracks.items():
            identifier = track.media.extensions.get(MID_URI)
            told = packet.extension(identifier) if identifier is not None else None
            if told == mid.encode() if told is not None else self._speaks(track, packet.payload_type):
                self._by_ssrc[packet.ssrc] = track.publication
                return track.publication
        return None

    def _speaks(self, track: _Track, payload_type: int) -> bool:
        codec = track.media.codecs[0]
        mine = (codec.codec.payload_type, codec.rtx_payload_type)
        others = (other.media.codecs[0].codec.payload_type for other in self._tracks.values())
        alone = sum(payload_type == other for other in others) <= 1
        return not track.media.ssrcs and payload_type in mine and alone

    def handle_rtcp(self, message: rtcp.Message, now: float) -> None:
        """Sender reports of its own tracks; the rest is nothing to us."""
        if isinstance(message, rtcp.SenderReport):
            publication = self._by_ssrc.get(message.ssrc)
            if publication is not None and publication.ssrc == message.ssrc:
                publication.sender_report(message, now)

    # By the clock and the transport

    def transport_changed(self, state: State, reason: str) -> None:
        """An encoder begins low and climbs at once to what it is told in the first two seconds."""
        super().transport_changed(state, reason)
        if state is State.CONNECTED:
            self.report(time.monotonic())

    def tick(self, now: float) -> None:
        """Repeat requests for what is missing."""
        super().tick(now)
        for track in self._tracks.values():
            track.publication.tick(now)

    def report(self, now: float) -> None:
        """Reception of each track, and how much more it may send."""
        publications = [track.publication for track in self._tracks.values()]
        blocks = tuple(block for one in publications if (block := one.report_block(now)) is not None)
        data = rtcp.ReceiverReport(FEEDBACK_SSRC, blocks).to_bytes()
        ssrcs = tuple(one.ssrc for one in publications if one.ssrc is not None)
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

    def stats(self) -> dict[str, Any]:
        """With one entry per track."""
        tracks = {track.publication.source: track.publication.stats() for track in self._tracks.values()}
        return {**super().stats(), "owner": self.owner, "tracks": tracks}


def _format(media: AcceptedMedia) -> Format:
    accepted = media.codecs[0]
    return Format(
        kind=media.kind,
        codec="opus" if media.kind == "audio" else "VP8",
        clock_rate=accepted.codec.clock_rate,
        payload_type=accepted.codec.payload_type,
        rtx_payload_type=accepted.rtx_payload_type,
        nack="nack" in media.feedback,
    )
