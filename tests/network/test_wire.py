"""The line before what is measured over it: it has to do what it is told, and nothing else."""

import itertools
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.support import network as networks
from tests.support.datagrams import Receiver, send
from tests.support.network import Host, Network


@pytest.fixture(scope="module")
def host(network: Network) -> Iterator[Host]:
    """One host for all tests of this file."""
    return network.host("one")


def through(
    host: Host, count: int, per_s: float, size: int = 100, **impairment: float
) -> list[tuple[int, float]]:
    """Number and delay in ms of what came of packets sent to the host over such a line."""
    host.set()
    host.down.set(**impairment)
    with Receiver(host) as receiver:
        send(host.address, count, per_s, size)
        return receiver.came()


def wait_for(host: Host, sent: int) -> None:
    """Return when so many packets have entered the host's line."""
    deadline = time.monotonic() + 5
    while (counts := host.down.counts()).sent < sent:
        assert time.monotonic() < deadline, f"{counts} instead of {sent} sent"
        time.sleep(0.01)


def delay_ms(came: list[tuple[int, float]]) -> float:
    """The middle one: what a busy machine adds to some is not the line's."""
    return statistics.median(delay for _, delay in came)


def test_a_clean_line_delivers_everything_at_once_and_in_order(host):
    came = through(host, 500, 1000)
    assert [number for number, _ in came] == list(range(500))
    assert delay_ms(came) < 2


def test_200_ms_and_10_percent_are_200_ms_and_10_percent(host, capsys):
    came = through(host, 4000, 1000, delay_ms=200, loss=0.1)
    loss = 1 - len(came) / 4000
    with capsys.disabled():
        print(f"\n200 ms, 10 %: {delay_ms(came):.1f} ms, {loss:.1%}")
    assert abs(delay_ms(came) - 200) <= 5
    assert abs(loss - 0.1) <= 0.01
    assert [number for number, _ in came] == sorted(number for number, _ in came)


def test_a_rate_is_kept_and_the_queue_has_an_end(host, capsys):
    # 1.2 Mbit/s into 300 kbit/s for 3 s; what is in the queue at the end comes as well.
    came = through(host, 375, 125, 1200, rate_bps=300_000, queue_ms=200)
    rate_bps = len(came) * 1200 * 8 / (3 + 0.2)
    with capsys.disabled():
        print(
            f"\n300 kbit/s: {rate_bps / 1000:.0f} kbit/s, longest wait {max(delay for _, delay in came):.0f} ms"
        )
    assert abs(rate_bps - 300_000) <= 15_000
    assert abs(delay_ms(came) - 216) <= 20
    assert host.down.counts().overflowed > 0


def test_packets_are_reordered_and_doubled_as_told(host):
    numbers = [number for number, _ in through(host, 1000, 1000, reorder=0.05, duplicate=0.05)]
    overtaken = sum(later < earlier for earlier, later in itertools.pairwise(numbers))
    assert set(numbers) == set(range(1000))
    assert 25 <= len(numbers) - 1000 <= 75
    assert 25 <= overtaken <= 75


def test_a_line_is_cut_and_mended_while_packets_are_on_it(host):
    host.set()
    before = host.down.counts().sent
    with Receiver(host) as receiver:
        send(host.address, 100, 1000)
        wait_for(host, before + 100)
        host.down.set(loss=1)
        send(host.address, 100, 1000)
        wait_for(host, before + 200)
        host.down.set()
        send(host.address, 100, 1000)
        assert len(receiver.came()) == 200


def test_three_thousand_packets_a_second_are_carried_for_a_little_of_a_core(network, host, capsys):
    wire = psutil.Process(network.wire_pid)
    before = sum(wire.cpu_times()[:2])
    came = through(host, 4500, 3000, 1200, delay_ms=50, jitter_ms=10)
    share = (sum(wire.cpu_times()[:2]) - before) / 1.5
    with capsys.disabled():
        print(f"\n3,000 packets/s: {len(came) / 4500:.2%} delivered, {share:.0%} of a core")
    assert len(came) == 4500
    assert share <= 0.4


