"""A session that maintains a database: short write transactions on one connection, reads beside them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from memmon.clock import SystemClock
from memmon.store.connect.engine import read_engine, write_engine
from memmon.store.connect.error_translation import translated
from memmon.store.connect.sqlalchemy_link import ConnectionLink
from memmon.store.schema.revision import require_head

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from memmon.config import Database

_CHECKPOINT_EVERY = 16


class Transaction:
    """An open write transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.dialect = connection.dialect.name

    def run(self, sql: str, parameters: Mapping[str, object] | None = None) -> int:
        """Run one statement; return how many rows it changed."""
        return self._connection.execute(text(sql), dict(parameters or {})).rowcount

    def run_many(self, sql: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run one statement for each row of parameters."""
        if rows:
            self._connection.execute(text(sql), [dict(row) for row in rows])


class Maintenance:
    """Reads and short writes on one database.

    Both connections are kept for the pass: closing the last one of a WAL database folds the WAL
    into the file, which takes longer than a batch. No transaction outlives a call.
    """

    def __init__(self, database: Database, connection: Connection, reader: Connection) -> None:
        self.database = database
        self._connection = connection
        self._reader = reader
        self._clock = SystemClock()
        self._held_seconds = 0.0
        self._write_count = 0

    def read(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """Return the rows of a query, read in a transaction of its own."""
        with self._reader.begin():
            return [tuple(row) for row in self._reader.execute(text(sql), dict(parameters or {}))]

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Yield a write transaction; committed at the end, nothing of it stays after an error."""
        with self._connection.begin():
            started = self._clock.monotonic()
            yield Transaction(self._connection)
        self._held_seconds += self._clock.monotonic() - started
        self._write_count += 1
        if self._write_count % _CHECKPOINT_EVERY == 0:
            self.checkpoint()

    @contextmanager
    def without_references(self) -> Iterator[None]:
        """Have SQLite not look through all readings for what refers to a series that goes; its caller does."""
        if not self.database.is_sqlite:
            yield
            return
        self._raw("PRAGMA foreign_keys=OFF")
        try:
            yield
        finally:
            self._raw("PRAGMA foreign_keys=ON")

    def take_held_seconds(self) -> float:
        """Return for how long the write lock was held since the last call."""
        held, self._held_seconds = self._held_seconds, 0.0
        return held

    def checkpoint(self) -> None:
        """Fold the WAL into the file as far as readers allow, without keeping writers out."""
        if self.database.is_sqlite:
            self._raw("PRAGMA wal_checkpoint(PASSIVE)")

    def pragma(self, name: str) -> int:
        """Return the number that a pragma of SQLite answers with."""
        return int(self._raw(f"PRAGMA {name}")[0][0])

    def vacuum_some(self, page_count: int) -> None:
        """Give up to `page_count` free pages back to the file system."""
        started = self._clock.monotonic()
        self._raw(f"PRAGMA incremental_vacuum({page_count})")
        self._held_seconds += self._clock.monotonic() - started

    def _raw(self, statement: str) -> list[tuple[Any, ...]]:
        # Past SQLAlchemy's own transaction, which these statements may not be in.
        driver = self._connection.connection.driver_connection
        assert driver is not None
        cursor = driver.execute(statement)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        cursor.close()
        return rows


@contextmanager
def maintenance(database: Database) -> Iterator[Maintenance]:
    """Yield a maintenance session on a database of this version's schema; raises StoreError's kin."""
    with (
        translated(database),
        write_engine(database).connect() as connection,
        read_engine(database).connect() as reader,
    ):
        with connection.begin():
            require_head(ConnectionLink(connection))
        session = Maintenance(database, connection, reader)
        yield session
        session.checkpoint()
