"""What a reader needs of a database, whichever it is."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

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


_PART_SIZE = 100
"""Rows that are listed in one statement. Any SQLite takes 999 values; PostgreSQL compiles what it takes for long, 0.1 s each."""


def in_parts(rows: Sequence[tuple[int | None, ...]]) -> Iterator[Sequence[tuple[int | None, ...]]]:
    """Yield rows in parts that one statement may list."""
    for start in range(0, len(rows), _PART_SIZE):
        yield rows[start : start + _PART_SIZE]


def listed_values(rows: Sequence[tuple[int | None, ...]]) -> tuple[str, dict[str, object]]:
    """Return what stands after VALUES for some rows, and the parameters in it."""
    names = [[f"v{row}_{place}" for place in range(len(values))] for row, values in enumerate(rows)]
    listed = ", ".join(f"({', '.join(f':{name}' for name in of_row)})" for of_row in names)
    bound = zip(chain.from_iterable(names), chain.from_iterable(rows), strict=True)
    return listed, dict(bound)


def refused(words: str) -> str:
    """Return the message for a statement that the database refused in its own words."""
    return f"{words}; docs/sql.md lists the views and their columns (`SELECT * FROM v_run` is a start)"
