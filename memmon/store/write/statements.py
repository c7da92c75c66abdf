"""How values go into a statement: text and numbers as any database takes them, and INSERTs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects.sqlite import insert as sqlite_insert

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Insert, Table
    from sqlalchemy.engine import Connection

INSERTED = "has_inserted"
"""In a connection's info: rows were inserted. (An update to the same value leaves no trace in the log.)"""

_INT64_MAX = 2**63 - 1


def insert_or_ignore(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows; what is there stays as it is."""
    if not rows:
        return
    done = connection.execute(_insert(connection, table), list(rows))
    if done.rowcount > 0:
        connection.info[INSERTED] = True


def _insert(connection: Connection, table: Table) -> Insert:
    """Return an INSERT that leaves what is there alone."""
    if connection.dialect.name == "sqlite":
        return sqlite_insert(table).on_conflict_do_nothing()
    # Its dialects bring asyncio along: some megabytes that a bot with a file does not need.
    from sqlalchemy.dialects.postgresql import insert as postgresql_insert

    return postgresql_insert(table).on_conflict_do_nothing()


def fitting(value: int | None) -> int | None:
    """Return `value` unless it can't be stored as a 64-bit integer: then it is missing."""
    return value if value is None or abs(value) <= _INT64_MAX else None


def storable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a row with each text as any database takes it."""
    return {key: storable_text(value) if isinstance(value, str) else value for key, value in values.items()}


def storable_text(text: str) -> str:
    """Return `text` as any database takes it: no NUL, no lone surrogate."""
    return text.replace("\0", "").encode("utf-8", "backslashreplace").decode("utf-8")
