"""`python -m recording --control PATH --tap PATH`: the recorder process."""

import argparse
import asyncio
import contextlib
import logging
import signal
from pathlib import Path

from recording.recorder import RESERVE_BYTES, Recorder


def main() -> None:
    """Record until the server goes or SIGTERM comes, finishing what is open."""
    parser = _parser()
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
        try:
            asyncio.run(_run(arguments))
        except* OSError as errors:
            # A socket that is not there or cannot be made: one sentence says more than a traceback.
            parser.exit(1, f"{parser.prog}: {errors.exceptions[0]}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m recording", description=__doc__)
    parser.add_argument("--control", type=Path, required=True, help="Unix socket on which the server listens")
    parser.add_argument("--tap", type=Path, required=True, help="Unix socket to listen on for SFU workers")
    parser.add_argument(
        "--reserve",
        type=int,
        default=RESERVE_BYTES,
        help="bytes of free disk below which hosts are warned; below a quarter of it nothing new is begun",
    )
    return parser


async def _run(arguments: argparse.Namespace) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await Recorder(arguments.control, arguments.tap, arguments.reserve).run()


if __name__ == "__main__":
    main()
