"""Starts the child processes (media workers, recorder) and starts a dead one again."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

log = structlog.get_logger(__name__)

# A child that dies at once would otherwise be started in a hot loop; one that ran well for a while
# comes back without delay, because its meetings are waiting.
RESTART_DELAYS_S = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
RAN_WELL_S = 30.0
# Long enough for the recorder to close its files.
STOP_DEADLINE_S = 8.0


@dataclass(frozen=True)
class ChildCommand:
    """One child: the name it registers under and how to start it."""

    name: str
    argv: Sequence[str]


class Supervisor:
    """Keeps every given child running until it is closed."""

    def __init__(self, commands: Sequence[ChildCommand]) -> None:
        self._commands = commands
        self._tasks: list[asyncio.Task[None]] = []
        self._processes: dict[str, asyncio.subprocess.Process] = {}

    async def start(self) -> None:
        """Start every child; they report themselves over the control link."""
        for command in self._commands:
            self._tasks.append(
                asyncio.create_task(self._keep_running(command), name=f"keep {command.name} running")
            )

    async def close(self) -> None:
        """Ask the children to end, wait for them, and kill what does not listen."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(self._stop(name, process) for name, process in self._processes.items()))

    def restart(self, name: str) -> None:
        """Kill a child that no longer answers; it comes back by itself."""
        if process := self._processes.get(name):
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    async def _keep_running(self, command: ChildCommand) -> None:
        failures = 0
        while True:
            await asyncio.sleep(RESTART_DELAYS_S[min(failures, len(RESTART_DELAYS_S) - 1)])
            started = time.monotonic()
            status = await self._run(command)
            failures = 0 if time.monotonic() - started > RAN_WELL_S else failures + 1
            log.warning("child ended", child=command.name, status=status)

    async def _run(self, command: ChildCommand) -> int:
        # Its own session: a Ctrl-C in the terminal reaches the server alone, which ends its children in order.
        process = await asyncio.create_subprocess_exec(
            *command.argv, stdin=asyncio.subprocess.DEVNULL, start_new_session=True
        )
        self._processes[command.name] = process
        return await process.wait()

    async def _stop(self, name: str, process: asyncio.subprocess.Process) -> None:
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_DEADLINE_S):
                await process.wait()
        except TimeoutError:
            log.warning("child did not end in time", child=name)
            process.kill()
            await process.wait()
