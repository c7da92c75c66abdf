"""Links by SQLAlchemy: to a server, and to a file where `Database.writer` says so."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy.engine import Connection, Engine

    from memmon.store.connect.link import Link, Row


class EngineLinks:
    """Opens links by an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def connect(self) -> Iterator[Link]:
        """Yield a link, closed at the end."""
        with self._engine.connect() as connection:
            yield ConnectionLink(connection)


class ConnectionLink:
    """An open connection of SQLAlchemy's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.info = connection.info
        self.is_sqlite = connection.dialect.name == "sqlite"

    def begin(self) -> AbstractContextManager[object]:
        """Begin a transaction: committed at the end, nothing of it stays after an error."""
        return self._connection.begin()

    def rows(self, statement: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """Return what a query finds."""
        found = self._connection.execute(text(statement), dict(parameters or {}))
        return [dict(row) for row in found.mappings()]

    def run(self, statement: str, parameters: Mapping[str, Any] | None = None) -> int:
        """Run a statement; return how many rows it changed."""
        return self._connection.execute(text(statement), dict(parameters or {})).rowcount

    def run_many(self, statement: str, parameters: Sequence[Mapping[str, Any]]) -> int:
        """Run a statement for each of the parameters; return how many rows were changed in all."""
        return self._connection.execute(text(statement), [dict(one) for one in parameters]).rowcount

    def table_names(self) -> set[str]:
        """Return the names of the tables that are there."""
        return set(inspect(self._connection).get_table_names())
