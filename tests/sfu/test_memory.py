"""Free memory goes back to the system, now and then."""

import ctypes
import resource
from pathlib import Path

import pytest

from sfu import memory
from sfu.memory import INTERVAL_S, Memory


def test_it_is_done_once_in_an_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    trimmed: list[int] = []
    monkeypatch.setattr(memory, "_trim", trimmed.append)
    one = Memory()
    for now in (0.0, 1.0, INTERVAL_S - 0.1, INTERVAL_S, INTERVAL_S + 1):
        one.tick(now)
    assert len(trimmed) == 2


def test_without_glibc_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_trim", None)
    Memory().tick(0.0)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="this C library has no malloc_trim")
def test_what_lies_free_between_what_is_used_is_given_back() -> None:
    blocks = [bytearray(4000) for _ in range(20_000)]
    used = blocks[::50]
    del blocks
    before = _resident()
    Memory().tick(0.0)
    assert before - _resident() > 30e6
    assert len(used) == 400
