"""Bringing a database forward. Heavy: the recorder runs this in a child process, never in its host.

Where there are no tables yet the script makes them in one go, without Alembic. Else the whole upgrade
is one transaction that is begun before anything is looked at, so that of many processes one migrates
and the others find the work done, and a kill at any moment leaves the old schema. A copy of a file
that holds rows is laid beside it.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from memmon.config import resolve_database
from memmon.errors import StoreDamagedError, StoreTooNewError
from memmon.store.connect.create import create
from memmon.store.connect.engine import create_private_file, sqlite_code, sqlite_uri, write_engine
from memmon.store.connect.sqlalchemy_link import ConnectionLink
from memmon.store.schema import revision as schema_revision
from memmon.store.schema.identity import APPLICATION_ID, HEAD_REVISION
from memmon.store.schema.revision import is_newer
from memmon.store.upkeep.old_copy import OldCopy
from memmon.store.upkeep.quiet_alembic import alembic_silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic.config import Config
    from sqlalchemy.engine import Connection

    from memmon.config import Database

# Alembic keeps the environment of the running migration in module globals.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """What an upgrade found and did."""

    before: str | None
    """The revision found; None: the database was empty."""
    after: str
    copy_path: Path | None = None
    """Where the copy of the old file lies, when one was made."""


def migrations_path() -> Path:
    """Return the folder of the revisions: inside the installed package, else in the checkout."""
    package = Path(__file__).resolve().parents[2]
    shipped = package / "_migrations"
    return shipped if shipped.is_dir() else package.parent / "migrations"


def alembic_config() -> Config:
    """Return Alembic's configuration for memmon's own revisions, from wherever memmon runs."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_path()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def head_of_scripts() -> str | None:
    """Return the newest revision among the scripts (a test holds it equal to HEAD_REVISION)."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(alembic_config()).get_current_head()


def upgrade(database: Database, *, file_mode: int = 0o600, revision: str = "head") -> Migration:
    """Bring `database` to the newest schema, creating the file when there is none.

    With another `revision` than the newest the revisions themselves are run, also from nothing.

    Raises StoreTooNewError for a schema that this version does not know, ForeignStoreError for
    another program's file; both are left untouched.
    """
    if revision == "head" and create(database, file_mode=file_mode):
        return Migration(before=None, after=HEAD_REVISION)
    if database.path is not None:
        create_private_file(database.path, file_mode=file_mode)
        _allow_small_vacuums(database.path)
    engine = write_engine(database)
    with _one_at_a_time, OldCopy() as copy, engine.begin() as connection:
        if not database.is_sqlite:
            # A file's transaction began IMMEDIATE; on a server this holds other processes off as long.
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({APPLICATION_ID})")
        before = read_revision(connection)
        if is_newer(before):
            msg = f"{database.shown}: schema {before} is newer than this memmon ({HEAD_REVISION}): upgrade memmon"
            raise StoreTooNewError(msg)
        if before != HEAD_REVISION:
            if before is not None and database.path is not None:
                copy.make(database.path, revision=before)
            _run_revisions(connection, database, before=before, revision=revision)
        after = read_revision(connection)
        copy_path = copy.keep()
    return Migration(before=before, after=after or "", copy_path=copy_path)


def read_revision(connection: Connection) -> str | None:
    """Return the revision of the database behind a connection of SQLAlchemy's; None for an empty one."""
    return schema_revision.read_revision(ConnectionLink(connection))


def _run_revisions(connection: Connection, database: Database, *, before: str | None, revision: str) -> None:
    try:
        # Loaded in it too: Alembic speaks already then.
        with alembic_silent():
            from alembic import command

            config = alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    except DBAPIError as error:
        _tell_half_migrated(error, database, before)
        raise


def _tell_half_migrated(error: DBAPIError, database: Database, before: str | None) -> None:
    """Raise StoreDamagedError when a revision met tables or columns that its predecessor does not leave."""
    if database.is_sqlite and sqlite_code(error) == sqlite3.SQLITE_ERROR:
        msg = (
            f"{database.shown}: the tables are not those of its schema {before or 'none'} ({error.orig}); "
            "it was left as it was: `memmon db salvage` brings its rows into a new file"
        )
        raise StoreDamagedError(msg) from error


def _allow_small_vacuums(path: Path) -> None:
    """Let retention give room back in small steps; possible only before the first table is made."""
    if path.stat().st_size == 0:
        with closing(
            sqlite3.connect(sqlite_uri(path, mode="rw"), uri=True, isolation_level=None)
        ) as connection:
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute("VACUUM")


@contextmanager
def migration_connection() -> Iterator[Connection]:
    """Yield a connection in a transaction to the database that the settings name.

    For Alembic's own command line in a checkout.
    """
    database = resolve_database(os.environ.get("MEMMON_DATABASE_URL"))
    if database.path is not None:
        create_private_file(database.path)
    with write_engine(database).begin() as connection:
        yield connection
