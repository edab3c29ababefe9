"""Fixtures shared by all tests."""

from collections.abc import Callable

import pytest

from tests.support import material

Say = Callable[[str], None]


@pytest.fixture(scope="session")
def materials(tmp_path_factory: pytest.TempPathFactory) -> list[material.Material]:
    """Cameras and microphones of three participants, made once per session."""
    directory = tmp_path_factory.mktemp("material")
    return [material.make(directory, participant) for participant in range(3)]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Print a figure, whether the test passes or not."""

    def saying(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}", end=" ", flush=True)

    return saying
