"""An operator's statement on a server: held to reading whatever it says and whoever runs it.

In this order, each without trust in the others: the transaction must be read-only; what the
statement would call is looked up (`reach`); a superuser lays down its rights for a role that may
only read; then one statement goes out through the extended protocol, which takes no second one, and as
a cursor, which takes none that writes. Nothing is ever committed.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg

from memmon.errors import SqlError, StoreBusyError, StoreNotFoundError
from memmon.store.read.ports import refused
from memmon.store.read.reach import check_reach
from memmon.store.read.statement import names_of, tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memmon.store.read.ports import Rows

    Driver = psycopg.Connection[tuple[object, ...]]

READERS_ROLE = "pg_read_all_data"
"""PostgreSQL has it from 14 on: it may read every table, and run nothing that is a superuser's."""
_CANCEL_SECONDS = 5.0
_SETTINGS = (
    # Our reading of the text stands on this one.
    "SET LOCAL standard_conforming_strings = on; "
    # A lock that a migration holds is not waited for without end, and a reader that was stopped holds none.
    "SET LOCAL lock_timeout = '30s'; "
    "SET LOCAL idle_in_transaction_session_timeout = '60s'; "
    # A cursor is planned for its first rows otherwise.
    "SET LOCAL cursor_tuple_fraction = 1; "
    "SET LOCAL search_path = pg_catalog"
)
_RIGHTS = """
SELECT current_setting('transaction_read_only') = 'on', current_setting('is_superuser') = 'on',
  EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = %(role)s)
"""
_FIRST_WITH_JIT = 110_000
_AT_REST = frozenset(
    {
        psycopg.pq.TransactionStatus.IDLE,
        psycopg.pq.TransactionStatus.INTRANS,
        psycopg.pq.TransactionStatus.INERROR,
    }
)
_LOCK_TIMEOUT = "55P03"
_OF_THE_CONNECTION = ("08", "57P")


def run_for_operator(driver: Driver, statement: str, *, row_count: int) -> tuple[tuple[str, ...], Rows]:
    """Return the column names and at most `row_count` rows of a statement.

    Raises SqlError for what is refused here or by the server, StoreBusyError for a lock that is held,
    StoreNotFoundError when the server has gone.
    """
    try:
        hold_to_reading(driver, statement)
        return _fetch(driver, statement, row_count)
    except psycopg.Error as error:
        raise _translated(error) from error
    except UnicodeEncodeError as error:
        msg = "the statement holds a character that the database can't: a part of a pair, or not of its encoding"
        raise SqlError(msg) from error
    finally:
        _cancel(driver)


def is_usable(driver: Driver) -> bool:
    """Tell whether a connection can still be rolled back: nothing runs in it, and its server is there."""
    return driver.pgconn.transaction_status in _AT_REST


def hold_to_reading(driver: Driver, statement: str) -> None:
    """Prepare the transaction for one statement that only reads; raises SqlError for one that may do more."""
    names = names_of(statement)
    driver.execute(_SETTINGS)
    is_read_only, is_superuser, has_role = _ask(driver, _RIGHTS, {"role": READERS_ROLE})[0]
    if not is_read_only:
        msg = "the server's transaction is not read-only, so nothing is run: is a proxy between that changes it?"
        raise SqlError(msg)
    has_jit = driver.info.server_version >= _FIRST_WITH_JIT
    if has_jit:  # compiling the look would take longer than the look
        driver.execute("SET LOCAL jit = off")
    check_reach(lambda sql, parameters: _ask(driver, sql, parameters), names)
    driver.execute("SET LOCAL search_path TO DEFAULT; " + ("SET LOCAL jit TO DEFAULT" if has_jit else ""))
    if is_superuser and has_role:
        # A policy on rows would leave some out in silence for this role.
        driver.execute(f"SET LOCAL row_security = off; SET LOCAL ROLE {READERS_ROLE}")


def _fetch(driver: Driver, statement: str, row_count: int) -> tuple[tuple[str, ...], Rows]:
    first = next(tokens(statement), None)
    if first is not None and first.text == "explain":  # no cursor can be declared for it
        with driver.cursor() as plain:
            rows = []
            for row in plain.stream(statement):
                rows.append(tuple(row))
                if len(rows) >= row_count:
                    break
            return _columns(plain.description), rows
    with driver.cursor("memmon_operator") as cursor:
        cursor.execute(statement)
        return _columns(cursor.description), [
            # The driver takes a size of nothing for its own size.
            tuple(row)
            for row in (cursor.fetchmany(row_count) if row_count > 0 else [])
        ]


def _columns(description: list[psycopg.Column] | None) -> tuple[str, ...]:
    return tuple(column.name for column in description or ())


def _ask(driver: Driver, sql: str, parameters: Mapping[str, object]) -> Rows:
    return [tuple(row) for row in driver.execute(sql, parameters)]


def _cancel(driver: Driver) -> None:
    """End what still runs on the server: a signal's handler raised in the midst of it."""
    if driver.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
        with suppress(psycopg.Error):
            driver.cancel_safe(timeout=_CANCEL_SECONDS)


def _translated(error: psycopg.Error) -> Exception:
    words = str(error).strip().splitlines()
    line = words[0] if words else type(error).__name__
    state = error.sqlstate
    if state == _LOCK_TIMEOUT:
        return StoreBusyError(f"a table is locked by another session ({line}): try again in a moment")
    if state is None and isinstance(error, psycopg.OperationalError):
        return StoreNotFoundError(f"the server has gone: {line}; try again when it is back")
    if state is not None and state.startswith(_OF_THE_CONNECTION):
        return StoreNotFoundError(f"the server ended the connection: {line}; try again")
    return SqlError(refused(line))
