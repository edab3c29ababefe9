"""Waiting for what must become true, and no longer."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], within_s: float = 5) -> None:
    """Return when the condition holds; raise TimeoutError when it does not in time."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.01)
