"""What a reader needs of a database, whichever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Rows = list[tuple[Any, ...]]
T = TypeVar("T")


class Session(Protocol):
    """One open, read-only connection."""

    dialect: str
    """`sqlite` or `postgresql`."""

    def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> Rows:
        """Return all rows of a query; parameters are written `:name`."""
        ...

    def head(self, sql: str, *, row_count: int) -> tuple[tuple[str, ...], Rows]:
        """Return the column names and at most `row_count` rows of an operator's query.

        It is held to reading by the database, whatever it says, and ended by Ctrl-C; raises SqlError.
        """
        ...


class Gate(Protocol):
    """Opens sessions on one database."""

    def read(self, work: Callable[[Session], T]) -> T:
        """Return what `work` makes of a session; `work` may be called again when the file changed."""
        ...


def refused(words: str) -> str:
    """Return the message for a statement that the database refused in its own words."""
    return f"{words}; docs/sql.md lists the views and their columns (`SELECT * FROM v_run` is a start)"
