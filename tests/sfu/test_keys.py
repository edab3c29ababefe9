"""Keys: which handshakes give any, what they make of packets, and that none serves twice or is told.

The ids in brackets are those of the catalogue of threats that the project keeps.
"""

import hashlib
import hmac
import json
import logging
from collections.abc import Callable

import pytest
from aiortc.rtcdtlstransport import (
    SRTP_PROFILES,
    RTCCertificate,
    RTCDtlsTransport,
    SRTPProtectionProfile,
)
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from OpenSSL import SSL

from server.load.peer import LightPeer
from sfu import dtls
from sfu.ice import IceAgent
from sfu.rtp import RtpPacket, is_rtcp
from sfu.transport import State
from tests.sfu.calls import CAMERA, MICROPHONE, LightSubscriber, call, light
from tests.sfu.clients import MEETING, until
from tests.sfu.ends import CERTIFICATE, Ends, running_mux

# openssl/prov_ssl.h
DTLS_1_0, DTLS_1_2 = 0xFEFF, 0xFEFD
pytestmark = pytest.mark.usefixtures("no_traceback")


# Which handshakes give keys


class OddCertificate(RTCCertificate):
    """Its connections offer something else than browsers do."""

    change: Callable[[SSL.Context], object]

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        del srtp_profiles
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        context.use_certificate(self._cert)
        context.use_privatekey(self._key)
        self.change(context)
        return context


def offering(profiles: bytes) -> Callable[[SSL.Context], object]:
    return lambda context: context.set_tlsext_use_srtp(profiles)


def ciphers(names: bytes) -> Callable[[SSL.Context], object]:
    def change(context: SSL.Context) -> None:
        offering(b"SRTP_AES128_CM_SHA1_80")(context)
        context.set_max_proto_version(DTLS_1_2)
        context.set_cipher_list(names + b":@SECLEVEL=0")

    return change


def oldest_version(context: SSL.Context) -> None:
    ciphers(b"ECDHE-ECDSA-AES128-SHA")(context)
    context.set_min_proto_version(DTLS_1_0)
    context.set_max_proto_version(DTLS_1_0)


def odd_peer(change: Callable[[SSL.Context], object]) -> LightPeer:
    """One whose context OpenSSL has changed so."""
    peer = LightPeer()
    peer.certificate = certificate = OddCertificate.generateCertificate()
    assert isinstance(certificate, OddCertificate)
    certificate.change = change
    peer.dtls = RTCDtlsTransport(peer._path, [certificate])  # type: ignore[arg-type]
    return peer


@pytest.mark.parametrize(
    "change",
    [
        oldest_version,
        ciphers(b"ECDHE-ECDSA-NULL-SHA"),
        ciphers(b"AECDH-AES128-SHA"),
        ciphers(b"ECDHE-ECDSA-AES128-SHA256"),
        lambda context: None,
        offering(b"SRTP_AES128_CM_SHA1_32"),
    ],
    ids=["DTLS 1.0", "NULL", "anonymous", "a cipher we do not have", "no use_srtp", "AES_CM_32"],
)
async def test_weak_handshakes_give_no_keys(change: Callable[[SSL.Context], object]) -> None:
    """[DTLS-05] Neither end is left waiting."""
    async with running_mux() as gate:
        one = Ends(gate, "server", odd_peer(change))
        try:
            await one.connect()
            await until(lambda: one.transport.state is State.FAILED, within_s=3)
            assert one.transport.tx is None
        finally:
            await one.close()


@pytest.mark.parametrize(
    ("change", "profile"),
    [
        *((offering(one.openssl_profile), one.openssl_profile.decode()) for one in SRTP_PROFILES),
        (ciphers(b"ECDHE-ECDSA-AES128-GCM-SHA256"), "SRTP_AES128_CM_SHA1_80"),
    ],
)
async def test_strong_handshakes_give_the_keys_that_were_offered(
    change: Callable[[SSL.Context], object], profile: str
) -> None:
    """[DTLS-05] AES-GCM, and AES_CM_80 for who has no other."""
    async with running_mux() as gate:
        one = Ends(gate, "server", odd_peer(change))
        try:
            await one.connect()
            await until(lambda: one.transport.state is State.CONNECTED)
            assert one.transport.profile == profile
        finally:
            await one.close()


# What they make of packets


class FixedSecret:
    """Stands in for OpenSSL after a handshake whose secret is known."""

    def __init__(self, profile: SRTPProtectionProfile, key: bytes, salt: bytes) -> None:
        self._profile, self._material = profile, 2 * key + 2 * salt

    def get_selected_srtp_profile(self) -> bytes:
        """Which was agreed on."""
        return self._profile.openssl_profile

    def export_keying_material(self, label: bytes, length: int) -> bytes:
        """Keys and salts of client and server (RFC 5764, 4.2); here both have the same."""
        assert (label, length) == (b"EXTRACTOR-dtls_srtp", len(self._material))
        return self._material


def derived(key: bytes, salt: bytes, label: int, length: int) -> bytes:
    """A session key (RFC 3711, 4.3; RFC 7714, 11 for the shorter salts)."""
    start = int.from_bytes(salt.ljust(14, b"\0")) ^ label << 48
    return Cipher(AES(key), CTR(start.to_bytes(14) + bytes(2))).encryptor().update(bytes(length))


