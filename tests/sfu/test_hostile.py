"""Datagrams from strangers, and addresses that are claimed. A call runs beside each: it must not notice.

The ids in brackets are those of the catalogue of threats that the project keeps.
"""

import asyncio
import contextlib
import random
import socket
from collections.abc import Iterator

import pytest
from aioice import stun
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport

from server.load.peer import LightPeer, LinkFailed
from sfu import rtcp
from sfu.errors import SdpError
from sfu.ice import OLD_CREDENTIALS_S
from tests.sfu.calls import CAMERA, LightPublisher, LightSubscriber, call, light
from tests.sfu.clients import MEETING, until

pytestmark = pytest.mark.usefixtures("no_traceback")
BAD_HELLO_BODY = bytes.fromhex("fefd") + bytes(range(32)) + bytes.fromhex("0000000200000100")


def bad_hello() -> bytes:
    """A ClientHello that offers TLS_NULL_WITH_NULL_NULL alone."""
    length = len(BAD_HELLO_BODY).to_bytes(3, "big")
    handshake = b"\x01" + length + bytes(5) + length + BAD_HELLO_BODY
    return bytes.fromhex("16fefd0000000000000000") + len(handshake).to_bytes(2, "big") + handshake


@contextlib.contextmanager
def stranger() -> Iterator[socket.socket]:
    """A socket the node knows nothing of."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        yield sock


def heard(sock: socket.socket) -> int:
    """How many bytes have come back."""
    total = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            total += len(sock.recv(65536))
    return total


async def test_unauthenticated_checks_teach_nothing() -> None:
    """[ICE-02] No integrity, a wrong key, attributes behind the integrity."""
    async with call() as one:
        addresses = (await one.server.node.stats())["addresses"]
        wrong = LightPeer()
        wrong.remote_ufrag, wrong.remote_password = one.alice.remote_ufrag, "x" * 24
        bare = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        bare.attributes["USERNAME"] = f"{one.alice.remote_ufrag}:abcd"
        with stranger() as sock:
            for data in (bytes(bare), bytes(wrong.check()), bytes(wrong.check(USERNAME="nobody:abcd"))):
                sock.sendto(data, one.alice.server)
            await until(lambda: one.server.drops["stun_unauthenticated"] == 2)
            await until(lambda: one.server.drops["stun_user_unknown"] == 1)
            assert heard(sock) == 0
        wrong.socket.close()
        assert (await one.server.node.stats())["addresses"] == addresses


async def test_attributes_behind_the_integrity_are_ignored() -> None:
    """[ICE-02] Who can replay a check must not nominate with it."""
    async with call() as one:
        mover = one.bob.check(use_candidate=False)
        data = bytes(mover)
        without = data[:-8]
        forged = without + (0x0025).to_bytes(2, "big") + bytes(2)
        length = len(forged) - 20
        forged = forged[:2] + length.to_bytes(2, "big") + forged[4:]
        with stranger() as sock:
            sock.sendto(forged, one.bob.server)
            before = await until(lambda: heard(sock))
            assert before > 0, "the check itself is good and was answered"
            await one.goes_on()
            assert heard(sock) == 0, "media went to the forger"


@pytest.mark.parametrize(
    "attribute",
    ["00240002aaaa0000", "802800010a000000", "80290003aaaaaa00", "000c0000", "00060003ffffff00", "7fff0000"],
)
async def test_malformed_checks_are_counted(attribute: str) -> None:
    """[ICE-04] Attributes of wrong length, names not in UTF-8, unknown attributes that are mandatory."""
    async with call() as one:
        body = bytes.fromhex(attribute)
        head = bytes.fromhex("0001") + len(body).to_bytes(2, "big") + bytes.fromhex("2112a442") + bytes(12)
        before = one.server.drops["stun_malformed"]
        with stranger() as sock:
            sock.sendto(head + body, one.alice.server)
            await until(lambda: one.server.drops["stun_malformed"] == before + 1)
            assert heard(sock) == 0


async def test_empty_and_short_datagrams_do_nothing() -> None:
    """[ICE-06] From a stranger and from the nominated address, during the handshake and after it."""
    async with call() as one:
        late = LightSubscriber()
        async with light(late):
            offer = (
                await one.server.node.subscribe(MEETING, "s2", [{"owner": "alice", "source": "camera"}])
            )["sdp"]
            await one.server.node.answer("s2", late.answer(offer))
            late.use(offer)
            await late.prove_address()
            with stranger() as sock:
                for length in range(20):
                    for first in (0, 22, 128):
                        data = bytes((first,)).ljust(length, b"\0")[:length]
                        sock.sendto(data, one.alice.server)
                        late.send(data)
                        one.alice.send(data)
                await asyncio.sleep(0.1)
                assert heard(sock) == 0
            await late.connect(offer)
        assert one.server.drops["too_short"] > 50


async def test_every_first_byte_is_told_apart() -> None:
    """[ICE-07] RFC 7983, from a stranger and from a participant."""
    async with call() as one:
        with stranger() as sock:
            for first in range(256):
                for length in (1, 12, 100, 1472, 9000 if first % 16 else 65_507):
                    data = bytes((first,)).ljust(length, b"\x07")
                    sock.sendto(data, one.alice.server)
                    if first not in range(20, 64):
                        one.alice.send(data)
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.1)
            assert heard(sock) == 0
        assert one.server.drops["address_unknown"] > 1000
        assert one.server.drops["protocol_unknown"] > 500
        assert one.server.drops["srtp_unauthenticated"] > 100


async def test_a_stranger_gets_no_answer_to_a_hello() -> None:
    """[ICE-08] Nothing comes out for what was not authenticated."""
    async with call() as one:
        with stranger() as sock:
            for _ in range(200):
                sock.sendto(bad_hello(), one.alice.server)
                sock.sendto(bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST)), one.alice.server)
            await until(lambda: one.server.drops["address_unknown"] >= 200)
            assert heard(sock) == 0


async def test_a_participant_keeps_at_most_eight_addresses() -> None:
    """[ICE-12] The nominated one is never given up."""
    async with call() as one:
        data = bytes(one.bob.check(use_candidate=False))
        for _ in range(100):
            with stranger() as sock:
                sock.sendto(data, one.bob.server)
                await asyncio.sleep(0.002)
        assert (await one.server.node.peer_stats("s1"))["addresses"] == 8
        assert (await one.server.node.stats())["addresses"] == 9
        assert 90 <= one.server.drops["address_limit"] <= 93


async def test_a_lite_server_minds_no_role() -> None:
    """[ICE-09] Who calls itself controlled, or has another tie-breaker, or changes its mind, is answered."""
    async with call() as one:
        for role, tie_breaker in (
            ("ICE-CONTROLLED", 0),
            ("ICE-CONTROLLING", 2**64 - 1),
            ("ICE-CONTROLLED", 2**64 - 1),
            ("ICE-CONTROLLING", 0),
        ):
            check = one.bob.check()
            del check.attributes["ICE-CONTROLLING"]
            check.attributes[role] = tie_breaker
            check.add_message_integrity(one.bob.remote_password.encode())
            answered = one.bob.checks_answered
            one.bob.send(bytes(check))
            await until(lambda before=answered: one.bob.checks_answered > before)
            await one.goes_on()
        assert one.server.states("s1") == [("connecting", ""), ("connected", "")]


async def test_candidates_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """[ICE-13] Nothing is sent to what a description names and no name is looked up; too many refuse it."""
    looked_up: list[str] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, **__: looked_up.append(host))
    eve = LightPublisher()
    async with call() as one, light(eve):
        with stranger() as sock:
            hosts = ("127.0.0.1", "::1", "169.254.169.254", "fe80::1", "5d3b7a52.local", "example.invalid")
            line = f"a=candidate:1 1 udp 2130706431 %s {sock.getsockname()[1]} typ host\r\n"
            offer = eve.offer({"video": (5, 6)})
            named = offer + "".join(line % host for host in hosts)
            answer = await one.server.node.publish(MEETING, "p2", "eve", named, {"video": "camera"})
            await eve.connect(answer["sdp"])
            await one.goes_on()
            assert heard(sock) == 0
            assert not looked_up
        for count in (51, 10_000):
            with pytest.raises(SdpError) as refused:
                await one.server.node.publish(MEETING, "p3", "eve", offer + line % "192.0.2.1" * count)
            assert refused.value.code == "sdp_too_large"
        assert set(one.server.node._peers) == {"p1", "s1", "p2"}


async def test_media_follows_the_nominated_address() -> None:
    """[ICE-10] Fifty new addresses by authenticated checks: same keys, nothing more to the old one."""
    async with call() as one:
        for _ in range(50):
            with contextlib.closing(one.bob.socket) as old:
                one.bob.leave()
                await one.bob.prove_address()
                heard(old)
                await one.goes_on()
                assert heard(old) == 0
        assert one.server.states("s1") == [("connecting", ""), ("connected", "")]


async def test_after_an_ice_restart_old_checks_have_a_moment_left() -> None:
    """[ICE-14] Media goes on meanwhile; then checks with the old password are nobody's."""
    async with call() as one:
        ice = one.server.node._peers["s1"].transport.ice
        one.server.node._peers["s1"].transport.restart_ice()
        await one.bob.prove_address()
        await one.goes_on()
        assert ice._previous is not None
        ice._previous = (ice._previous[0], ice._previous[1] - OLD_CREDENTIALS_S)
        await until(lambda: ice._previous is None)
        answered = one.bob.checks_answered
        one.bob.send(bytes(one.bob.check()))
        await until(lambda: one.server.drops["stun_user_unknown"] == 1)
        assert one.bob.checks_answered == answered
        one.bob.remote_ufrag, one.bob.remote_password = ice.credentials.ufrag, ice.credentials.password
        await one.bob.prove_address()


