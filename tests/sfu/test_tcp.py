"""ICE by TCP: the same calls, the same gate, and connections that cost no more than they may."""

import asyncio
import contextlib
import os
import random
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sfu import mux, tcp
from sfu.drops import DropCounter
from sfu.framing import MOST_WAITING_S
from sfu.port import UdpPort
from tests.sfu.calls import CAMERA, MICROPHONE, Call, call, light
from tests.sfu.clients import MEETING, running_node, until
from tests.sfu.tcppeer import OverTcp, TcpPublisher, TcpSubscriber, framed
from tests.sfu.test_hostile import bad_hello

pytestmark = pytest.mark.usefixtures("no_traceback")


class NarrowSubscriber(TcpSubscriber):
    """Its kernel holds little for it."""

    receive_buffer = 4096


@contextlib.contextmanager
def connection(one: Call, *sent: bytes) -> Iterator[socket.socket]:
    """A stranger's connection to the node, with these bytes sent on it."""
    with socket.create_connection(one.alice.server) as sock:
        sock.setblocking(False)
        for data in sent:
            sock.send(data)
        yield sock


def ended(sock: socket.socket) -> bool:
    """Whether the node has closed the connection; nothing may have come on it."""
    try:
        assert sock.recv(65_536) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
    return True


def media_address(one: Call, peer: str) -> object:
    """Where the node sends a peer's media."""
    path = one.server.node._peers[peer].transport.ice.media_path
    return path and path.address


async def test_a_call_by_tcp() -> None:
    async with running_node() as server:
        one = Call(server, TcpPublisher(), TcpSubscriber())
        async with light(one.alice, one.bob):
            await one.alice.join(server, "p1", "alice")
            await one.bob.want(server, "s1", CAMERA, MICROPHONE)
            for _ in range(5):
                await one.goes_on()
            await server.node.close_meeting(MEETING)
            await until(lambda: one.alice.ended and one.bob.ended)
            assert (await server.node.stats())["addresses"] == 0


async def test_a_large_keyframe_arrives_whole() -> None:
    """More than the queue holds: the kernel takes the rest."""
    async with call() as one:
        bob = TcpSubscriber()
        async with light(bob):
            await bob.want(one.server, "s2", CAMERA)
            before = len(bob.packets(*CAMERA))
            for _ in range(3):
                for packet in one.alice.frame(70, keyframe=True, length=1100):
                    one.alice.send_rtp(packet)
                await asyncio.sleep(0.05)
            await until(lambda: len(bob.packets(*CAMERA)) >= before + 210)
            assert one.server.drops["socket_full"] == 0


async def test_ipv6() -> None:
    drops = DropCounter()
    gate = mux.Mux(drops)
    gate.open(["127.0.0.1", "::1"], 0)
    with contextlib.closing(gate), socket.create_connection(("::1", gate.number)) as sock:
        sock.send(framed(b"\x16" * 20) + framed(b""))
        await until(lambda: drops.as_dict() == {"address_unknown": 1, "too_short": 1})


async def test_who_is_there_by_tcp_and_by_udp_is_served_where_it_nominates() -> None:
    """UDP, TCP, another connection and back, with the same keys."""
    async with call() as one:
        by_udp, by_tcp = one.bob, OverTcp()
        by_tcp.remote_ufrag, by_tcp.remote_password = by_udp.remote_ufrag, by_udp.remote_password
        by_tcp.server, by_tcp.dtls, by_tcp.rtp = by_udp.server, by_udp.dtls, by_udp.rtp
        for _ in range(3):
            by_tcp.move()
            await by_tcp.prove_address()
            assert media_address(one, "s1") == by_tcp.socket.getsockname()
            await one.goes_on()
            await by_udp.prove_address()
            assert media_address(one, "s1") == by_udp.socket.getsockname()
            await one.goes_on()
        asyncio.get_running_loop().remove_reader(by_tcp.socket)
        by_tcp.socket.close()


async def test_a_connection_that_ends_is_forgotten_and_the_peer_comes_back() -> None:
    async with call() as one:
        bob = TcpSubscriber()
        async with light(bob):
            await bob.want(one.server, "s2", CAMERA)
            for _ in range(3):
                bob.socket.shutdown(socket.SHUT_RDWR)
                await until(lambda: media_address(one, "s2") is None)
                await one.goes_on()
                bob.move()
                await bob.prove_address()
                before = len(bob.packets(*CAMERA))
                await one.goes_on()
                await until(lambda before=before: len(bob.packets(*CAMERA)) >= before + 20)
            assert one.server.states("s2") == [("connecting", ""), ("connected", "")]


