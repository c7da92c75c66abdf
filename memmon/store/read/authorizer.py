"""What an operator's statement may do in SQLite: SQLite itself asks before each thing it does."""

from __future__ import annotations

import functools
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_READING = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
_SAVEPOINT = 32
"""SQLite's own number: the module sqlite3 has no name for it."""
_OF_OTHERS = frozenset({"load_extension", "sqlite_log", "fts3_tokenizer", "readfile", "writefile", "edit"})
"""Never called, whoever brought them."""
_READING_PRAGMAS = frozenset(
    {
        *("table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo"),
        *(
            "foreign_key_list",
            "database_list",
            "collation_list",
            "function_list",
            "module_list",
            "pragma_list",
        ),
        *("integrity_check", "quick_check", "foreign_key_check", "compile_options"),
    }
)
"""With an argument they read as well."""
_READING_WITHOUT_ARGUMENT = frozenset(
    {
        *("page_count", "page_size", "freelist_count", "user_version", "application_id", "schema_version"),
        *("encoding", "data_version", "auto_vacuum"),
    }
)


_TABLE_FUNCTIONS = (
    *("json_each", "json_tree"),
    *(f"pragma_{name}" for name in sorted(_READING_PRAGMAS | _READING_WITHOUT_ARGUMENT)),
)


_TRANSACTIONS = frozenset({sqlite3.SQLITE_TRANSACTION, _SAVEPOINT})
_OF_TRANSACTIONS = frozenset({"read_uncommitted"})
"""What SQLAlchemy asks a new connection."""


def allow_only_reading(
    connection: sqlite3.Connection, statement: str | None = None, *, within_transactions: bool = False
) -> None:
    """Let `statement` and all after it only read: tables, views, SQLite's own functions, reading pragmas.

    None: whatever statements come. `within_transactions`: they may begin and end transactions, which a reader's
    are as well. Whatever else there is or will be (ATTACH, which VACUUM INTO uses too, a temporary table, a pragma
    that sets something, a program's own function) is refused when it is prepared.
    """
    connection.execute("SELECT 1 FROM sqlite_master").close()  # the schema is read now, unasked
    words = None if statement is None else statement.lower()
    for name in _TABLE_FUNCTIONS:
        if words is None or name in words:
            _make_known(connection, name)
    actions = _READING | _TRANSACTIONS if within_transactions else _READING
    pragmas = _READING_WITHOUT_ARGUMENT | (_OF_TRANSACTIONS if within_transactions else frozenset())
    connection.set_authorizer(_authorizer(_own_functions(), actions=actions, pragmas=pragmas))


def _make_known(connection: sqlite3.Connection, name: str) -> None:
    """Let SQLite declare a table function before it must ask: to the authorizer it would be a CREATE TABLE."""
    with suppress(sqlite3.Error):  # not in this SQLite
        connection.execute(f"EXPLAIN SELECT * FROM {name}").close()


@functools.cache
def _own_functions() -> frozenset[str]:
    """Return the functions that are built into SQLite; a host's extensions bring others into every connection."""
    with closing(sqlite3.connect(":memory:")) as connection:
        found = connection.execute("SELECT name FROM pragma_function_list WHERE builtin").fetchall()
    return frozenset(str(name).lower() for (name,) in found) - _OF_OTHERS


def _authorizer(
    functions: frozenset[str], *, actions: frozenset[int], pragmas: frozenset[str]
) -> Callable[..., int]:
    def authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if action in actions:
            is_allowed = True
        elif action == sqlite3.SQLITE_FUNCTION:
            is_allowed = (second or "").lower() in functions
        elif action == sqlite3.SQLITE_PRAGMA:
            name = (first or "").lower()
            is_allowed = name in _READING_PRAGMAS or (name in pragmas and second is None)
        else:
            is_allowed = False
        return sqlite3.SQLITE_OK if is_allowed else sqlite3.SQLITE_DENY

    return authorize
