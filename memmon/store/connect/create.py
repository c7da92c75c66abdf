"""A new database, made in the process that needs it: no child, no Alembic, a few milliseconds.

A file is made whole under another name, synced, and linked to its place: whoever looks sees no
file or all of it, whatever fails and whenever the process is killed. Where that can't be (no hard
links; a file or its log is there already) it is made in place in one transaction of SQLite's.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING

from memmon.guest.hooks import fork_free
from memmon.store.connect.beside import SIDE_FILES, name_beside, remove_beside, remove_leftovers
from memmon.store.connect.engine import (
    BUSY_TIMEOUT_MS,
    create_private_file,
    is_network_file_system,
    make_folder,
    refuse_foreign,
    sqlite_uri,
)
from memmon.store.connect.plain_sqlite import connect_sqlite

if TYPE_CHECKING:
    from pathlib import Path

    from memmon.config import Database

SERVER_WAIT_SECONDS = 30.0
"""How long another process that makes or upgrades the tables on a server is waited for."""

_NO_LOCK: AbstractContextManager[object] = nullcontext()
_open_descriptors: set[int] = set()


def create(
    database: Database, *, file_mode: int = 0o600, flush_lock: AbstractContextManager[object] = _NO_LOCK
) -> bool:
    """Make memmon's tables where there are none; False when there are some, of whichever schema.

    A missing file is made with `file_mode`, its folder for its owner alone; an empty one keeps its
    owner and mode. A symbolic link that leads nowhere is not followed. Of processes that come at once
    one creates. `flush_lock` is held while a connection is open: a fork waits for it, so that a file
    is synced after the connection was closed (SQLite itself syncs what is made in place).

    Raises OSError, sqlite3.Error, SQLAlchemy's errors, ForeignStoreError for another program's
    file and StoreDamagedError; nothing half-made is left at the path.
    """
    path = database.path
    if path is None:
        with flush_lock:
            return _create_on_server(database)
    if not path.exists():
        make_folder(path.parent)
        if _made_beside(path, file_mode=file_mode, flush_lock=flush_lock):
            return True
        create_private_file(path, file_mode=file_mode)
    with flush_lock:
        return _fill_in_place(path)


def after_fork_in_child() -> None:
    """Close the inherited descriptors of a file that the parent is making."""
    while _open_descriptors:
        with suppress(OSError):
            os.close(_open_descriptors.pop())


def _made_beside(path: Path, *, file_mode: int, flush_lock: AbstractContextManager[object]) -> bool:
    """Make the file under another name and link it to its place; False: it must be made in place."""
    if any(os.path.lexists(f"{path}{side}") for side in SIDE_FILES):
        # The log of a file that was removed: SQLite would play it into the new one, but clears it
        # away, under its own locks, before it fills an empty file.
        return False
    made = name_beside(path)
    try:
        create_private_file(made, file_mode=file_mode)
        remove_leftovers(path, now=made.stat().st_mtime)
        with flush_lock:
            _fill_unseen(made)
        _sync(made)
        if not _linked(made, path):
            return False
        with suppress(OSError):  # a folder that can't be synced: SQLite goes on there as well
            _sync(path.parent)
    except (OSError, sqlite3.Error):
        if os.path.lexists(made):
            raise
        # Such a name can't be had (too long), or another host took it for a left-over.
        return False
    finally:
        remove_beside(made)
    return True


def _linked(made: Path, path: Path) -> bool:
    try:
        os.link(made, path)
    except OSError:
        # Another process was first, or there are no hard links here: what is at the path decides.
        return False
    return True


def _fill_unseen(made: Path) -> None:
    """Fill a file that nobody else knows of: without a journal, as it is thrown away when this fails."""
    uri = sqlite_uri(made, mode="rw")
    with closing(connect_sqlite(uri, timeout_seconds=BUSY_TIMEOUT_MS / 1000)) as connection:
        connection.execute("PRAGMA journal_mode=MEMORY")
        connection.execute("PRAGMA synchronous=OFF")
        _fill(connection)
        if not is_network_file_system(made):
            # Else the first writer does it, with four syncs, and keeps all others out meanwhile.
            connection.execute("PRAGMA journal_mode=WAL")


def _fill_in_place(path: Path) -> bool:
    """Fill a file without tables in one transaction; False when it has some."""
    uri = sqlite_uri(path, mode="rw")
    with closing(connect_sqlite(uri, timeout_seconds=BUSY_TIMEOUT_MS / 1000)) as connection:
        refuse_foreign(connection)
        if _has_tables(connection):
            return False
        connection.execute("PRAGMA synchronous=FULL")
        return _fill(connection)


def _fill(connection: sqlite3.Connection) -> bool:
    from memmon.store.schema.fresh_sqlite import STATEMENTS

    # Retention gives room back in small steps; possible only before the first page is written.
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    connection.execute("BEGIN IMMEDIATE")
    if _has_tables(connection):  # another process filled it while this one waited
        return False
    for statement in STATEMENTS:
        connection.execute(statement)
    connection.execute("COMMIT")
    return True


def _has_tables(connection: sqlite3.Connection) -> bool:
    (count,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return bool(count)


def _sync(path: Path) -> None:
    """Have a file or folder lie on the disk. Never a database at its place: closing it would drop locks."""
    descriptor = fork_free(partial(_opened, path))
    try:
        os.fsync(descriptor)  # a fork does not wait for the disk
    finally:
        fork_free(partial(_close, descriptor))


def _opened(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    _open_descriptors.add(descriptor)
    return descriptor


def _close(descriptor: int) -> None:
    _open_descriptors.discard(descriptor)
    os.close(descriptor)


def _create_on_server(database: Database) -> bool:
    from memmon.store.connect.create_on_server import create_on_server

    return create_on_server(database, wait_seconds=SERVER_WAIT_SECONDS)
