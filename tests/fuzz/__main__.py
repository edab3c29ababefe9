"""`python -m tests.fuzz [TARGET…] --inputs 1000000 --seed 1`: spoiled inputs for every parser.

Fails when anything but a parser's own refusal leaves it, when an input takes longer than 50 ms, or when memory
grows; such inputs are kept in the folder `--found`. `--guided SECONDS` instead looks for inputs that reach new lines,
where atheris is installed, and puts them there; those worth keeping belong into tests/fuzz/corpus/TARGET.
"""

import argparse
import hashlib
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz import guided, runner
from tests.fuzz.targets import TARGETS


def main() -> int:
    """Run the targets one after another; 1 if any failed."""
    arguments = _arguments()
    names = arguments.targets or list(TARGETS)
    if arguments.guided:
        failed = [name for name in names if not _grow(name, arguments)]
        return 1 if failed else 0
    reports = []
    for name in names:
        reports.append(runner.run(name, TARGETS[name], arguments.inputs, arguments.seed))
        print(reports[-1], flush=True)
        for data in reports[-1].bad_inputs():
            _save(arguments.found / name, data)
    return 0 if all(report.is_good for report in reports) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Spoiled inputs for every parser."
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--guided", type=int, default=0, metavar="SECONDS", help="let atheris search, each so long"
    )
    parser.add_argument("--found", type=Path, default=Path("fuzz-found"), help="folder for what is found")
    arguments = parser.parse_args()
    if unknown := set(arguments.targets) - set(TARGETS):
        parser.error(f"no target is called {', '.join(sorted(unknown))}")
    if arguments.guided and not find_spec("atheris"):
        parser.error("--guided needs atheris, which is not installed")
    return arguments


def _save(folder: Path, data: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(data).hexdigest()[:8]
    path.write_bytes(data)
    print(f"    kept in {path}")


def _grow(name: str, arguments: argparse.Namespace) -> bool:
    longest = TARGETS[name].longest
    return guided.grow(name, arguments.found / name, runner.CORPUS / name, arguments.guided, longest)


if __name__ == "__main__":
    sys.exit(main())