async def test_an_address_of_another_cannot_be_taken() -> None:
    """A participant's check with the spoofed source of another's leaves the packets where they are."""
    async with call() as one:
        one.bob.send(bytes(one.alice.check()))
        await until(lambda: one.server.drops["address_limit"] == 1)


async def test_hellos_of_strangers_do_not_disturb_handshakes() -> None:
    """[DTLS-01] At sixty moments between the answer and the end of the handshake."""
    moments = random.Random(7)
    async with call() as one:
        for number in range(60):
            peer = LightSubscriber(silent=True)
            async with light(peer):
                with stranger() as sock:
                    loop = asyncio.get_running_loop()
                    for _ in range(3):
                        loop.call_later(moments.uniform(0, 0.03), sock.sendto, bad_hello(), one.alice.server)
                    await peer.want(one.server, f"d{number}", CAMERA)
                    assert heard(sock) == 0
        assert one.server.drops["address_unknown"] >= 100


async def test_a_certificate_that_was_not_announced_ends_the_connection() -> None:
    """[DTLS-03] No media, and both ends know within a second."""
    async with call() as one:
        mallory = LightSubscriber()
        mallory.dtls = RTCDtlsTransport(mallory._path, [RTCCertificate.generateCertificate()])  # type: ignore[arg-type]
        async with light(mallory):
            with contextlib.suppress(LinkFailed):
                await mallory.want(one.server, "m1", CAMERA)
            await until(lambda: ("failed", "dtls_identity") in one.server.states("m1"), within_s=1)
            await until(lambda: mallory.dtls.state == "closed", within_s=1)
            assert not mallory.rtp
            assert "m1" not in one.server.node._peers


