"""What Prometheus is told of the media workers."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from rooms.media import VideoCodec
from server.control import ControlServer
from server.media import MediaPlane
from server.media_metrics import MediaMetrics
from server.media_quality import STALE_AFTER_S, MediaQuality
from sfu.control import ControlClient
from sfu.node import Node
from tests.support.children import FakeSfu
from tests.support.clock import Seconds
from tests.support.wait import until

STATS = {
    "received": 90,
    "sent": 800,
    "cpu_s": 1.5,
    "meetings": 1,
    "peers": 4,
    "tracks": 3,
    "rss_kb": 40_000,
    "retransmitted": 7,
    "nack_requests": 5,
    "keyframe_requests": 2,
    "drops": {"paused": 3},
    "estimate_bps": [250_000, 250_000, 3_000_000, 50_000_000],
    "loop_lag_s": {"p99": 0.002, "max": 0.01},
}


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[ControlServer]:
    control = ControlServer(tmp_path / "control.sock")
    await control.start()
    yield control
    await control.close()


async def test_a_real_workers_totals_are_told(control: ControlServer) -> None:
    node = Node(lambda event, **params: None)
    await node.open(["127.0.0.1"])
    serving = asyncio.create_task(ControlClient(str(control.path), "sfu", "sfu0", node.requests()).run())
    await until(lambda: control.children)
    metrics, registry = MediaMetrics(control, MediaQuality(MediaPlane(control))), CollectorRegistry()
    registry.register(metrics)
    await metrics.refresh()
    for name in ("diemcau_sfu_peers", "diemcau_sfu_meetings"):
        assert registry.get_sample_value(name, {"worker": "sfu0"}) == 0
    await control.close()
    await serving
    await node.close()


async def test_repairs_estimates_lag_and_lines_are_told(control: ControlServer) -> None:
    media, seconds = MediaPlane(control), Seconds()
    quality, registry = MediaQuality(media, seconds), CollectorRegistry()
    metrics = MediaMetrics(control, quality)
    registry.register(metrics)
    worker = FakeSfu(control.path, [])
    worker.statistics = STATS
    await until(lambda: control.of_kind("sfu"))
    await media.publish("m", "lan/publishing/1", "lan", "offer", None, VideoCodec.VP8)
    worker.tell("quality", meeting="m", links={str(n): {"score": n} for n in range(6)})
    await until(lambda: quality.levels())
    await metrics.refresh()

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"diemcau_sfu_{name}", {"worker": "sfu", **labels})

    assert value("packets_retransmitted_total") == 7
    assert value("nack_requests_total") == 5
    assert value("keyframe_requests_total") == 2
    assert value("tracks") == 3
    assert value("loop_lag_seconds", statistic="p99") == 0.002
    assert value("packets_dropped_total", reason="paused") == 3
    buckets = {
        bound: value("estimate_bps_bucket", le=bound) for bound in ("100000", "300000", "4000000", "+Inf")
    }
    assert buckets == {"100000": 0, "300000": 2, "4000000": 3, "+Inf": 4}
    levels = {word: value("links", level=word) for word in ("lost", "poor", "fair", "good", "excellent")}
    assert levels == {"lost": 1, "poor": 1, "fair": 2, "good": 1, "excellent": 1}
    assert b'diemcau_sfu_estimate_bps_bucket{le="+Inf",worker="sfu"} 4.0' in generate_latest(registry)
    seconds.now_s += STALE_AFTER_S + 1
    assert value("links", level="good") is None
    await worker.die()
