"""README.md and PROTOCOL.md name all that there is, and nothing else."""

import re
from pathlib import Path
from typing import get_args

import pytest

from rooms.events import EVENT_TYPES
from server.config import PREFIX, Settings
from server.control import ControlServer
from server.media import MediaPlane
from server.media_metrics import MediaMetrics
from server.media_quality import MediaQuality
from server.protocol import MESSAGES, AnyCommand

ROOT = Path(__file__).parents[2]
README, PROTOCOL = ((ROOT / name).read_text("utf-8") for name in ("README.md", "PROTOCOL.md"))
# No settings of the server, yet variables that somebody sets.
OTHER_VARIABLES = {"DIEMCAU_CONFIG", "DIEMCAU_LOAD_PASSWORD"}
# Refused until several servers are supported.
NOT_YET = {"DIEMCAU_REDIS_URL"}


def named(document: str, heading: str) -> set[str]:
    """What stands in backquotes in the first column of the table under a heading."""
    _, _, after = document.partition(heading)
    table = re.search(r"^\|.*\n\|---.*\n((?:\|.*\n)+)", after, re.MULTILINE)
    assert table, f"no table after {heading!r}"
    rows = table[1].splitlines()
    return {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def commands() -> set[str]:
    literals = (model.model_fields["type"].annotation for model in get_args(AnyCommand))
    return {word for literal in literals for word in get_args(literal)}


@pytest.mark.parametrize(
    ("document", "heading", "names"),
    [
        (PROTOCOL, "## Client → server", set(MESSAGES)),
        (PROTOCOL, "| `renew_media` |", commands()),
        (PROTOCOL, "### Events", set(EVENT_TYPES)),
    ],
    ids=["messages", "commands", "events"],
)
def test_the_protocol_is_whole(document: str, heading: str, names: set[str]) -> None:
    assert named(document, heading) == names


def test_every_setting_is_told() -> None:
    settings = {PREFIX + name.upper() for name in Settings.model_fields}
    assert set(re.findall(r"DIEMCAU_[A-Z_]*[A-Z]", README)) == (settings - NOT_YET) | OTHER_VARIABLES


def test_every_metric_of_the_media_is_told(tmp_path: Path) -> None:
    control = ControlServer(tmp_path / "control.sock")
    families = MediaMetrics(control, MediaQuality(MediaPlane(control))).collect()
    names = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    assert {f"diemcau_sfu_{name}" for name in named(README, "metrics` has counters")} == names
