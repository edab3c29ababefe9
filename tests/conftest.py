"""Fixtures shared by all tests."""

import pytest

from tests.support import material


@pytest.fixture(scope="session")
def materials(tmp_path_factory: pytest.TempPathFactory) -> list[material.Material]:
    """Cameras and microphones of three participants, made once per session."""
    directory = tmp_path_factory.mktemp("material")
    return [material.make(directory, participant) for participant in range(3)]
