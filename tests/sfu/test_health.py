"""What is told of a connection every few seconds."""

from typing import Any

import pytest

from sfu.health import Counted, Health, report
from sfu.quality import Link
from tests.sfu.calls import LightPublisher, call, light
from tests.sfu.clients import Server, until


def test_counters_are_told_by_what_they_grew() -> None:
    counted = Counted(0, 10.0)
    assert counted.since(5, 12.0) == (5, 2.0)
    assert counted.since(3, 13.5) == (3, 1.5)  # begun anew


def test_the_worse_direction_counts() -> None:
    good, bad = Health(Link(), 1e6), Health(Link(loss=0.3, residual_loss=0.3), 2e4)
    told = report(good, bad)
    assert told["score"] < 2
    assert told["reason"] == "loss"
    assert (told["up"]["bitrate_bps"], told["down"]["loss"]) == (1_000_000, 0.3)
    assert report(good, None)["score"] == 5.0
    assert report(None, bad)["up"] == {}


async def test_a_node_judges_every_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sfu.node.QUALITY_INTERVAL_S", 0.3)
    async with call() as one:
        links = await until(lambda: links_of(one.server).get("alice"))
        assert links["score"] > 4.5
        assert links["up"]["loss"] == 0
        assert links["down"] == {}


async def test_a_fault_in_one_meeting_leaves_the_others_their_figures(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor does it stop the clock."""
    monkeypatch.setattr("sfu.node.QUALITY_INTERVAL_S", 0.1)
    async with call() as one:
        offer = (mallory := LightPublisher(100)).offer({"audio": (mallory.audio_ssrc,)})
        answer = await one.server.node.publish("other", "m1", "mallory", offer, {"audio": "microphone"})
        async with light(mallory):
            monkeypatch.setattr(one.server.node._peers["m1"], "health", lambda now: 1 / 0)
            await mallory.connect(answer["sdp"])
            await until(lambda: "quality of meeting other" in caplog.text)
            told = len(one.server.events)
            await until(lambda: any(name == "quality" for name, _ in one.server.events[told:]))
            assert not one.server.heard("quality", meeting="other")


def links_of(server: Server) -> dict[str, dict[str, Any]]:
    """What was told last of each."""
    told = [params["links"] for name, params in server.events if name == "quality"]
    return told[-1] if told else {}
