"""Networks for the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.support.network import Network, lacking


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """An empty network, removed at the end; without the means for one, the tests are skipped."""
    if missing := lacking():
        pytest.skip(missing)
    with Network() as network:
        yield network
