"""Free memory goes back to the system, now and then."""

import ctypes
import resource
from pathlib import Path

import pytest

from sfu import memory
from sfu.memory import INTERVAL_S, Memory


def trims(monkeypatch: pytest.MonkeyPatch, ticks: list[tuple[float, int]]) -> list[float]:
    """The times of `ticks`, (now, peers), at which the heap was trimmed."""
    trimmed: list[float] = []
    one = Memory()
    for now, peers in ticks:
        monkeypatch.setattr(memory, "_trim", lambda _, now=now: trimmed.append(now))
        one.tick(now, peers)
    return trimmed


def test_it_is_done_once_in_an_interval_after_peers_have_come_or_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steady = [(float(now), 3) for now in range(1, 61)]
    assert trims(monkeypatch, [(0.0, 0), *steady]) == [1, 1 + INTERVAL_S, 1 + 2 * INTERVAL_S]
    assert trims(monkeypatch, [(0.0, 0), *steady, (61.0, 2), (62.0, 2)])[-1] == 61
    assert trims(monkeypatch, [(float(now), 0) for now in range(60)]) == []


def test_without_glibc_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_trim", None)
    Memory().tick(0.0, 1)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="this C library has no malloc_trim")
def test_what_lies_free_between_what_is_used_is_given_back() -> None:
    blocks = [bytearray(4000) for _ in range(20_000)]
    used = blocks[::50]
    del blocks
    before = _resident()
    Memory().tick(0.0, 1)
    assert before - _resident() > 30e6
    assert len(used) == 400
