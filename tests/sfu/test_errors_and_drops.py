import json

import pytest

from sfu.drops import DropCounter, DropReason
from sfu.errors import ParseError, PeerError, SdpError, SfuError


def test_every_error_has_a_code_and_a_sentence() -> None:
    assert ParseError("cut off").code == "malformed"
    assert SdpError("sdp_invalid", "no version").code == "sdp_invalid"
    assert str(PeerError("peer_unknown", "no such peer")) == "no such peer"


@pytest.mark.parametrize("kind", [ParseError, SdpError, PeerError])
def test_all_are_caught_by_the_root(kind: type[SfuError]) -> None:
    assert issubclass(kind, SfuError)


def test_drops_are_counted_by_name() -> None:
    drops = DropCounter()
    drops.count(DropReason.PAUSED)
    drops.count(DropReason.PAUSED, 2)
    drops.count(DropReason.TOO_SHORT)
    assert drops[DropReason.PAUSED] == 3
    assert drops[DropReason.SSRC_LIMIT] == 0
    assert json.loads(json.dumps(drops.as_dict())) == {"paused": 3, "too_short": 1}
