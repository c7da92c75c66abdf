"""Which schema a database has, told by one SELECT: light enough for the recorder's start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import inspect

from memmon.errors import StoreDamagedError, StoreTooNewError, StoreTooOldError
from memmon.store.schema.tables import HEAD_REVISION

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_NO_SUCH_TABLE = "42P01"


def read_revision(connection: Connection) -> str | None:
    """Return the revision of the database behind `connection`; None for an empty one."""
    tables = set(inspect(connection).get_table_names())
    if "alembic_version" not in tables:
        if "snapshot" in tables:
            msg = "the database has memmon's tables but no revision: `memmon db salvage` brings its rows into a new file"
            raise StoreDamagedError(msg)
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    if row is None and "snapshot" in tables:
        msg = "the database has memmon's tables but its revision is lost: `memmon db salvage` brings its rows into a new file"
        raise StoreDamagedError(msg)
    return None if row is None else str(row[0])


def require_head(connection: Connection) -> None:
    """Raise StoreTooOldError or StoreTooNewError unless the database has this version's schema."""
    try:
        row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
        found = None if row is None else str(row[0])
    except Exception as error:
        if connection.dialect.name == "sqlite":
            found = read_revision(connection)
        elif getattr(getattr(error, "orig", None), "sqlstate", None) == _NO_SUCH_TABLE:
            found = None
        else:
            raise
    if found == HEAD_REVISION:
        return
    if is_newer(found):
        msg = (
            f"the database has schema {found}, this memmon knows up to {HEAD_REVISION}: "
            "upgrade memmon; the file was left untouched"
        )
        raise StoreTooNewError(msg)
    msg = f"the database has schema {found or 'none'}, this memmon needs {HEAD_REVISION}: run `memmon db upgrade`"
    raise StoreTooOldError(msg)


def is_newer(revision: str | None) -> bool:
    """Tell whether `revision` is one that this version does not know (they are numbered)."""
    if revision is None:
        return False
    return not revision.isdigit() or int(revision) > int(HEAD_REVISION)
