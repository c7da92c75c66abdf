"""Links to a file by the standard library's sqlite3."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from memmon.store.connect.access import require_writable
from memmon.store.connect.engine import open_sqlite, prepare_reader, prepare_writer
from memmon.store.connect.plain_sqlite import unadapted, unadapted_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from memmon.config import Database
    from memmon.store.connect.link import Link, Row

_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"


class SqliteLinks:
    """Opens links to one file."""

    def __init__(self, database: Database, *, is_writer: bool) -> None:
        self._database = database
        self._is_writer = is_writer

    @contextmanager
    def connect(self) -> Iterator[Link]:
        """Yield a link whose transactions write, or only read; closed at the end."""
        path = self._database.path
        assert path is not None
        if self._is_writer:
            require_writable(path)
        connection = open_sqlite(path, mode="rw" if self._is_writer else "ro")
        try:
            if self._is_writer:
                yield SqliteLink(connection, "BEGIN IMMEDIATE", prepare_writer(connection))
            else:
                prepare_reader(connection)
                yield SqliteLink(connection, "BEGIN DEFERRED", {})
        finally:
            connection.close()


class SqliteLink:
    """An open connection of sqlite3."""

    is_sqlite = True

    def __init__(self, connection: sqlite3.Connection, begin: str, info: dict[Any, Any]) -> None:
        self._connection = connection
        self._begin = begin
        self.info = info

    @contextmanager
    def begin(self) -> Iterator[None]:
        """Begin a transaction: committed at the end, nothing of it stays after an error."""
        self._connection.execute(self._begin)
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            # After some errors SQLite has taken the transaction back by itself.
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    def rows(self, statement: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """Return what a query finds."""
        found = self._connection.execute(statement, unadapted(parameters or {}))
        names = [one[0] for one in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def run(self, statement: str, parameters: Mapping[str, Any] | None = None) -> int:
        """Run a statement; return how many rows it changed."""
        return self._connection.execute(statement, unadapted(parameters or {})).rowcount

    def run_many(self, statement: str, parameters: Sequence[Mapping[str, Any]]) -> int:
        """Run a statement for each of the parameters; return how many rows were changed in all."""
        return self._connection.executemany(statement, unadapted_rows(parameters)).rowcount

    def table_names(self) -> set[str]:
        """Return the names of the tables that are there."""
        return {row["name"] for row in self.rows(_TABLES)}
