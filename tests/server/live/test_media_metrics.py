"""What Prometheus is told of the media workers."""

import asyncio
from pathlib import Path

from prometheus_client import CollectorRegistry

from server.control import ControlServer
from server.media import MediaPlane
from server.media_metrics import MediaMetrics
from server.media_quality import MediaQuality
from sfu.control import ControlClient
from sfu.node import Node
from tests.support.wait import until


async def test_a_workers_totals_are_told(tmp_path: Path) -> None:
    control, node = ControlServer(tmp_path / "control.sock"), Node(lambda event, **params: None)
    await control.start()
    await node.open(["127.0.0.1"])
    await node.subscribe("m", "s1", [])
    serving = asyncio.create_task(ControlClient(str(control.path), "sfu", "sfu0", node.requests()).run())
    await until(lambda: control.children)
    metrics, registry = MediaMetrics(control, MediaQuality(MediaPlane(control))), CollectorRegistry()
    registry.register(metrics)
    await metrics.refresh()
    for name in ("diemcau_sfu_peers", "diemcau_sfu_meetings"):
        assert registry.get_sample_value(name, {"worker": "sfu0"}) == 1
    await control.close()
    await serving
    await node.close()
