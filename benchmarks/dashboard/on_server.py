"""A store of SQLite copied into a PostgreSQL, and what the server works meanwhile."""

from __future__ import annotations

import os
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

COPY = """
import csv, io, sqlite3, sys
from contextlib import closing
import psycopg
from memmon.config import parse_database
from memmon.store.schema.tables import metadata
from memmon.store.upkeep.migrate import upgrade
_, path, server, database = sys.argv[1:5]
with psycopg.connect(server, autocommit=True) as connection:
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone():
        raise SystemExit
    connection.execute(f'DROP DATABASE IF EXISTS "{database}_new"')
    connection.execute(f'CREATE DATABASE "{database}_new"')
url = sys.argv[5]
upgrade(parse_database(url))
with closing(sqlite3.connect(path)) as file, psycopg.connect(url) as connection:
    known = {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for table in metadata.sorted_tables:
        if table.name not in known:
            continue
        names = [column.name for column in table.columns]
        listed = ", ".join(f'"{name}"' for name in names)
        with connection.cursor().copy(f"COPY {table.name} ({listed}) FROM STDIN") as copy:
            for row in file.execute(f"SELECT {listed} FROM {table.name}"):
                copy.write_row(row)
        if "id" in names:
            connection.execute(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), coalesce(max(id), 1)) FROM {table.name}"
            )
with psycopg.connect(url, autocommit=True) as connection:
    connection.execute("VACUUM ANALYZE")
with psycopg.connect(server, autocommit=True) as connection:
    connection.execute(f'ALTER DATABASE "{database}_new" RENAME TO "{database}"')
"""
"""Copies every table of a file (after the tree) into a database of the server of a URL, of that name; the last: its URL until then."""

_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE_SECONDS = 5.0


def database_url(server: str, database: str) -> str:
    """Return the URL of another database of the same server."""
    return urlunsplit(urlsplit(server)._replace(path=f"/{database}"))


class ServerLoad:
    """The processor's seconds of a server on this machine; 0 where they can't be known."""

    def __init__(self, server: str | None) -> None:
        self._server = server
        self._postmaster = None if server is None else self._asked(server)

    def seconds(self) -> float:
        """Return what its processes have used so far, once all but it have ended."""
        if self._postmaster is None:
            return 0.0
        self._await_the_others()
        # Without the name, which may hold anything: user, system, and both of the children that were waited for.
        fields = Path(f"/proc/{self._postmaster}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS

    def _await_the_others(self) -> None:
        import psycopg

        until = time.monotonic() + _PATIENCE_SECONDS
        with psycopg.connect(self._server or "", autocommit=True) as connection:
            others = "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            while connection.execute(others).fetchone() != (0,) and time.monotonic() < until:
                time.sleep(0.02)

    @staticmethod
    def _asked(server: str) -> int | None:
        import psycopg

        with psycopg.connect(server, autocommit=True) as connection:
            try:
                row = connection.execute("SELECT pg_read_file('postmaster.pid')").fetchone()
            except psycopg.Error:
                return None
        found = int(str(row[0]).split()[0]) if row else None
        return found if found and Path(f"/proc/{found}/stat").exists() else None
