"""What went wrong in the store, and what a recorder does about it."""

from __future__ import annotations

import errno
import os
from enum import Enum
from pathlib import Path

from memmon.errors import (
    ForeignStoreError,
    MemmonError,
    StoreBusyError,
    StoreDamagedError,
    StoreNotFoundError,
    StorePermissionError,
    StoreTooNewError,
    StoreTooOldError,
)
from memmon.store.connect.access import may_write, may_write_beside, name_of
from memmon.store.connect.engine import sqlite_code, sqlite_extended_code

_ERROR, _BUSY, _LOCKED, _READONLY, _IOERR, _CORRUPT, _FULL, _CANTOPEN, _NOTADB = (
    1,
    5,
    6,
    8,
    10,
    11,
    13,
    14,
    26,
)
# The file, or the log under a living reader, ends before what it should hold: it was cut.
_SHORT_READ = 10 | 2 << 8
_SIDE_FILES_BYTES = 64 * 2**10
_LONGEST_CAUSE = 300
# A sentence of ours ends in a command, with long paths in it.
_LONGEST_SENTENCE = 800


class Fault(Enum):
    """A kind of trouble with the store."""

    MISSING = "the database is not there"
    OLD = "the database's schema is older"
    NEW = "the database was written by a newer memmon"
    FOREIGN = "the database belongs to another program"
    DAMAGED = "the database is damaged"
    BUSY = "the database is locked by another process"
    FULL = "the disk is full"
    READONLY = "the database may not be written"
    UNREACHABLE = "the database can't be reached"


_BY_TYPE: tuple[tuple[type[BaseException], Fault], ...] = (
    (StoreNotFoundError, Fault.MISSING),
    (StoreTooOldError, Fault.OLD),
    (StoreTooNewError, Fault.NEW),
    (ForeignStoreError, Fault.FOREIGN),
    (StoreDamagedError, Fault.DAMAGED),
    (StoreBusyError, Fault.BUSY),
    (StorePermissionError, Fault.READONLY),
    (PermissionError, Fault.READONLY),
)

_BY_CODE = {
    _BUSY: Fault.BUSY,
    _LOCKED: Fault.BUSY,
    _READONLY: Fault.READONLY,
    _CORRUPT: Fault.DAMAGED,
    _NOTADB: Fault.DAMAGED,
    _FULL: Fault.FULL,
    _IOERR: Fault.UNREACHABLE,
    _CANTOPEN: Fault.UNREACHABLE,
}


def classify(error: BaseException, path: Path | None) -> Fault:
    """Return what kind of trouble `error` is; `path` is the database's file, if it is one."""
    for kind, fault in _BY_TYPE:
        if isinstance(error, kind):
            return fault
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return Fault.FULL
    if isinstance(error, OSError) and error.errno == errno.EROFS:
        return Fault.READONLY
    code = sqlite_code(error)
    if sqlite_extended_code(error) == _SHORT_READ:
        return Fault.DAMAGED
    # Not Path.exists(): it raises where a folder on the way may not be entered.
    if code == _CANTOPEN and path is not None and not os.path.exists(path):  # noqa: PTH110
        return Fault.MISSING
    if code == _IOERR and path is not None and _is_full(path):
        return Fault.FULL
    return _BY_CODE.get(code or 0, Fault.UNREACHABLE)


def _is_full(path: Path) -> bool:
    """Tell whether the file system has no room for SQLite's side files; it calls that an I/O error."""
    try:
        room = os.statvfs(path.parent)
    except (OSError, AttributeError):
        return False
    return room.f_bavail * room.f_frsize < _SIDE_FILES_BYTES


def may_be_damage(error: BaseException, fault: Fault, path: Path | None) -> bool:
    """Tell whether a damaged head or schema may stand behind an error that speaks of something else.

    A flipped bit in the head makes a file "read-only" or of an "unsupported format", one in the
    schema makes a column unknown. memmon's own statements are right for the schema that it
    checked before.
    """
    if path is None or fault is Fault.DAMAGED or isinstance(error, (OSError, StorePermissionError)):
        return False
    if fault is Fault.READONLY:
        return may_write(path) and may_write_beside(path)
    return fault is Fault.UNREACHABLE and sqlite_code(error) == _ERROR


def describe(error: BaseException) -> str:
    """Return one line for people: memmon's own sentence, or what the system said and what to do."""
    if isinstance(error, MemmonError):
        return str(error).splitlines()[0][:_LONGEST_SENTENCE]
    if isinstance(error, PermissionError):
        return f"{cause(error)}{_whose(error)}; let this user write there, or name another database (MEMMON_DATABASE_URL)"
    return cause(error)


def _whose(error: PermissionError) -> str:
    """Return who owns the folder in which something may not be made, and who is not its owner."""
    if not isinstance(error.filename, str | bytes) or not hasattr(os, "geteuid"):
        return ""
    for folder in Path(os.fsdecode(error.filename)).parents:
        try:
            owner = folder.stat().st_uid
        except OSError:
            continue
        return (
            ""
            if owner == os.geteuid()
            else f"; {folder} belongs to {name_of(owner)}, and this is {name_of(os.geteuid())}"
        )
    return ""


def cause(error: BaseException) -> str:
    """Return the first line of what the driver or the system said."""
    origin = getattr(error, "orig", None) or error
    return f"{type(origin).__name__}: {origin}".splitlines()[0][:_LONGEST_CAUSE]