async def test_a_silent_peer_is_let_go() -> None:
    """[ICE-15, DTLS-08] Who sends media but no checks loses consent; who never shakes hands is not kept."""
    async with call() as one:
        peer = LightSubscriber()
        async with light(peer):
            await peer.want(one.server, "s2", CAMERA)
            await one.server.node.subscribe(MEETING, "s3", [{"owner": "alice", "source": "camera"}])
            peers = one.server.node._peers
            ice = peers["s2"].transport.ice
            ice.last_check -= 31
            ice._heard = {path: at - 31 for path, at in ice._heard.items()}
            peers["s3"].transport._deadline -= 31
            report = rtcp.ReceiverReport(1).to_bytes()
            await until(
                lambda: peer.send_rtcp(report) or ("closed", "consent_expired") in one.server.states("s2")
            )
            received = peer.received
            await one.goes_on()
            assert peer.received == received
            await until(lambda: ("failed", "handshake_timeout") in one.server.states("s3"))
            assert set(peers) == {"p1", "s1"}
            assert (await one.server.node.stats())["ufrags"] == 2


async def test_data_channels_are_refused_and_their_bytes_ignored() -> None:
    """[SCTP-04] The section is rejected; what comes as DTLS application data is dropped."""
    async with call() as one:
        peer = LightPublisher()
        async with light(peer):
            offer = peer.offer({"video": (5, 6)})
            application = (
                "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:data\r\n"
            )
            application += "a=sctp-port:5000\r\n"
            answer = await one.server.node.publish(
                MEETING, "p2", "eve", offer + application, {"video": "camera"}
            )
            assert "m=application 0 " in answer["sdp"]
            await peer.connect(answer["sdp"])
            for _ in range(100):
                await peer.dtls._send_data(
                    bytes.fromhex("1388138800000001") + bytes(4) + bytes.fromhex("0400000800010000")
                )
            await asyncio.sleep(0.1)
            assert one.server.node._peers["p2"].transport.state == "connected"


async def test_media_awaits_the_nomination() -> None:
    """Keys over an address that was only checked: nothing is sent there, and nobody is told `connected`."""
    async with call() as one:
        carol = LightSubscriber()
        check = carol.check
        carol.check = lambda use_candidate=False, **changed: check(use_candidate, **changed)  # type: ignore[method-assign]
        async with light(carol):
            await carol.want(one.server, "s2", CAMERA)
            await one.goes_on()
            assert one.server.states("s2") == [("connecting", "")]
            assert carol.received == 0
            carol.send(bytes(check()))
            await until(lambda: ("connected", "") in one.server.states("s2"))
            await one.alice.send_frames(1)
            await until(lambda: carol.packets(*CAMERA))
