"""Is a database file damaged? What SQLite itself reports as something else, or not before it reads there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from memmon.store.connect.engine import sqlite_uri
from memmon.store.schema import tables
from memmon.store.schema.identity import HEAD_REVISION, SQLITE_MAGIC

if TYPE_CHECKING:
    from pathlib import Path

    from memmon.config import Database

_HEAD_BYTES = 100
_VERSIONS = frozenset({1, 2})
_FORMATS = frozenset({0, 1, 2, 3, 4})
_SMALLEST_PAGE_BYTES = 512
_HARMLESS = (" value in ", "CHECK constraint", "never used")


def find_damage(database: Database, *, in_all_pages: bool = False) -> str | None:
    """Return what is damaged in the head or the schema of a SQLite file; None: nothing was found.

    `in_all_pages`: look at every page, by SQLite's own check, which reads the whole file; not done
    where the file has no write-ahead log, on a network's file system.

    For a process that has no other connection to the file: reading it drops the locks on it.
    """
    path = database.path
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return None
    return head_fault(head) or _schema_fault(path) or (_page_fault(path) if in_all_pages else None)


def head_fault(head: bytes) -> str | None:
    """Return what is wrong with the first 100 bytes of a SQLite file; None: nothing, or it is empty."""
    if not head:
        return None
    if len(head) < _HEAD_BYTES or not head.startswith(SQLITE_MAGIC):
        return "it does not begin as a SQLite file"
    page_bytes = int.from_bytes(head[16:18], "big")
    is_power = page_bytes & (page_bytes - 1) == 0
    if page_bytes != 1 and (page_bytes < _SMALLEST_PAGE_BYTES or not is_power):
        return f"its page size is {page_bytes}"
    if head[18] not in _VERSIONS or head[19] not in _VERSIONS:
        return f"its format versions are {head[18]} and {head[19]}"
    if int.from_bytes(head[44:48], "big") not in _FORMATS:
        return "its schema format is unknown"
    return None


def _schema_fault(path: Path) -> str | None:
    try:
        with closing(sqlite3.connect(sqlite_uri(path, mode="ro"), uri=True)) as connection:
            rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
            if rows != [(HEAD_REVISION,)]:
                return None
            for table in tables.metadata.sorted_tables:
                found = {row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")}
                if missing := {column.name for column in table.columns} - found:
                    return f"the table {table.name} lacks {', '.join(sorted(missing))}"
    except sqlite3.DatabaseError as error:
        code = error.sqlite_errorcode & 0xFF if hasattr(error, "sqlite_errorcode") else None
        return str(error) if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} else None
    return None


def _page_fault(path: Path) -> str | None:
    try:
        with closing(sqlite3.connect(sqlite_uri(path, mode="ro"), uri=True)) as connection:
            # Without a write-ahead log a long look would keep writers out.
            if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                return None
            told = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(20)")]
    except sqlite3.DatabaseError as error:
        code = error.sqlite_errorcode & 0xFF if hasattr(error, "sqlite_errorcode") else None
        return str(error) if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} else None
    # One row may hold many lines. A value that is not of its column's kind, or a page that nobody
    # uses, harms no reader and no writer.
    lines = (line.strip() for row in told for line in row.splitlines())
    faults = [line for line in lines if line not in {"", "ok"} and not line.startswith("***")]
    return next((line[:200] for line in faults if not any(word in line for word in _HARMLESS)), None)
