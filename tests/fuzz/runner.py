"""Runs a target on many inputs and says what came of it."""

import gc
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.mutator import Mutator
from tests.fuzz.targets import Target
from tests.sfu.descriptions import TEXTS

CORPUS = Path(__file__).parent / "corpus"
LONGEST_S = 0.05
MOST_GROWTH = 0.05
_DOUBTFUL_S = 0.001
_MOST_FAILURES = 5
_MOST_SHOWN = 100
# Caches fill and the allocator takes its arenas before memory is compared.
_WARM_UP = 0.1
_PAGE = os.sysconf("SC_PAGESIZE")


@dataclass
class Report:
    """What came of one target. Failures are inputs and what they raised; the growth is of resident memory.

    `seconds` are of CPU time, the mutations included.
    """

    name: str
    inputs: int = 0
    refused: int = 0
    seconds: float = 0
    slowest_s: float = 0
    slowest: bytes = b""
    growth: float = 0
    failures: list[tuple[bytes, Exception]] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Nothing unexpected was raised, nothing was slow, and memory is as it was."""
        return not self.failures and self.slowest_s <= LONGEST_S and self.growth <= MOST_GROWTH

    def __str__(self) -> str:
        rate = self.inputs / self.seconds if self.seconds else 0
        text = (
            f"{self.name:10} {self.inputs:9,} inputs  {self.refused / max(1, self.inputs):4.0%} refused  "
            f"{rate:8,.0f}/s of CPU  slowest {1e3 * self.slowest_s:6.2f} ms  memory {self.growth:+.1%}"
        )
        return "\n".join([text, *(f"    {error!r} from {_shown(data)}" for data, error in self.failures)])

    def bad_inputs(self) -> list[bytes]:
        """What raised, and what was slow."""
        slow = [self.slowest] if self.slowest_s > LONGEST_S else []
        return [data for data, _ in self.failures] + slow


def _shown(data: bytes) -> str:
    return data.hex() if len(data) <= _MOST_SHOWN else f"{data[:_MOST_SHOWN].hex()}… ({len(data):,} bytes)"


def corpus(name: str) -> list[bytes]:
    """The real inputs that a target's mutations start from."""
    files = sorted((CORPUS / name).iterdir())
    texts = [text.encode() for text in TEXTS.values()] if name == "sdp" else []
    return [file.read_bytes() for file in files] + texts


def run(name: str, target: Target, inputs: int, seed: int) -> Report:
    """The corpus as it is, then `inputs` mutations of it. The same seed gives the same inputs."""
    report = Report(name)
    entries = corpus(name)
    mutator = Mutator(entries, seed, target.tokens, target.longest)
    for data in entries:
        _try(report, target, data)
    warm = int(inputs * _WARM_UP)
    started = time.process_time()
    _run(report, target, mutator, warm)
    before = _resident_bytes()
    _run(report, target, mutator, inputs - warm)
    report.seconds = time.process_time() - started
    report.growth = _resident_bytes() / before - 1
    return report


def _run(report: Report, target: Target, mutator: Mutator, inputs: int) -> None:
    for _ in range(inputs):
        _try(report, target, mutator.make())
        if len(report.failures) >= _MOST_FAILURES:
            return


def _try(report: Report, target: Target, data: bytes) -> None:
    elapsed = _timed(report, target, data)
    report.inputs += 1
    if elapsed <= report.slowest_s:
        return
    if elapsed > _DOUBTFUL_S:
        # On a busy machine anything may have been in between: what is slow takes its CPU time every time.
        elapsed = min(_timed(Report(""), target, data, time.process_time) for _ in range(3))
    if elapsed > report.slowest_s:
        report.slowest_s, report.slowest = elapsed, data


def _timed(
    report: Report, target: Target, data: bytes, clock: Callable[[], float] = time.perf_counter
) -> float:
    started = clock()
    try:
        target.run(data)
    except target.refusals:
        report.refused += 1
    except Exception as error:
        report.failures.append((data, error))
    return clock() - started


def _resident_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
