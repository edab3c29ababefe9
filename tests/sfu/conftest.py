"""What tests of the media plane share."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture
def no_traceback(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Bad bytes are counted; they are nobody's exception."""
    yield
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]
