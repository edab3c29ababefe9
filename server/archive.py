"""Where the recordings of this machine lie, for the recorder that writes and the interface that reads."""

from pathlib import Path


class RecordingFolders:
    """One folder a recording, below the data directory; `recording.archive` knows what is inside."""

    def __init__(self, data: Path) -> None:
        self._root = data / "recordings"

    def folder(self, recording_id: str) -> Path:
        """Where the files of a recording are."""
        return self._root / recording_id

    def file_path(self, recording_id: str, name: str) -> Path:
        """The path of a finished file; whether it is there is for the caller to see."""
        return self.folder(recording_id) / name

    def names(self, recording_id: str) -> list[str]:
        """The names of the finished files that are there."""
        return sorted(path.name for path in self.folder(recording_id).glob("*.webm"))
