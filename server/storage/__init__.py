"""Where everything that must be kept is kept: the only place that knows SQL."""

from server.storage.errors import SequenceConflict, StorageError
from server.storage.storage import Storage

__all__ = ["SequenceConflict", "Storage", "StorageError"]