async def test_a_connection_whose_peer_lost_consent_is_closed() -> None:
    """RFC 7675: by TCP, too."""
    async with call() as one:
        bob = TcpSubscriber()
        async with light(bob):
            await bob.want(one.server, "s2", CAMERA)
            ice = one.server.node._peers["s2"].transport.ice
            ice.last_check -= 31
            ice._heard = {path: at - 31 for path, at in ice._heard.items()}
            await until(lambda: ("closed", "consent_expired") in one.server.states("s2"))
            await until(lambda: bob.ended)


async def test_who_does_not_read_loses_packets_not_its_place() -> None:
    """What waits is bounded and fresh; a frame that was begun is completed; nobody else notices."""
    async with call() as one:
        bob = NarrowSubscriber()
        async with light(bob):
            await bob.want(one.server, "s2", CAMERA)
            await one.goes_on()
            bob.stop_reading()
            for _ in range(40):
                for packet in one.alice.frame(10, length=1000):
                    one.alice.send_rtp(packet)
                await asyncio.sleep(0.005)
            await one.goes_on()
            assert one.server.drops["socket_full"] > 100
            path = one.server.node._peers["s2"].transport.ice.media_path
            assert isinstance(path, tcp.TcpPath)
            assert len(path._queue) < 80
            bob.go_on_reading()
            await until(lambda: not path._queue)
            before = len(bob.packets(*CAMERA))
            await one.alice.send_frames(20)
            await until(lambda: len(bob.packets(*CAMERA)) >= before + 40)


async def test_what_has_waited_too_long_is_not_sent() -> None:
    """A connection that stands still for a second goes on with what is new."""
    async with call() as one:
        bob = NarrowSubscriber()
        async with light(bob):
            await bob.want(one.server, "s2", CAMERA)
            bob.stop_reading()
            for packet in one.alice.frame(150, keyframe=True, length=1000):
                one.alice.send_rtp(packet)
            path = await until(lambda: one.server.node._peers["s2"].transport.ice.media_path)
            await until(lambda: path._blocked)
            await asyncio.sleep(MOST_WAITING_S + 0.1)
            bob.go_on_reading()
            await until(lambda: not path._blocked)
            assert one.server.drops["socket_full"] > 5


# Strangers


