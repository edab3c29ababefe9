"""Coverage-guided fuzzing by atheris, where that is installed: inputs that reach new lines are kept."""

import subprocess
import sys
from pathlib import Path

_CHILD = """
import sys, atheris
with atheris.instrument_imports(include=["sfu"]):
    from tests.fuzz.targets import TARGETS
target = TARGETS[sys.argv.pop(1)]
def run(data):
    try:
        target.run(data)
    except target.refusals:
        pass
atheris.Setup(sys.argv, run)
atheris.Fuzz()
"""


def grow(name: str, found: Path, seeds: Path, seconds: int, longest: int) -> bool:
    """Run one target for a while; new inputs go into `found`. False when it raised, or was slow."""
    found.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", f"-max_len={longest}", "-timeout=5", "-rss_limit_mb=1024",
               f"-artifact_prefix={found}-", "-print_final_stats=1", "-verbosity=0"]  # fmt: skip
    command = [sys.executable, "-c", _CHILD, name, *options, str(found), str(seeds)]
    return subprocess.run(command, check=False).returncode == 0
