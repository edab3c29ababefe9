"""Session descriptions (RFC 8866, RFC 8829): what a browser offers and answers, read within bounds, written.

Whoever is admitted may send any text here, so size and counts are capped before any work, each line is read
once, and every refusal is an SdpError with one of the codes

    sdp_too_large            a limit of `sfu.sdp.parser` is exceeded
    sdp_invalid              not SDP, or a value outside its grammar
    sdp_no_media             nothing that could be sent or received
    sdp_unsupported          well-formed, but beyond us: no codec we carry, no rtcp-mux, a wrong DTLS role
    fingerprint_missing      no certificate fingerprint
    fingerprint_unsupported  only fingerprints of weak or unknown hashes
    ice_credentials_invalid  no ufrag and password, or of a wrong length
"""

from sfu.sdp.model import Codec, Media, SessionDescription
from sfu.sdp.parser import parse
from sfu.sdp.writer import serialise

__all__ = ["Codec", "Media", "SessionDescription", "parse", "serialise"]
