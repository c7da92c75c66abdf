"""Whether a database can be written right now, found by trying: nothing is changed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from memmon.errors import StoreBusyError, StoreError, StorePermissionError
from memmon.store.connect.access import require_writable
from memmon.store.connect.engine import refuse_foreign, sqlite_uri, write_engine
from memmon.store.connect.error_translation import translated
from memmon.store.connect.plain_sqlite import connect_sqlite

if TYPE_CHECKING:
    from memmon.config import Database

_WAIT_SECONDS = 1.0
_SERVER_SAYS = (
    "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on', "
    "to_regclass('snapshot') IS NULL OR has_table_privilege(to_regclass('snapshot'), 'INSERT')"
)


def require_trial(database: Database) -> None:
    """Begin a writing transaction and take it back; raises StoreError's kin for what is in the way.

    StoreBusyError: another process is writing, so that it can be written.
    """
    with translated(database):
        if database.path is None:
            _try_server(database)
            return
        require_writable(database.path)
        uri = sqlite_uri(database.path, mode="rw")
        with closing(connect_sqlite(uri, timeout_seconds=_WAIT_SECONDS)) as connection:
            refuse_foreign(connection)
            try:
                (number,) = connection.execute("PRAGMA user_version").fetchone()
                connection.execute("BEGIN IMMEDIATE")
                # On a file that it could open for reading only, SQLite begins even this transaction.
                connection.execute(f"PRAGMA user_version={int(number)}")
                connection.execute("ROLLBACK")
            except sqlite3.OperationalError as error:
                raise _in_the_way(database, error) from error


def _in_the_way(database: Database, error: sqlite3.OperationalError) -> StoreError:
    if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
        return StoreBusyError(f"{database.shown} is being written by another process")
    return StoreError(f"{database.shown} can't be written: {error}")


def _try_server(database: Database) -> None:
    with write_engine(database).connect() as connection:
        is_closed, may_insert = connection.exec_driver_sql(_SERVER_SAYS).one()
    if is_closed:
        msg = (
            f"{database.shown} takes no writes now (a standby, or set to read only): name the primary server"
        )
        raise StoreError(msg)
    if not may_insert:
        msg = f"{database.shown}: this role may only read: right for readers, a recorder needs INSERT, UPDATE and DELETE"
        raise StorePermissionError(msg)
