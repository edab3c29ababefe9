"""What storage refuses.

StorageError
├── SequenceConflict     somebody else appended to this log first
├── AlreadyExists        a name or id that must be unique is taken
└── SchemaTooNew         the database was written by a later version
"""


class StorageError(Exception):
    """The database cannot be used as asked; nothing was changed."""


class SequenceConflict(StorageError):
    """The events do not follow the last stored one; the caller reads the log again and decides anew."""


class AlreadyExists(StorageError):
    """A user name, code or id that must be unique is taken."""


class SchemaTooNew(StorageError):
    """The data directory was used by a later version of the program."""
