"""memmon's tables on a server, where there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import inspect

from memmon.store.connect.engine import write_engine
from memmon.store.connect.sqlalchemy_link import ConnectionLink
from memmon.store.schema.fresh_postgresql import STATEMENTS
from memmon.store.schema.identity import APPLICATION_ID
from memmon.store.schema.revision import read_revision

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from memmon.config import Database


def create_on_server(database: Database, *, wait_seconds: float) -> bool:
    """Make the tables in one transaction; False when there are some. Another process that does so is waited for."""
    engine = write_engine(database).execution_options(isolation_level="READ COMMITTED")
    with engine.connect() as connection:
        with connection.begin():
            if not _is_empty(connection):
                return False
        with connection.begin():
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {round(wait_seconds * 1000)}")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({APPLICATION_ID})")
            if not _is_empty(connection):  # another process made them while this one waited
                return False
            for statement in STATEMENTS:
                connection.exec_driver_sql(statement)
    return True


def _is_empty(connection: Connection) -> bool:
    is_unstamped = read_revision(ConnectionLink(connection)) is None
    return is_unstamped and not inspect(connection).has_table("alembic_version")
