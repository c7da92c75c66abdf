"""Every error that memmon raises to its caller.

::

    MemmonError
    ├── SettingsError            a setting, variable or configuration file is wrong (also a ValueError)
    ├── StoreError
    │   ├── StoreNotFoundError   no database at that place
    │   ├── StorePermissionError the database may not be read or written by this user
    │   ├── ForeignStoreError    the database belongs to another program: it is left untouched
    │   ├── StoreTooOldError     the schema is older than this memmon: `memmon db upgrade`
    │   ├── StoreTooNewError     the schema is newer than this memmon: upgrade memmon
    │   ├── StoreDamagedError    the file is not readable as a database: `memmon db salvage`
    │   ├── StoreBusyError       locked by another process for longer than we wait
    │   └── SqlError             a statement of the operator's is wrong, or would write
    ├── UnknownSourceError       no such source in this database (the message lists the known ones)
    ├── NoDataError              nothing recorded in the window asked for
    ├── ImportFileError          a file to import can't be understood (file, line, what was expected)
    ├── OutputError              a result can't be written where it was asked for
    ├── ChannelError             an alert did not arrive through a channel (it is kept and sent again)
    ├── MissingExtraError        an optional package is needed (the message has the install command)
    └── ChildError               the short-lived analysis process could not be run

Each message says what happened, to what, and what to do next. The recorder raises none of
these into its host: there they are logged.
"""

from __future__ import annotations


class MemmonError(Exception):
    """Base of all errors of memmon."""


class SettingsError(MemmonError, ValueError):
    """A setting, an environment variable or the configuration file is wrong."""


class StoreError(MemmonError):
    """The database can't be used."""


class StoreNotFoundError(StoreError):
    """There is no database at the place asked for."""


class StorePermissionError(StoreError):
    """The present user may not read or write the database."""


class ForeignStoreError(StoreError):
    """The database belongs to another program; memmon leaves it untouched."""


class StoreTooOldError(StoreError):
    """The database's schema is older than this version of memmon expects."""


class StoreTooNewError(StoreError):
    """The database was written by a newer memmon."""


class StoreDamagedError(StoreError):
    """The file can't be read as a database."""


class StoreBusyError(StoreError):
    """Another process holds the database for longer than memmon waits."""


class SqlError(StoreError):
    """A statement could not be run: it is wrong, not a single one, or not a reading one."""


class UnknownSourceError(MemmonError):
    """The database has no such source."""


class NoDataError(MemmonError):
    """Nothing was recorded in the window asked for."""


class ImportFileError(MemmonError):
    """A file to import can't be understood; nothing of it was imported."""


class OutputError(MemmonError):
    """A result can't be written where it was asked for."""


class ChannelError(MemmonError):
    """An alert did not arrive through a channel; it is kept and sent again."""


class MissingExtraError(MemmonError):
    """An optional package is needed for this."""


class ChildError(MemmonError):
    """The short-lived analysis process could not be run."""
