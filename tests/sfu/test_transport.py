"""The encrypted way in and out, by itself: both roles in DTLS, bad links, and silence before there is proof."""

import asyncio
import contextlib
import gc
import socket
import time
import weakref
from typing import Literal

import pytest

from sfu import rtcp, transport
from sfu.flights import FIRST_REPEAT_S, Flights
from sfu.mux import Mux
from sfu.transport import GONE_S, SETTLED_S, State
from tests.sfu.clients import until
from tests.sfu.ends import BadLink, Ends, ends, running_mux
from tests.sfu.packets import audio_packet
from tests.sfu.test_hostile import bad_hello

pytestmark = pytest.mark.usefixtures("no_traceback")
# A record of DTLS 1.2 as anyone can make it up: alert, epoch 1, nothing that could be decrypted.
ALERT = bytes.fromhex("15fefd 0001 000000000009 0002 0100".replace(" ", ""))
CHANGE_CIPHER_SPEC = 20
ROLES: tuple[Literal["client", "server"], ...] = ("client", "server")


async def media_flows(one: Ends) -> None:
    """A packet each way."""
    before = len(one.owner.rtp), len(one.peer.rtcp)
    one.peer.send_rtp(audio_packet(before[0], 960 * before[0], 1001))
    assert one.transport.send_rtcp(rtcp.Pli(1, 2).to_bytes())
    await until(lambda: len(one.owner.rtp) > before[0] and len(one.peer.rtcp) > before[1], within_s=2)


@pytest.mark.parametrize("role", ROLES)
async def test_media_flows_whoever_began(role: Literal["client", "server"]) -> None:
    async with running_mux() as gate, ends(gate, role) as one:
        await one.connect()
        await until(lambda: one.transport.state is State.CONNECTED)
        await media_flows(one)
        await one.peer.dtls.stop()
        await until(lambda: one.owner.states[-1] == (State.CLOSED, "closed_by_peer"))


async def settle(one: Ends) -> None:
    """The handshake is long over, and the peer has shown that it knows."""
    await send_sound(one, 0)
    one.transport.tick(time.monotonic() + SETTLED_S + 0.1)


async def send_sound(one: Ends, number: int) -> None:
    """One packet of the peer's, until it has come."""
    before = len(one.owner.rtp)
    one.peer.send_rtp(audio_packet(number, 960 * number, 1001))
    await until(lambda: len(one.owner.rtp) > before)


@pytest.mark.parametrize("role", ROLES)
async def test_media_and_our_goodbye_pass_when_the_handshake_is_forgotten(
    role: Literal["client", "server"],
) -> None:
    async with running_mux() as gate, ends(gate, role) as one:
        await one.connect()
        await until(lambda: one.transport.state is State.CONNECTED)
        await settle(one)
        await media_flows(one)
        one.transport.end(State.CLOSED, "requested")
        await until(lambda: one.peer.dtls.state == "closed")


@pytest.mark.parametrize("role", ROLES)
async def test_nothing_is_left_of_a_handshake_that_is_forgotten(role: Literal["client", "server"]) -> None:
    async with running_mux() as gate, ends(gate, role) as one:
        await one.connect()
        await until(lambda: one.transport.state is State.CONNECTED)
        kept = weakref.ref(one.transport._dtls._dtls)
        gc.disable()
        try:
            await settle(one)
            await until(lambda: kept() is None, within_s=2)
        finally:
            gc.enable()


async def test_who_missed_our_last_flight_is_told_it_until_there_is_media() -> None:
    """What is forgotten could not be said again."""
    async with running_mux() as gate, ends(gate, "server") as one:
        one.describe()
        one.peer.lose = lambda data: data[0] == CHANGE_CIPHER_SPEC
        await one.peer.prove_address()
        hands = asyncio.create_task(one.shake_hands())
        await until(lambda: one.transport.state is State.CONNECTED)
        one.transport.tick(time.monotonic() + SETTLED_S + 0.1)
        one.peer.lose = lambda data: False
        await asyncio.wait_for(hands, 5)
        await media_flows(one)


async def test_who_may_have_said_goodbye_and_is_silent_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "OVERTAKEN_S", 0.1)
    async with running_mux() as gate, ends(gate, "server") as one:
        await one.connect()
        await until(lambda: one.transport.state is State.CONNECTED)
        await settle(one)
        one.peer.send(ALERT)
        doubted_at = await until(lambda: one.transport._dtls.doubted_at)
        one.transport.tick(doubted_at + GONE_S - 1)
        await until(lambda: time.monotonic() > doubted_at + 0.1)
        await send_sound(one, 1)
        one.transport.tick(time.monotonic() + GONE_S + 1)
        assert one.transport.state is State.CONNECTED, (
            "anyone can send such a record, and a line may be silent"
        )
        await one.peer.dtls.stop()
        await until(lambda: one.transport._dtls.doubted_at != doubted_at)
        doubted_at = one.transport._dtls.doubted_at
        one.transport.tick(doubted_at + GONE_S - 1)
        assert one.transport.state is State.CONNECTED
        one.transport.tick(doubted_at + GONE_S + 1)
        assert one.owner.states[-1] == (State.CLOSED, "closed_by_peer")


