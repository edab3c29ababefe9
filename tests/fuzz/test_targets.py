"""A short run of every fuzz target. The long one is `python -m tests.fuzz`: a million inputs for each."""

import pytest

from sfu.errors import ParseError
from tests.fuzz.mutator import Mutator
from tests.fuzz.runner import CORPUS, corpus, run
from tests.fuzz.targets import TARGETS, Target

INPUTS = 3_000
# Reading and answering a whole description takes a hundred times as long as a packet.
FEWER = {"sdp": 500}


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_but_a_refusal_leaves_a_parser(name: str) -> None:
    report = run(name, TARGETS[name], FEWER.get(name, INPUTS), seed=1)
    assert not report.failures, str(report)
    assert report.slowest_s <= 0.05, str(report)
    assert report.refused < report.inputs, "some should get past all of a parser's checks"


def test_every_target_has_a_corpus() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)


def test_the_same_seed_makes_the_same_inputs() -> None:
    entries = corpus("vp9")
    one, other, third = (Mutator(entries, seed) for seed in (1, 1, 2))
    made = [one.make() for _ in range(200)]
    assert made == [other.make() for _ in range(200)]
    assert made != [third.make() for _ in range(200)]
    assert len(set(made)) > 150


def test_a_bad_parser_is_found_out() -> None:
    def parse(data: bytes) -> None:
        if len(data) < 2:
            raise ParseError("short")
        data[data[0]]

    report = run("opus", Target(parse), INPUTS, seed=1)
    assert not report.is_good
    assert isinstance(report.failures[0][1], IndexError)
    assert report.failures[0][0].hex() in str(report)