async def test_a_stranger_gets_no_answer_and_not_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hellos, media, checks of nobody, nothing at all: no byte comes back, the connection is closed."""
    monkeypatch.setattr(tcp, "PROOF_S", 0.3)
    async with call() as one:
        nobody, wrong = OverTcp(), OverTcp()
        wrong.remote_ufrag, wrong.remote_password = one.alice.remote_ufrag, "x" * 24
        for sent in (bad_hello(), b"\x80" * 100, bytes(nobody.check()), bytes(wrong.check()), b""):
            with connection(one, framed(sent)) as sock:
                assert not ended(sock)
                await until(lambda sock=sock: ended(sock), within_s=3)
        with connection(one) as sock:
            await until(lambda: ended(sock), within_s=3)
        nobody.socket.close()
        wrong.socket.close()
        assert one.server.drops["tcp_unproven"] == 6
        assert one.server.drops["stun_unauthenticated"] == 1
        await asyncio.sleep(0.4)
        await one.goes_on()


async def test_a_frame_that_is_too_long_ends_the_connection() -> None:
    """A stranger's, and a peer's: its place in the stream cannot be believed any more."""
    async with call() as one:
        with connection(one, (1501).to_bytes(2, "big")) as sock:
            await until(lambda: ended(sock), within_s=3)
        bob = TcpSubscriber()
        async with light(bob):
            await bob.want(one.server, "s2", CAMERA)
            bob.socket.send(b"\xff\xff" + b"x" * 3000)
            await until(lambda: bob.ended, within_s=3)
        assert one.server.drops["tcp_frame_too_long"] == 2


async def test_who_is_not_proven_may_not_send_much() -> None:
    async with call() as one:
        with connection(one) as sock:
            with contextlib.suppress(OSError):
                for _ in range(3000):
                    sock.send(framed(b""))
            await until(lambda: ended(sock), within_s=3)
        assert one.server.drops["too_short"] <= 1024
        assert one.server.drops["tcp_unproven"] == 1


async def test_one_host_has_so_many_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "MOST_FROM_ONE_HOST", 4)
    async with call() as one:
        with contextlib.ExitStack() as opened:
            sockets = [opened.enter_context(connection(one)) for _ in range(6)]
            await until(lambda: sum(ended(sock) for sock in sockets) == 2)
            assert one.server.drops["tcp_connection_limit"] == 2
        await until(lambda: not one.server.node._mux._admissions._hosts)
        with connection(one) as sock:
            await asyncio.sleep(0.1)
            assert not ended(sock)


async def test_no_descriptor_left_is_no_endless_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """accept() fails while a connection waits: it is asked again later, not at once."""
    monkeypatch.setattr(tcp, "_ACCEPT_PAUSE_S", 0.2)
    async with call() as one:
        with socket.socket() as waiting, no_descriptor_left():
            waiting.connect(one.alice.server)
            start = time.process_time()
            await asyncio.sleep(0.5)
            assert 1 <= one.server.drops["tcp_connection_limit"] <= 4
            assert time.process_time() - start < 0.3
        await until(lambda: len(_connections(one)) == 0)
        with connection(one):
            await until(lambda: len(_connections(one)) == 1)


@contextlib.contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Nothing can be opened or accepted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.dup(0)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (_highest_descriptor() + 1, hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.dup(0))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in taken:
            os.close(descriptor)


def _highest_descriptor() -> int:
    return max(int(path.name) for path in Path("/proc/self/fd").iterdir())


def _connections(one: Call) -> dict[object, object]:
    port = next(port for port in one.server.node._mux._ports if isinstance(port, tcp.TcpPort))
    return dict(port._connections)


async def test_garbage_of_a_peer_costs_packets_only() -> None:
    """[ICE-07] Every first byte by TCP, then random frames: the connection stays, the call goes on."""
    async with call() as one:
        draw = random.Random(3)
        bob = TcpSubscriber()
        async with light(bob):
            await bob.want(one.server, "s2", CAMERA)
            for first in range(256):
                if first not in range(20, 64):
                    for length in (0, 1, 12, 100, 1400):
                        bob.send(bytes((first,)).ljust(length, b"\x07")[:length])
                await asyncio.sleep(0.001)
            for _ in range(300):
                bob.send(b"\x90" + draw.randbytes(draw.randrange(1400)))
            before = len(bob.packets(*CAMERA))
            await one.goes_on()
            await until(lambda: len(bob.packets(*CAMERA)) >= before + 20)
            assert not bob.ended


async def test_a_flood_of_tiny_frames_ends_the_connection() -> None:
    """Two bytes of the peer's are one packet of ours to look at; the call beside it goes on meanwhile."""
    async with call() as one:
        bob = TcpSubscriber()
        async with light(bob):
            await bob.want(one.server, "s2", CAMERA)
            lag = asyncio.create_task(longest_turn())
            bob._unsent = framed(b"") * 200_000
            while not bob.ended:
                bob.send(b"")
                await asyncio.sleep(0.001)
            assert one.server.drops["too_short"] <= tcp.FRAMES_BURST + 20_000
            assert one.server.drops["rate_limited"] == 1
            await one.goes_on()
            lag.cancel()
            assert await lag < 0.5


async def longest_turn() -> float:
    """The loop's longest absence, until cancelled."""
    longest = 0.0
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            start = time.monotonic()
            await asyncio.sleep(0)
            longest = max(longest, time.monotonic() - start)
    return longest


async def test_the_number_is_free_for_both_or_for_neither() -> None:
    """A number chosen by the kernel is tried again; one that was asked for is refused, and nothing stays open."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        gate = mux.Mux(DropCounter())
        with pytest.raises(OSError, match="in use"):
            gate.open(["127.0.0.1"], number)
        UdpPort("127.0.0.1", number).close()
        gate.open(["127.0.0.1", "::1"], 0)
        assert gate.number != number
        gate.close()
        gate.close()


async def test_eight_addresses_by_tcp_too() -> None:
    """[ICE-12] Connections that make room for others are closed."""
    async with call() as one:
        sockets = []
        with contextlib.ExitStack() as opened:
            for _ in range(12):
                sockets.append(opened.enter_context(connection(one, framed(bytes(one.bob.check(False))))))
                await asyncio.sleep(0.01)
            assert (await one.server.node.peer_stats("s1"))["addresses"] == 8
            await until(lambda: len(_connections(one)) == 7)
        await until(lambda: not _connections(one))
        assert (await one.server.node.peer_stats("s1"))["addresses"] == 1