@pytest.mark.skipif(not networks.has_ipv6(), reason="this machine has no IPv6")
def test_ipv6_goes_the_same_way(host):
    host.set()
    host.down.set(delay_ms=30)
    with Receiver(host) as receiver:
        send(host.address6, 200, 1000)
        came = receiver.came()
    assert len(came) == 200
    assert abs(delay_ms(came) - 30) <= 5


def test_the_ways_are_apart_and_a_host_reaches_us(network, host):
    host.set()
    before = host.up.counts(), host.down.counts()
    script = f"from tests.support.datagrams import send; send('{network.address}', 50, 1000)"
    subprocess.run(host.command(sys.executable, "-c", script), cwd=networks.ROOT, check=True)
    up, down = host.up.counts().since(before[0]), host.down.counts().since(before[1])
    assert up.delivered >= 50
    assert down.delivered < 100


def test_large_writes_are_cut_to_size_before_the_line(network, host):
    """TCP hands a device of its own kernel up to 64 kB at once; a line carries packets."""
    host.set()
    before = host.down.counts()
    program = "import socket, sys; s = socket.create_connection((sys.argv[1], int(sys.argv[2]))); n = 0\n"
    program += "while part := s.recv(65536): n += len(part)\nprint(n)"
    with socket.create_server((network.address, 0)) as listener:
        port = str(listener.getsockname()[1])
        client = subprocess.Popen(
            host.command(sys.executable, "-c", program, network.address, port), stdout=subprocess.PIPE
        )
        connection, _ = listener.accept()
        with connection:
            connection.sendall(bytes(1_000_000))
        assert client.communicate()[0] == b"1000000\n"
    counts = host.down.counts().since(before)
    assert counts.delivered_bytes / counts.delivered <= 1500
    assert counts.delivered >= 1_000_000 / 1500


def test_a_rebound_host_is_seen_from_another_port_and_answered_there(network):
    host = network.host("rebound")
    echo = """if True:
        import socket, sys
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine:
            mine.settimeout(5)
            for _ in sys.stdin:
                mine.sendto(b"here", (sys.argv[1], int(sys.argv[2])))
                print(mine.recv(100).decode(), flush=True)
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near:
        near.bind((network.address, 0))
        near.settimeout(5)
        client = subprocess.Popen(
            host.command(sys.executable, "-c", echo, *map(str, near.getsockname())),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        with client:
            seen = []
            for _ in range(3):
                client.stdin.write("\n")
                seen.append(near.recvfrom(100)[1])
                near.sendto(b"there", seen[-1])
                assert client.stdout.readline() == "there\n"
                host.rebind()
    assert len({port for _, port in seen}) == 3
    assert {address for address, _ in seen} == {host.address}


def test_a_moved_host_has_another_address_and_not_the_old_one(host):
    host.set()
    old = host.address
    host.move()
    assert host.address != old
    with Receiver(host) as receiver:
        send(old, 20, 1000)
        send(host.address, 20, 1000)
        assert len(receiver.came()) == 20


def test_what_a_killed_run_left_behind_is_swept_away(network, host):
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = f"{networks.PREFIX}{dead.pid}-1-left"
    networks.ip("netns", "add", left)
    sleeper = subprocess.Popen(["ip", "netns", "exec", left, "sleep", "60"])
    networks.sweep()
    assert sleeper.wait(5) != 0
    assert left not in networks.namespaces()
    assert host.namespace in networks.namespaces()


@pytest.mark.usefixtures("network")
def test_a_network_leaves_nothing(tmp_path):
    with Network() as network:
        host = network.host("short")
        script = host.executable("sleep", tmp_path)
        sleeper = subprocess.Popen([script, "60"])
        assert host.namespace in networks.namespaces()
        assert list(networks.DEVICES.glob(f"dc{network.number}n*"))
    assert sleeper.wait(5) != 0
    assert host.namespace not in networks.namespaces()
    assert not list(networks.DEVICES.glob(f"dc{network.number}n*"))
