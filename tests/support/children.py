"""A recorder and a media worker on the server's control link that record nothing but what they are asked."""

import asyncio
from pathlib import Path
from typing import Any

from sfu.control import ControlClient, ControlError

SHA256 = "ab" * 32


def segment(recording_id: str, name: str, sha256: str = SHA256) -> dict[str, Any]:
    """What a recorder tells of a closed file."""
    return {
        "recording_id": recording_id,
        "name": name,
        "participant_id": "lan",
        "source": "camera",
        "kind": "video",
        "codec": "VP8",
        "start_ms": 0,
        "end_ms": 6900,
        "size": 9,
        "sha256": sha256,
        "gaps": [{"start_ms": 0, "end_ms": 90, "reason": "loss", "missing_ms": 40}],
        "width": 640,
        "height": 360,
    }


class Child:
    """A child process's end of the link. A method in `refused` is refused with that code; one in `held` waits."""

    kind: str
    methods: tuple[str, ...]
    slow: tuple[str, ...] = ()

    def __init__(self, control: Path, calls: list[str]) -> None:
        handlers = {method: self._handler(method) for method in self.methods}
        self._client = ControlClient(str(control), self.kind, self.kind, handlers, self.slow)
        self._calls = calls
        #: The parameters of every request, by method.
        self.asked: dict[str, list[dict[str, Any]]] = {}
        self.refused: dict[str, str] = {}
        self.held: dict[str, asyncio.Event] = {}
        self._serving = asyncio.create_task(self._client.run())

    def hold(self, method: str) -> asyncio.Event:
        """Let the next requests wait until the event is set."""
        return self.held.setdefault(method, asyncio.Event())

    def tell(self, event: str, **params: Any) -> None:
        """Report something."""
        self._client.notify(event, **params)

    async def die(self) -> None:
        """End as a killed process does."""
        self._serving.cancel()
        await asyncio.gather(self._serving, return_exceptions=True)

    def _handler(self, method: str) -> Any:
        async def handle(**params: Any) -> dict[str, Any]:
            recording_id = params.get("recording_id", "")
            self._calls.append(method)
            self.asked.setdefault(method, []).append(params)
            if method in self.held:
                await self.held[method].wait()
            if method in self.refused:
                raise ControlError(self.refused[method], "as the test wants it")
            return self.answer(method, recording_id)

        return handle

    def answer(self, method: str, recording_id: str) -> dict[str, Any]:
        """Do what was asked."""
        return {}


class FakeRecorder(Child):
    """Knows what it was started for; tells of one file when it is stopped and of each in `left` when asked."""

    kind = "recorder"
    methods = ("start", "pause", "resume", "stop", "recover")
    slow = ("stop", "recover")

    def __init__(self, control: Path, calls: list[str], *left: str) -> None:
        super().__init__(control, calls)
        self.left = left
        self.running: set[str] = set()

    def answer(self, method: str, recording_id: str) -> dict[str, Any]:
        """As `recording.recorder` does."""
        if method == "start":
            if recording_id in self.running:
                raise ControlError("recording_running", recording_id)
            self.running.add(recording_id)
        elif method != "recover" and recording_id not in self.running:
            raise ControlError("recording_unknown", recording_id)
        names = {"stop": ["lan-camera-2.webm"], "recover": self.left}.get(method, [])
        for name in names:
            self.tell("segment_closed", segment=segment(recording_id, name))
        if method == "stop":
            self.running.discard(recording_id)
        return {"files": len(names)}


class FakeWorker(Child):
    """Takes what it is told."""

    kind = "sfu"
    methods = ("publish", "record", "stop_recording", "close_meeting")


class FakeSfu(FakeWorker):
    """Negotiates without SDP: one slot for each track that is wanted, then those of the speakers."""

    methods = (
        *("publish", "subscribe", "answer", "play", "pause", "unpublish"),
        *("close_peer", "close_meeting", "meeting_stats", "stats"),
    )

    def __init__(self, control: Path, calls: list[str]) -> None:
        super().__init__(control, calls)
        #: What is answered to `meeting_stats` and `stats`.
        self.statistics: dict[str, Any] = {}

    def answer(self, method: str, recording_id: str) -> dict[str, Any]:
        """As `sfu.node` does."""
        asked = self.asked[method][-1]
        if method == "publish":
            return {"sdp": "answer", "tracks": []}
        if method == "subscribe":
            slots = [
                {"mid": str(mid), "owner": want["owner"], "source": want["source"]}
                for mid, want in enumerate(asked["wants"])
            ]
            speakers = [str(len(slots) + n) for n in range(asked["speakers"])]
            return {"sdp": "offer", "slots": slots, "speakers": speakers}
        return self.statistics if method in {"meeting_stats", "stats"} else {}
