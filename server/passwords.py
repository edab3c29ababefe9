"""Passwords: argon2id, in threads of their own so that a sign-in never stops a meeting's signalling."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

T = TypeVar("T")

PASSWORD_MIN = 14
"""Characters where no second factor is asked for (TCVN 14423:2026)."""
PASSWORD_MAX = 1024
"""Characters; more is no password but an attempt to keep us busy."""

# What an unknown user's password is compared with, so that it takes as long as a known one's. Its own
# password is 32 random bytes that nobody kept. A test says when the library's parameters have moved away from
# it.
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$qXpuMsyxk1VVhvwALEGiqA$ad4zq419d0tOfs5mwAlewp2IuF57lyoRYF1pP01a+6U"
# One hash takes 64 MiB and a fifth of a second of a core: two at a time, and a short queue.
_THREADS = 2
_WAITING_MAX = 32


class PasswordsBusy(Exception):
    """Too many passwords are being checked at this moment."""


class Passwords:
    """Hashes and checks. Close it when done."""

    def __init__(self, hasher: PasswordHasher | None = None, nobody: str = NOBODY) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobody = nobody
        self._threads = ThreadPoolExecutor(_THREADS, "passwords")
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """Return argon2id's encoded hash. Raises PasswordsBusy."""
        return await self._run(self._hasher.hash, password)

    async def matches(self, encoded: str | None, password: str) -> bool:
        """Whether the password is the one; None, for nobody, takes as long and is False. Raises
        PasswordsBusy."""
        matched = await self._run(self._verify, encoded or self._nobody, password)
        return matched and encoded is not None

    def _verify(self, encoded: str, password: str) -> bool:
        try:
            return self._hasher.verify(encoded, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, function: Callable[..., T], *arguments: object) -> T:
        if self._waiting >= _WAITING_MAX:
            raise PasswordsBusy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)
