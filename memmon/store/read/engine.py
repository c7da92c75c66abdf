"""`Store.engine`: an SQLAlchemy engine for whoever wants SQL in pandas; it reads, whatever is said through it.

On SQLite a connection is opened read-only, `query_only`, and asks for leave before each thing that a statement
does (`authorizer`). On a server the transaction is read-only and every statement is looked at before it runs, as one of
`memmon sql` (`operator`): what it begins with, that there is no second one, and what it would call.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from memmon.errors import MemmonError, SqlError
from memmon.store.connect.engine import read_engine
from memmon.store.read.authorizer import allow_only_reading
from memmon.store.read.ports import refused
from memmon.store.read.statement import check_reading

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine, ExceptionContext

    from memmon.config import Database

_REFUSED_CODES = frozenset({sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY})
_READ_ONLY_STATES = ("25006", "42501")
"""Of a server: the transaction is read-only; no privilege."""


def reading_engine(database: Database) -> Engine:
    """Return an engine without a pool whose connections read `database` and do nothing else.

    What is refused raises SqlError; other errors are SQLAlchemy's own.
    """
    engine = read_engine(database, immutable=None)
    if database.is_sqlite:
        event.listen(engine, "connect", _ask_before_each_thing)
    else:
        event.listen(engine, "connect", _begin_read_only)
        event.listen(engine, "before_cursor_execute", _hold_to_reading)
    event.listen(engine, "handle_error", _say_what_is_refused)
    return engine


def _ask_before_each_thing(connection: sqlite3.Connection, _record: object) -> None:
    """Let SQLite refuse what is no reading when a statement is prepared."""
    allow_only_reading(connection, within_transactions=True)


def _begin_read_only(connection: Any, _record: object) -> None:
    """Let the driver begin read-only transactions, also where somebody takes a connection past SQLAlchemy."""
    connection.read_only = True


def _hold_to_reading(connection: Connection, _cursor: Any, statement: str, *_: object) -> None:
    """Raise SqlError before a statement runs that would do more than read."""
    from memmon.store.read.operator import hold_to_reading

    check_reading(statement, dialect="postgresql")
    driver = connection.connection.driver_connection
    assert driver is not None
    hold_to_reading(driver, statement)


def _say_what_is_refused(context: ExceptionContext) -> None:
    """Raise SqlError in place of what a database says to a statement that would write."""
    error = context.original_exception
    if isinstance(error, MemmonError) or not isinstance(context.sqlalchemy_exception, DBAPIError):
        return
    if isinstance(error, sqlite3.Error):
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        is_refused = code in _REFUSED_CODES or "not authorized" in str(error)
    else:
        is_refused = getattr(error, "sqlstate", None) in _READ_ONLY_STATES
    if is_refused:
        msg = f"the statement is not run, Store.engine only reads ({refused(str(error).strip())})"
        raise SqlError(msg) from error
