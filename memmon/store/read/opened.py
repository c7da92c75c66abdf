"""A database that was opened to be read, and what is closed when it is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from sqlalchemy.engine import Engine

    from memmon.config import Database
    from memmon.store.read.ports import Gate


class OpenedStore:
    """A database that was opened to be read: the gate to it, and the engine where one was asked for."""

    def __init__(self, database: Database, gate: Gate) -> None:
        self.database = database
        self._gate = gate
        self._engine: Engine | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Close, as `close` does."""
        self.close()

    def close(self) -> None:
        """Close the engine where one was asked for; nothing else is open between calls."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()

    @property
    def engine(self) -> Engine:
        """An SQLAlchemy engine that only reads, for `pd.read_sql` over the views (docs/sql.md); loads SQLAlchemy.

        Statements that would do more than read raise SqlError, other errors are SQLAlchemy's own. It has no pool.
        """
        if self._engine is None:
            from memmon.store.read.engine import reading_engine

            self._engine = reading_engine(self.database)
        return self._engine
