"""Whether meetings can be held now: each part has a check, and a change is logged once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

Check = Callable[[], Awaitable[None]]
"""Raises when its part of the system cannot serve."""

_CHECK_TIMEOUT_S = 2
_log = structlog.get_logger("health")


class Readiness:
    """The checks by the names of their parts."""

    def __init__(self, checks: dict[str, Check]) -> None:
        self.checks = checks
        self._failing: dict[str, str] = {}

    async def failing(self) -> list[str]:
        """Ask every part; the names of those that do not answer well in time."""
        troubles = await asyncio.gather(*(_trouble(check) for check in self.checks.values()))
        failing = {name: trouble for name, trouble in zip(self.checks, troubles, strict=True) if trouble}
        for name in failing.keys() - self._failing.keys():
            _log.warning("not ready", part=name, error=failing[name])
        for name in self._failing.keys() - failing.keys():
            _log.info("ready again", part=name)
        self._failing = failing
        return list(failing)


async def _trouble(check: Check) -> str | None:
    try:
        async with asyncio.timeout(_CHECK_TIMEOUT_S):
            await check()
    except Exception as error:
        return str(error) or type(error).__name__
    return None
