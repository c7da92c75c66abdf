"""Which links lead to a database, and what is asked of any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memmon.store.connect.sqlite_link import SqliteLinks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from memmon.config import Database
    from memmon.store.connect.link import Link, Links, Row


def write_links(database: Database) -> Links:
    """Return what opens links that write; none of them creates a file."""
    if database.is_sqlite and database.writer == "sqlite3":
        return SqliteLinks(database, is_writer=True)
    from memmon.store.connect.engine import write_engine
    from memmon.store.connect.sqlalchemy_link import EngineLinks

    return EngineLinks(write_engine(database))


def read_links(database: Database) -> Links:
    """Return what opens links that only read."""
    if database.is_sqlite and database.writer == "sqlite3":
        return SqliteLinks(database, is_writer=False)
    from memmon.store.connect.engine import read_engine
    from memmon.store.connect.sqlalchemy_link import EngineLinks

    return EngineLinks(read_engine(database))


def first(link: Link, statement: str, parameters: Mapping[str, Any]) -> Row | None:
    """Return the first row that a query finds."""
    found = link.rows(statement, parameters)
    return found[0] if found else None


def listed(statement: str, name: str, values: Iterable[Any]) -> tuple[str, dict[str, Any]]:
    """Return a statement with a parameter for each of the values in place of the list `name`, and those parameters."""
    given = {f"{name}_{number}": value for number, value in enumerate(values)}
    return statement.replace(f"(:{name})", f"({', '.join(f':{one}' for one in given)})"), given
