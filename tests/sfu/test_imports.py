import ast
from pathlib import Path

import pytest

import sfu

FILES = sorted(Path(sfu.__file__).parent.rglob("*.py"))
ABOVE = {"server", "rooms", "recording", "tests"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_media_plane_knows_nothing_of_ours_above_it(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert not imported & ABOVE
