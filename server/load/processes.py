"""The processes of a load, as their parent has them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Self

from server.load.crew import LONGEST_LINE
from server.load.errors import LoadError
from server.load.site import Address

_STOP_WITHIN_S = 15.0


class CrewProcess:
    """One process of participants; see `server.load.crew`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, address: Address) -> Self:
        """Start it; it takes orders at once."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "server.load",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LONGEST_LINE,
        )  # fmt: skip
        crew = cls(process)
        crew._write(asdict(address))
        return crew

    def _write(self, line: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line).encode() + b"\n")

    async def order(self, name: str, **order: Any) -> dict[str, Any]:
        """Give an order and wait until it is carried out. Raises LoadError."""
        assert self._process.stdout is not None
        self._write({"do": name, **order})
        line = await self._process.stdout.readline()
        if not line:
            raise LoadError("process_lost", "a process of the load has ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise LoadError(**answer["error"])
        return answer

    async def stop(self) -> None:
        """Let everybody leave and end."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.communicate(), _STOP_WITHIN_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


async def all_of(orders: Iterable[Coroutine[Any, Any, dict[str, Any]]]) -> list[dict[str, Any]]:
    """At once; when one fails, nobody waits for the others."""
    tasks = [asyncio.create_task(order, name="order") for order in orders]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
