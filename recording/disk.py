"""The thread that writes, so that a slow disk never stops the reading of the tap."""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from typing import Final

# Eight seconds of 40 tracks at 1.5 Mbit/s. A disk that is behind by more loses frames, which the gap
# ledger tells; the process keeps its memory.
BACKLOG_BYTES: Final = 64_000_000

Job = Callable[[], None]
_log = logging.getLogger(__name__)


class DiskThread:
    """Run jobs one after the other on a thread of its own; one that raises is logged, the next ones run."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[Job, int] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._backlog_bytes = 0
        self._thread = threading.Thread(target=self._run, name="disk")

    @property
    def backlog_bytes(self) -> int:
        """What was given to the thread and is not written yet."""
        return self._backlog_bytes

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self) -> None:
        """Do what was queued, then end; blocks until then."""
        self._jobs.put(None)
        self._thread.join()

    @property
    def keeps_up(self) -> bool:
        """Whether more should be given to it."""
        return self._backlog_bytes < BACKLOG_BYTES

    def run(self, job: Job, size: int = 0) -> None:
        """Queue a job that writes `size` bytes."""
        with self._lock:
            self._backlog_bytes += size
        self._jobs.put((job, size))

    async def finish(self, job: Job = lambda: None) -> None:
        """Wait until every job given so far has been run, and then this one."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def tell() -> None:
            loop.call_soon_threadsafe(done.set)

        self.run(job)
        self.run(tell)
        await done.wait()

    def _run(self) -> None:
        while (entry := self._jobs.get()) is not None:
            job, size = entry
            try:
                job()
            except Exception:
                _log.exception("DiskThread x a job")
            finally:
                with self._lock:
                    self._backlog_bytes -= size
