"""`python -m sfu`: one media worker, told what to do over the control link."""

import argparse
import asyncio
import gc
import logging
import signal
import sys

from sfu.control import ControlClient
from sfu.node import Node

_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line. Exits with a message when it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m sfu", description="A media worker of Diemcau.")
    parser.add_argument("--control", required=True, metavar="PATH", help="the server's control socket")
    parser.add_argument("--name", required=True, help="this worker's name on the control link")
    parser.add_argument(
        "--listen",
        action="append",
        required=True,
        metavar="ADDRESS",
        help="address to bind; may be repeated",
    )
    parser.add_argument("--port", type=_port, default=10000, help="port for all media, UDP and TCP (10000)")
    parser.add_argument(
        "--address",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="address that participants reach this machine at; may be repeated (those it listens on)",
    )
    parser.add_argument(
        "--log-level", choices=_LOG_LEVELS, default="INFO", help="the least that is told (INFO)"
    )
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    """0 leaves the number to the kernel."""
    number = int(text)
    if not 0 <= number <= 65_535:
        raise ValueError("not a port")
    return number


async def serve(arguments: argparse.Namespace) -> None:
    """Until the server goes or a signal comes."""
    client: ControlClient
    node = Node(lambda event, **params: client.notify(event, **params))
    client = ControlClient(arguments.control, "sfu", arguments.name, node.requests())
    await node.open(arguments.listen, arguments.port, arguments.address)
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await client.run()
    finally:
        await node.close()


def main() -> int:
    """Run; the exit code is 0 after an orderly end."""
    arguments = parse_arguments(sys.argv[1:])
    logging.basicConfig(
        level=arguments.log_level,
        format=f"%(asctime)s {arguments.name} %(levelname)s %(message)s",
    )
    # What is loaded now stays. To look through it each time for garbage would hold up the packets for 20 ms.
    gc.collect()
    gc.freeze()
    try:
        asyncio.run(serve(arguments))
    except asyncio.CancelledError:
        return 0
    except OSError as error:
        logging.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
