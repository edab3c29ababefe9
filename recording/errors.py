"""What the recorder refuses, each with a stable `code` for programs and a sentence for people.

RecordingError
├── RecordingUnknown      recording_unknown     no recording of that id is running here
├── RecordingRunning      recording_running     a recording of that id runs already
├── FolderInvalid         folder_invalid        the folder cannot be made or written
└── DiskFull              disk_full             too little room to begin
"""


class RecordingError(Exception):
    """The root: whatever the recorder raises on purpose carries a `code`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RecordingUnknown(RecordingError):
    """No recording of that id is running in this process."""

    def __init__(self, recording_id: str) -> None:
        super().__init__("recording_unknown", f"recording {recording_id} is not running")


class RecordingRunning(RecordingError):
    """A recording of that id runs already; nothing was changed."""

    def __init__(self, recording_id: str) -> None:
        super().__init__("recording_running", f"recording {recording_id} is running already")


class FolderInvalid(RecordingError):
    """The folder of a recording cannot be made or written."""

    def __init__(self, reason: str) -> None:
        super().__init__("folder_invalid", f"the folder cannot be used: {reason}")


class DiskFull(RecordingError):
    """The disk has less room than a quarter of the reserve, the least with which to begin."""

    def __init__(self, free_bytes: int, needed_bytes: int) -> None:
        free, needed = free_bytes // 1_000_000, needed_bytes // 1_000_000
        super().__init__("disk_full", f"{free} MB are free on the disk of recordings, {needed} MB are needed")