def counter_mode(header: bytes, payload: bytes, key: bytes, salt: bytes) -> bytes:
    """RFC 3711, 4.1.1 and 4.2, before the first wrap of the sequence numbers."""
    sequence, ssrc = int.from_bytes(header[2:4]), int.from_bytes(header[8:12])
    start = int.from_bytes(derived(key, salt, 2, 14)) << 16 ^ ssrc << 64 ^ sequence << 16
    sealed = Cipher(AES(derived(key, salt, 0, 16)), CTR(start.to_bytes(16))).encryptor().update(payload)
    tag = hmac.digest(derived(key, salt, 1, 20), header + sealed + bytes(4), hashlib.sha1)
    return header + sealed + tag[:10]


def galois_mode(header: bytes, payload: bytes, key: bytes, salt: bytes) -> bytes:
    """RFC 7714, 8.1, with keys of the session."""
    start = int.from_bytes(bytes(2) + header[8:12] + bytes(4) + header[2:4]) ^ int.from_bytes(salt)
    return header + AESGCM(key).encrypt(start.to_bytes(12), payload, header)


HEADER = bytes.fromhex("8040f17b8041f8d35501a0b2")
PAYLOAD = b"Gallia est omnis divisa in partes tres"


def test_what_we_compare_with_gives_the_numbers_of_the_rfcs() -> None:
    """[SRTP-01] RFC 3711, B.3; RFC 7714, 16.1.1 and 16.2.1."""
    key = bytes.fromhex("e1f97a0d3e018be0d64fa32c06de4139")
    salt = bytes.fromhex("0ec675ad498afeebb6960b3aabe6")
    assert derived(key, salt, 0, 16).hex() == "c61e7a93744f39ee10734afe3ff7a087"
    assert derived(key, salt, 2, 14).hex() == "30cbbc08863d8c85d49db34a9ae1"
    assert derived(key, salt, 1, 20).hex() == "cebe321f6ff7716b6fd4ab49af256a156d38baa4"
    quid = b"Quid pro quo"
    assert galois_mode(HEADER, PAYLOAD, bytes(range(16)), quid).hex() == HEADER.hex() + (
        "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
        "899d7f27beb16a9152cf765ee4390cce"
    )
    assert galois_mode(HEADER, PAYLOAD, bytes(range(32)), quid).hex() == HEADER.hex() + (
        "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
        "7aa3db36dfffd6b0f9bb7878d7a76c13"
    )


@pytest.mark.parametrize("profile", SRTP_PROFILES, ids=lambda one: one.openssl_profile.decode())
def test_our_keys_make_of_a_packet_what_the_rfcs_say(profile: SRTPProtectionProfile) -> None:
    """[SRTP-01] From the secret of the handshake to the bytes on the wire and back."""
    key, salt = bytes(range(profile.key_length)), bytes(range(160, 160 + profile.salt_length))
    handshake = RTCDtlsTransport(dtls._Path(IceAgent(0.0)), [CERTIFICATE])  # type: ignore[arg-type]
    handshake._ssl = FixedSecret(profile, key, salt)  # type: ignore[assignment]
    handshake._set_role("server")
    handshake._setup_srtp()
    keys = dtls._keys(handshake)
    sealed = keys.sending.protect(HEADER + PAYLOAD)
    if profile.salt_length == 12:
        session = derived(key, salt, 0, profile.key_length), derived(key, salt, 2, 12)
        assert sealed == galois_mode(HEADER, PAYLOAD, *session)
    else:
        assert sealed == counter_mode(HEADER, PAYLOAD, key, salt)
    assert len(sealed) == len(HEADER + PAYLOAD) + keys.tag_length
    assert keys.receiving.unprotect(sealed) == HEADER + PAYLOAD


# That none serves twice or is told


class Wiretap(LightSubscriber):
    """Keeps what of each packet's payload is the key's: what was on the wire, without what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.keystreams: list[bytes] = []

    def _take_media(self, data: bytes) -> None:
        before = len(self.rtp)
        super()._take_media(data)
        if not is_rtcp(data) and len(self.rtp) > before:
            start = RtpPacket.parse(self.rtp[-1]).payload_start
            pair = zip(data[start : start + 16], self.rtp[-1][start:], strict=False)
            self.keystreams.append(bytes(sealed ^ plain for sealed, plain in pair))


async def test_no_keystream_serves_twice_and_no_secret_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """[SRTP-07] The same picture to two, over an ICE restart and another description."""
    caplog.set_level(logging.DEBUG)
    materials: list[bytes] = []
    export = SSL.Connection.export_keying_material

    def listen(connection: SSL.Connection, label: bytes, length: int) -> bytes:
        materials.append(export(connection, label, length))
        return materials[-1]

    monkeypatch.setattr(SSL.Connection, "export_keying_material", listen)
    bob, carol = Wiretap(), Wiretap()
    async with call() as one, light(bob, carol):
        server = one.server
        await bob.want(server, "s2", CAMERA)
        await carol.want(server, "s3", CAMERA)
        await one.goes_on()
        server.node._peers["s2"].transport.restart_ice()
        await bob.prove_address()
        await bob.want(server, "s2", CAMERA, MICROPHONE)
        await one.goes_on()
        await until(lambda: bob.packets(*MICROPHONE) and carol.packets(*CAMERA))
        keystreams = bob.keystreams + carol.keystreams
        assert len(set(keystreams)) == len(keystreams) > 80
        assert len(set(materials)) == len(server.node._peers) == 4
        stats = [await server.node.stats(), await server.node.meeting_stats(MEETING)]
        told = caplog.text + json.dumps(
            [*stats, *[await server.node.peer_stats(p) for p in server.node._peers]]
        )
        passwords = [peer.transport.ice.credentials.password for peer in server.node._peers.values()]
        assert not [secret for secret in passwords if secret in told]
        assert not [one for one in materials if one[:16].hex() in told.lower() or repr(one[:8])[2:-1] in told]
