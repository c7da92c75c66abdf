"""What a driver's error means in memmon's own words."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from memmon.errors import StoreBusyError, StoreDamagedError, StoreError, StorePermissionError
from memmon.store.connect.engine import sqlite_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memmon.config import Database

_DAMAGED_WORDS = "{} is damaged: `memmon db salvage` brings its rows into a new file"
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_NOT_ALLOWED = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM})


@contextmanager
def translated(database: Database) -> Iterator[None]:
    """Raise StoreError and its kin in place of what the driver raises."""
    try:
        yield
    except UnicodeDecodeError as error:
        # sqlite3's message names what is malformed, in bytes that are no text.
        raise StoreDamagedError(_DAMAGED_WORDS.format(database.shown)) from error
    except (DBAPIError, sqlite3.Error) as error:
        raise _store_error(database, error) from error


def _store_error(database: Database, error: Exception) -> StoreError:
    code = sqlite_code(error)
    shown = database.shown
    if code in _BUSY:
        return StoreBusyError(f"{shown} is locked by another process: try again in a moment")
    if code in _DAMAGED:
        return StoreDamagedError(_DAMAGED_WORDS.format(shown))
    if code in _NOT_ALLOWED:
        return StorePermissionError(f"{shown} may not be written by this user: run as its owner")
    if code == sqlite3.SQLITE_FULL:
        return StoreError(f"{shown}: no room left on the file system; make room and try again")
    words = str(getattr(error, "orig", None) or error).strip().splitlines()
    return StoreError(f"{shown}: {words[0] if words else type(error).__name__}")
