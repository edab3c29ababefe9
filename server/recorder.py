"""The recorder as the server asks it, whichever process that is just now."""

from __future__ import annotations

import asyncio
from typing import Any

from server.control import REQUEST_TIMEOUT_S, ChildGone, ChildLink, ControlServer
from sfu.control import ControlError

KIND = "recorder"
# Put among the recorder's reports where its answer came, to see when all before it is dealt with.
_ANSWERED = "answered"


class RecorderLink:
    """Asks the recorder; one that is not there, or goes before it answers, is refused with `recorder_lost`."""

    def __init__(self, control: ControlServer) -> None:
        self._control = control
        self._marks: set[asyncio.Future[None]] = set()
        #: Repairing and hashing what was left behind keeps a disk busy: one recording at a time.
        self.recovering = asyncio.Lock()

    @property
    def connected(self) -> bool:
        """Whether there is one now."""
        return bool(self._control.of_kind(KIND))

    def watch(self) -> None:
        """See when reports are dealt with; to be called after the listeners that deal with them are there."""
        self._control.on_event.append(self._reported)
        self._control.on_gone.append(self._gone)

    async def ask(self, method: str, timeout_s: float = REQUEST_TIMEOUT_S, **params: Any) -> None:
        """Ask, and wait for the answer. Raises ControlError with the recorder's code, TimeoutError."""
        await self._request(method, timeout_s, params)

    async def ask_for_files(self, method: str, timeout_s: float, **params: Any) -> None:
        """Ask for what is answered after a report on each file; wait until all these reports are dealt with."""
        recorder = await self._request(method, timeout_s, params)
        mark = asyncio.get_running_loop().create_future()
        self._marks.add(mark)
        recorder.reports.put_nowait((_ANSWERED, {"mark": mark}))
        try:
            await mark
        finally:
            self._marks.discard(mark)

    async def _request(self, method: str, timeout_s: float, params: dict[str, Any]) -> ChildLink:
        for recorder in self._control.of_kind(KIND):
            try:
                await recorder.request(method, timeout_s=timeout_s, **params)
            except ChildGone as gone:
                raise ControlError("recorder_lost", str(gone)) from gone
            return recorder
        raise ControlError("recorder_lost", "no recorder is connected")

    async def _reported(self, _child: ChildLink, name: str, params: dict[str, Any]) -> None:
        if name == _ANSWERED and not params["mark"].done():
            params["mark"].set_result(None)

    async def _gone(self, child: ChildLink) -> None:
        if child.kind != KIND:
            return
        for mark in self._marks:
            if not mark.done():
                mark.set_exception(ControlError("recorder_lost", "it went before its reports were read"))