async def test_nothing_is_said_before_an_address_is_proved() -> None:
    """As the client we could begin at once, but to whom?"""
    async with running_mux() as gate, ends(gate, "client") as one:
        one.describe()
        one.peer.send(bad_hello())
        wrong = one.peer.remote_password
        one.peer.remote_password = "x" * 24
        one.peer.send(bytes(one.peer.check()))
        await asyncio.sleep(3 * FIRST_REPEAT_S)
        assert one.transport.state is State.NEW
        assert one.peer._path.records.empty()
        one.peer.remote_password = wrong
        await one.peer.prove_address()
        await one.shake_hands()
        await until(lambda: one.transport.state is State.CONNECTED)


@pytest.mark.parametrize("role", ROLES)
async def test_another_certificate_than_announced_ends_the_connection(
    role: Literal["client", "server"],
) -> None:
    """[DTLS-03] In both roles, and both ends know at once."""
    async with running_mux() as gate, ends(gate, role) as one:
        one.transport.describe_remote([("sha-256", ":".join(["AB"] * 32))], role)
        await one.peer.prove_address()
        with contextlib.suppress(AssertionError):
            await one.shake_hands()
        await until(lambda: one.owner.states[-1] == (State.FAILED, "dtls_identity"), within_s=1)
        await until(lambda: one.peer.dtls.state == "closed", within_s=1)
        assert one.transport.tx is None


async def test_one_right_fingerprint_among_others_is_not_enough() -> None:
    """[DTLS-04] All that are announced must match."""
    async with running_mux() as gate, ends(gate, "server") as one:
        theirs = [(found.algorithm, found.value) for found in one.peer.certificate.getFingerprints()]
        one.transport.describe_remote([*theirs, ("sha-256", ":".join(["AB"] * 32))], one.role)
        await one.peer.prove_address()
        await one.shake_hands()
        await until(lambda: one.owner.states[-1] == (State.FAILED, "dtls_identity"), within_s=1)
        assert one.transport.tx is None


class BadLinkEnds(Ends):
    """The peer's packets and those to it go over bad links; it repeats its flights as browsers do."""

    def __init__(self, gate: Mux, role: Literal["client", "server"], seed: int) -> None:
        super().__init__(gate, role)
        self._to_node = BadLink(seed, self._send_if_open)
        self._send = self.peer.send
        self.peer.send = self._to_node.send  # type: ignore[method-assign]
        self.peer._take = BadLink(seed + 1000, self.peer._take).send  # type: ignore[method-assign]
        self._flights = Flights(self._to_node.send)
        self.peer._path.send = self._flights.send

    def _send_if_open(self, data: bytes) -> None:
        if self.peer.socket.fileno() >= 0:
            self._send(data)

    async def connect(self) -> None:
        """As often as it takes."""
        self.describe()
        hands = asyncio.create_task(self.shake_hands())
        while self.transport.state is not State.CONNECTED:
            self.peer.send(bytes(self.peer.check()))
            await asyncio.sleep(0.05)
        await hands

    async def close(self) -> None:
        """Nothing is repeated any more."""
        self._flights.stop()
        await super().close()


@pytest.mark.parametrize("role", ROLES)
async def test_handshakes_survive_a_bad_link(role: Literal["client", "server"]) -> None:
    """[DTLS-06] 30 % lost each way, a tenth doubled, order mixed: all connect within ten seconds."""
    async with running_mux() as gate:
        pairs = [BadLinkEnds(gate, role, seed) for seed in range(30)]
        try:
            async with asyncio.timeout(10):
                await asyncio.gather(*(one.connect() for one in pairs))
        finally:
            await asyncio.gather(*(one.close() for one in pairs))
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("role", ROLES)
async def test_the_address_may_change_during_the_handshake(role: Literal["client", "server"]) -> None:
    async with running_mux() as gate, ends(gate, role) as one:
        one.describe()
        one.peer.lose = lambda data: data[0] >= 20
        await one.peer.prove_address()
        hands = asyncio.create_task(one.shake_hands())
        await asyncio.sleep(0.05)
        one.peer.move()
        one.peer.lose = lambda data: False
        await one.peer.prove_address()
        await asyncio.wait_for(hands, 5)
        await until(lambda: one.transport.state is State.CONNECTED)
        await media_flows(one)


async def test_a_flight_is_repeated_until_the_next_one() -> None:
    sent: list[bytes] = []
    flights = Flights(sent.append)
    flights.send(b"hello")
    await until(lambda: sent == [b"hello"] * 3, within_s=2)
    flights.send(b"finished")
    flights.stop()
    await asyncio.sleep(2 * FIRST_REPEAT_S)
    assert sent == [b"hello"] * 3 + [b"finished"]
    flights.again()
    assert sent[4:] == [b"finished"]


@pytest.mark.parametrize("role", ROLES)
async def test_hellos_of_strangers_do_not_disturb_handshakes(role: Literal["client", "server"]) -> None:
    """[DTLS-01] Forty handshakes at once in a rain of bad hellos."""
    async with running_mux() as gate:
        pairs = [Ends(gate, role) for _ in range(40)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            rain = asyncio.create_task(_rain(stranger, gate.number))
            try:
                async with asyncio.timeout(10):
                    await asyncio.gather(*(one.connect() for one in pairs))
                    await until(lambda: all(one.transport.state is State.CONNECTED for one in pairs))
            finally:
                rain.cancel()
                await asyncio.gather(*(one.close() for one in pairs))
            stranger.setblocking(False)
            with pytest.raises(BlockingIOError):
                stranger.recv(1)


async def _rain(stranger: socket.socket, port: int) -> None:
    while True:
        stranger.sendto(bad_hello(), ("127.0.0.1", port))
        await asyncio.sleep(0)
