"""The real server for end-to-end tests: one per test file, on free ports, on temporary data."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.server import Api, Server, serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A ready server; at the end it stops in time, leaves no process and no traceback."""
    async with serving(tmp_path_factory.mktemp("house") / "data") as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(server: Server) -> AsyncIterator[Api]:
    """The administrator, signed in."""
    async with Api(server.origin) as api:
        await api.login()
        yield api
