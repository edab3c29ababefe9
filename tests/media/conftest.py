"""One server and two browsers for all tests of this folder."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.media.company import Company, company
from tests.support import material
from tests.support.material import Material
from tests.support.server import Api, Server, serving


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A ready server; at the end it stops in time, leaves no process and no traceback."""
    async with serving(tmp_path_factory.mktemp("house") / "data") as server:
        yield server


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def api(server: Server) -> AsyncIterator[Api]:
    """The administrator, signed in."""
    async with Api(server.origin) as api:
        await api.login()
        yield api


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def two(
    server: Server, api: Api, materials: list[Material], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Company]:
    """Two browsers, in no meeting yet; at the end neither has logged a fault."""
    async with company(server, api, materials, tmp_path_factory.mktemp("company")) as two:
        yield two
        two.speaker.participant.assert_no_faults()
        two.viewer.participant.assert_no_faults()


@pytest.fixture(scope="session")
def peer_materials(
    materials: list[Material], tmp_path_factory: pytest.TempPathFactory
) -> dict[int, Material]:
    """What two peers without a browser see and hear."""
    return {2: materials[2], 3: material.make(tmp_path_factory.mktemp("peers"), 3)}
