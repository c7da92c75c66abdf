"""The gate to a database server (PostgreSQL), through SQLAlchemy Core."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from memmon.errors import StoreError, StoreNotFoundError, StorePermissionError
from memmon.store.connect.engine import read_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy.engine import Connection, Engine

    from memmon.config import Database
    from memmon.store.read.ports import Rows, Session

T = TypeVar("T")
_NO_SUCH_TABLE = "42P01"
_NO_PRIVILEGE = "42501"


class ServerSession:
    """A session on a server, in a read-only transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.dialect = connection.dialect.name

    def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> Rows:
        """Return all rows of a query."""
        return [tuple(row) for row in self._connection.execute(text(sql), dict(parameters or {}))]

    def head(self, sql: str, *, row_count: int) -> tuple[tuple[str, ...], Rows]:
        """Return the column names and at most `row_count` rows."""
        from memmon.store.read.operator import is_usable, run_for_operator

        driver = self._connection.connection.driver_connection
        assert driver is not None
        try:
            return run_for_operator(driver, sql, row_count=row_count)
        finally:
            if not is_usable(driver):  # closed without a rollback, which would fail and be logged
                self._connection.invalidate()


class ServerGate:
    """The gate to one database on a server."""

    def __init__(self, database: Database) -> None:
        self._shown = database.shown
        self._engine = _engine_of(database)

    def read(self, work: Callable[[Session], T]) -> T:
        """Return what `work` makes of a session; nothing it does is kept."""
        try:
            with self._engine.connect() as connection:
                return work(ServerSession(connection))
        except OperationalError as error:
            msg = f"{self._shown} can't be reached: {_first_line(error)}"
            raise StoreNotFoundError(msg) from error
        except ProgrammingError as error:
            state = getattr(error.orig, "sqlstate", None)
            if state == _NO_SUCH_TABLE and "alembic_version" in str(error.orig):
                msg = (
                    f"{self._shown} holds no memmon tables: record into it first, or run `memmon db upgrade`"
                )
                raise StoreNotFoundError(msg) from error
            if state == _NO_PRIVILEGE:
                msg = f"{self._shown}: this user may not read memmon's tables: GRANT SELECT on them"
                raise StorePermissionError(msg) from error
            raise
        except DBAPIError as error:
            msg = f"{self._shown} can't be read: {_first_line(error)}"
            raise StoreError(msg) from error


@lru_cache(maxsize=8)
def _engine_of(database: Database) -> Engine:
    """Return the engine of a database, made once: a new one asks the server what it is before it asks anything else.

    It keeps no connection, so that threads and forks may share it.
    """
    return read_engine(database)


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
