"""How a reader gets at a SQLite file: nothing here creates, migrates or changes one.

It is read with sqlite3 alone: SQLAlchemy costs 0.16 s and 18 MB, as much as a whole report. Each
query has a connection of its own, so that a reader that stays open for hours holds no WAL back.

Another user's read-only access: SQLite needs the `-wal` and `-shm` files of a WAL database even to
read it, and they vanish after each flush. Without write permission and without a `-wal` the file
is opened `immutable=1`, and read again when it changed meanwhile. What was left read-only beside a
file that no longer is gets its mode back: else it could not be read either.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from memmon.errors import (
    ForeignStoreError,
    SqlError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreNotFoundError,
    StorePermissionError,
    StoreTooOldError,
)
from memmon.store.connect.access import beside, must_be_immutable, repair_side_files
from memmon.store.read.authorizer import allow_only_reading
from memmon.store.read.interruptible import Interruptible
from memmon.store.read.not_found import describe_absent
from memmon.store.read.ports import refused
from memmon.store.schema.identity import APPLICATION_ID, SQLITE_MAGIC

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from memmon.store.read.ports import Rows, Session

BUSY_TIMEOUT_SECONDS = 5.0
_PRAGMAS = ("trusted_schema=OFF", "query_only=ON", "mmap_size=0")
_RETRY_COUNT = 20
_CHANGE_COUNT = 150
"""How often a file is read again that changed meanwhile: a quiet moment between flushes is met by chance."""
_RETRY_PAUSE_SECONDS = 0.05
_CHANGE_PAUSE_SECONDS = 0.02
_BUSY_CODES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_SIDE_FILE_CODES = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM})
# On a full disk there is no room for the side files that reading a WAL database needs.
_NO_ROOM_CODES = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL})
_STATEMENT_CODES = frozenset(
    {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_TOOBIG, None}
)

T = TypeVar("T")


class SqliteSession:
    """A session on a SQLite file."""

    dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._interruptible = Interruptible(connection)

    def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> Rows:
        """Return all rows of a query."""
        return self._connection.execute(sql, dict(parameters or {})).fetchall()

    def head(self, sql: str, *, row_count: int) -> tuple[tuple[str, ...], Rows]:
        """Return the column names and at most `row_count` rows; Ctrl-C ends it."""
        allow_only_reading(self._connection, sql)
        try:
            return self._interruptible.run(lambda: self._head(sql, row_count))
        except (sqlite3.Warning, UnicodeEncodeError) as error:
            raise SqlError(refused(str(error))) from error
        except sqlite3.Error as error:
            if _code(error) == sqlite3.SQLITE_AUTH or "not authorized" in str(error):
                msg = f"the statement is not run, it would do more than read ({error}): use `memmon db` or sqlite3"
                raise SqlError(msg) from error
            if _code(error) in _STATEMENT_CODES:
                raise SqlError(refused(str(error))) from error
            raise

    def close(self) -> None:
        """Close the connection, unless an interrupted statement still runs in it: it is closed after that."""
        if not self._interruptible.is_abandoned:
            self._connection.close()

    def _head(self, sql: str, row_count: int) -> tuple[tuple[str, ...], Rows]:
        cursor = self._connection.execute(sql)
        names = tuple(column[0] for column in cursor.description or ())
        # The driver takes a size of nothing for all rows.
        return names, cursor.fetchmany(row_count) if row_count > 0 else []


class SqliteGate:
    """The gate to one SQLite file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pause = threading.Event()

    def read(self, work: Callable[[Session], T]) -> T:
        """Return what `work` makes of the file, in one consistent state of it."""
        self._look()
        repair_side_files(self.path)
        has_no_room = False
        for attempt in range(_CHANGE_COUNT):
            immutable = self._must_be_immutable() or (has_no_room and not _side_file_size(self.path, "-wal"))
            before = _stamp(self.path)
            try:
                result = self._once(work, immutable=immutable)
            except UnicodeDecodeError as error:
                # sqlite3 can't even say what is malformed: the name in its message is garbage.
                raise self._damaged("its schema is garbage") from error
            except sqlite3.Error as error:
                changed = _stamp(self.path) != before
                has_no_room = not immutable and _code(error) in _NO_ROOM_CODES
                may_pass = (immutable and changed) or has_no_room or self._may_pass(error)
                if not may_pass or (attempt >= _RETRY_COUNT - 1 and not changed):
                    raise self._translated(error) from error
            else:
                changed = immutable and _stamp(self.path) != before
                if not changed:
                    return result
            self._pause.wait(_CHANGE_PAUSE_SECONDS if changed else _RETRY_PAUSE_SECONDS)
        msg = (
            f"{self.path} changed {_CHANGE_COUNT} times while it was read: try again, or read it as its owner"
        )
        raise StoreBusyError(msg)

    def _once(self, work: Callable[[Session], T], *, immutable: bool) -> T:
        uri = f"file:{quote(os.fsencode(self.path))}?mode=ro{'&immutable=1' if immutable else ''}"
        # An operator's statement runs in a thread of its own; never in two at once.
        connection = sqlite3.connect(
            uri, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_SECONDS, check_same_thread=False
        )
        with closing(SqliteSession(connection)) as session:
            self._refuse_foreign(connection)
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("BEGIN DEFERRED")
            return work(session)

    def _refuse_foreign(self, connection: sqlite3.Connection) -> None:
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        if application_id == APPLICATION_ID:
            return
        (object_count,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if object_count:
            msg = f"{self.path} is another program's SQLite database: name memmon's with --db or MEMMON_DATABASE_URL"
            raise ForeignStoreError(msg)
        msg = f"{self.path} is empty: nothing was recorded into it yet"
        raise StoreNotFoundError(msg)

    def _look(self) -> None:
        """Raise the clear error for what is not a readable SQLite file."""
        try:
            if self.path.is_dir():
                msg = f"{self.path} is a folder: name the database file in it"
                raise StoreNotFoundError(msg)
            with self.path.open("rb") as file:
                head = file.read(len(SQLITE_MAGIC))
        except (FileNotFoundError, NotADirectoryError):
            raise StoreNotFoundError(describe_absent(self.path)) from None
        except PermissionError:
            raise StorePermissionError(_no_permission(self.path)) from None
        except OSError as error:
            msg = f"{self.path} can't be read: {error.strerror or error}"
            raise StoreError(msg) from error
        if head and head != SQLITE_MAGIC:
            msg = (
                f"{self.path} is no SQLite database: another program's file, or damaged at its head "
                "(then `memmon db salvage` brings its rows back)"
            )
            raise StoreDamagedError(msg)

    def _must_be_immutable(self) -> bool:
        return must_be_immutable(self.path)

    def _may_pass(self, error: sqlite3.Error) -> bool:
        """Tell whether an error may come from files that change under a reader who can't lock them.

        Pages of two moments look malformed, also where the file's time of change, which the system
        keeps in steps of milliseconds, did not move.
        """
        return _code(error) in _SIDE_FILE_CODES | _DAMAGED_CODES and not os.access(
            beside(self.path, "").parent, os.W_OK
        )

    def _damaged(self, words: str) -> StoreDamagedError:
        return StoreDamagedError(
            f"{self.path} is damaged ({words}): `memmon db salvage` brings its rows into a new file"
        )

    def _translated(self, error: sqlite3.Error) -> Exception:
        code = _code(error)
        if code in _BUSY_CODES:
            return StoreBusyError(f"{self.path} is locked by another process: try again in a moment")
        if code in _DAMAGED_CODES:
            return self._damaged(str(error))
        if code in _SIDE_FILE_CODES:
            return StorePermissionError(_no_permission(self.path))
        if "no such table: alembic_version" in str(error):
            return StoreTooOldError(f"{self.path} has no revision: run `memmon db upgrade`")
        if code in {sqlite3.SQLITE_ERROR, None}:
            return error
        return StoreError(f"{self.path} can't be read: {error}")


def _code(error: sqlite3.Error) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def _side_file_size(path: Path, suffix: str) -> int:
    try:
        return beside(path, suffix).stat().st_size
    except OSError:
        return 0


def _stamp(path: Path) -> Sequence[int]:
    """Return what changes whenever the file does; a `-wal` that appeared counts as a change."""
    found = path.stat()
    return (found.st_ino, found.st_size, found.st_mtime_ns, _side_file_size(path, "-wal"))


def _no_permission(path: Path) -> str:
    return (
        f"{path} may not be read by this user: its owner can grant it to a group "
        "(setting file_mode=0640 for new files, or chmod and chgrp), or run as the owner"
    )
