"""A link: one connection, whatever driver is behind it. Who writes knows this, and no driver.

A file is written by the standard library's sqlite3 alone: SQLAlchemy would weigh more than all the
rest of memmon in the program. It is loaded for a server, and for a file where `Database.writer` says so.
Statements are text with `:name` parameters, the same for both. A link lives for one flush or one query.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

Row = dict[str, Any]
"""What a query found, by the columns' names."""


class Link(Protocol):
    """An open connection; what is wrong with it raises the driver's errors."""

    @property
    def is_sqlite(self) -> bool:
        """Tell whether it leads to a file."""

    @property
    def info(self) -> dict[Any, Any]:
        """What is known of it: of a file `path` and `journal`."""

    def begin(self) -> AbstractContextManager[object]:
        """Return a transaction: committed at the end, nothing of it stays after an error."""

    def rows(self, statement: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """Return what a query finds."""

    def run(self, statement: str, parameters: Mapping[str, Any] | None = None) -> int:
        """Run a statement; return how many rows it changed."""

    def run_many(self, statement: str, parameters: Sequence[Mapping[str, Any]]) -> int:
        """Run a statement for each of the parameters; return how many rows were changed in all."""

    def table_names(self) -> set[str]:
        """Return the names of the tables that are there."""


class Links(Protocol):
    """Opens links to one database."""

    def connect(self) -> AbstractContextManager[Link]:
        """Return a link, closed at the end."""
