"""A running site for every test that asks for one."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from server.logs import configure
from tests.support.site import Site, serve


@pytest.fixture(autouse=True)
def logs() -> None:
    """As the program has them; after pytest has put its own standard error in place."""
    configure()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    # In memory where there is such a place: hundreds of sites need no fsync of their own; storage's tests
    # have a disk.
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as directory:
        async with serve(Path(directory)) as running:
            yield running
