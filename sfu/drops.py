"""Why packets were dropped: every drop has a name, and every name is counted."""

import enum


class DropReason(enum.StrEnum):
    """The named reasons, from the socket inwards. Statistics show these words."""

    # At the gate: before anything is known about the sender.
    TOO_SHORT = "too_short"
    PROTOCOL_UNKNOWN = "protocol_unknown"
    ADDRESS_UNKNOWN = "address_unknown"
    ADDRESS_LIMIT = "address_limit"
    STUN_MALFORMED = "stun_malformed"
    STUN_USER_UNKNOWN = "stun_user_unknown"
    STUN_UNAUTHENTICATED = "stun_unauthenticated"
    DTLS_REFUSED = "dtls_refused"
    TCP_CONNECTION_LIMIT = "tcp_connection_limit"
    TCP_UNPROVEN = "tcp_unproven"
    TCP_FRAME_TOO_LONG = "tcp_frame_too_long"
    # In the transport.
    KEYS_MISSING = "keys_missing"
    SRTP_UNAUTHENTICATED = "srtp_unauthenticated"
    SRTP_REPLAYED = "srtp_replayed"
    RATE_LIMITED = "rate_limited"
    # In the publication.
    RTP_MALFORMED = "rtp_malformed"
    RTCP_MALFORMED = "rtcp_malformed"
    PAYLOAD_MALFORMED = "payload_malformed"
    PAYLOAD_TYPE_UNKNOWN = "payload_type_unknown"
    SSRC_UNKNOWN = "ssrc_unknown"
    SSRC_LIMIT = "ssrc_limit"
    RTX_MALFORMED = "rtx_malformed"
    PADDING_ONLY = "padding_only"
    DUPLICATE = "duplicate"
    FRAME_TOO_LARGE = "frame_too_large"
    PAUSED = "paused"
    # On the way out.
    KEYFRAME_AWAITED = "keyframe_awaited"
    CODEC_UNSUPPORTED = "codec_unsupported"
    TOO_OLD = "too_old"
    NOT_CONNECTED = "not_connected"
    SOCKET_FULL = "socket_full"
    TAP_FULL = "tap_full"
    # Requests of receivers.
    NACK_REPEATED = "nack_repeated"
    NACK_NOT_IN_HISTORY = "nack_not_in_history"
    NACK_OVER_BUDGET = "nack_over_budget"
    KEYFRAME_REQUEST_MERGED = "keyframe_request_merged"
    # A fault of ours: the packet is given up, the peer lives on.
    HANDLER_FAILED = "handler_failed"


class DropCounter:
    """Packets dropped, by reason."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[DropReason, int] = {}

    def count(self, reason: DropReason, n: int = 1) -> None:
        """Add `n` packets dropped for `reason`."""
        self._counts[reason] = self._counts.get(reason, 0) + n

    def __getitem__(self, reason: DropReason) -> int:
        return self._counts.get(reason, 0)

    def as_dict(self) -> dict[str, int]:
        """Only the reasons that occurred, by their words; ready for JSON."""
        return {str(reason): n for reason, n in sorted(self._counts.items())}
