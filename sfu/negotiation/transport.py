"""The transport a bundle runs over: ours as descriptions tell it, and the peer's as read of them."""

from collections.abc import Iterable
from typing import Final

from sfu.errors import SdpError
from sfu.negotiation.model import LocalTransport, RemoteTransport
from sfu.sdp import Media, SessionDescription

# Hashes that RFC 8122, 5 still allows and the DTLS side can compute.
_HASHES: Final = frozenset({"sha-256", "sha-384", "sha-512"})
_ICE_CHARACTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
# Who lets us choose becomes the DTLS client, which knows when ICE has found a way.
_SETUP_OF_OFFERER: Final = {"actpass": "active", "active": "active", "passive": "passive"}
_SETUP_OF_ANSWERER: Final = {"active": "active", "passive": "passive"}
OPPOSITE_SETUP: Final = {"active": "passive", "passive": "active"}


def describe(
    bundle: list[str], sections: list[Media], local: LocalTransport, version: int
) -> SessionDescription:
    """A description of ours."""
    return SessionDescription(
        bundle=bundle, media=sections, session_id=local.session_id, version=version, ice_lite=True
    )


def put_transport(sections: Iterable[Media], local: LocalTransport, setup: str) -> None:
    """Write our end into the sections of a bundle."""
    for number, media in enumerate(sections):
        media.ice_ufrag, media.ice_pwd = local.ufrag, local.password
        media.fingerprints = [local.fingerprint]
        media.setup = setup
        # Once is enough for a bundle, and spares a description of many slots thousands of bytes.
        media.candidates = [] if number else list(local.candidates)


def transport_of_offerer(media: Media) -> RemoteTransport:
    """The peer's end in its offer. Raises SdpError as `answer_publisher` says."""
    return _remote_transport(media, _SETUP_OF_OFFERER)


def transport_of_answerer(media: Media) -> RemoteTransport:
    """The peer's end in its answer to us, who let it choose. Raises SdpError as `answer_publisher` says."""
    return _remote_transport(media, _SETUP_OF_ANSWERER)


def _remote_transport(media: Media, setups: dict[str, str]) -> RemoteTransport:
    setup = setups.get(media.setup or "")
    if setup is None:
        raise SdpError("sdp_unsupported", f"a=setup is not {' or '.join(setups)}")
    ufrag, password = media.ice_ufrag or "", media.ice_pwd or ""
    if not _is_credential(ufrag, 4) or not _is_credential(password, 22):
        raise SdpError("ice_credentials_invalid", "ice-ufrag or ice-pwd is missing or malformed")
    return RemoteTransport(ufrag, password, _strong_fingerprints(media), setup)


def _is_credential(text: str, shortest: int) -> bool:
    return shortest <= len(text) <= 256 and _ICE_CHARACTERS.issuperset(text)


def _strong_fingerprints(media: Media) -> tuple[tuple[str, str], ...]:
    if not media.fingerprints:
        raise SdpError("fingerprint_missing", "no certificate fingerprint")
    strong = tuple(one for one in media.fingerprints if one[0] in _HASHES)
    if not strong:
        raise SdpError("fingerprint_unsupported", "no fingerprint by SHA-256, SHA-384 or SHA-512")
    return strong
