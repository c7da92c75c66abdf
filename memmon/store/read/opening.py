"""Opening a database to read it, after looking that it is there, ours, and of this version's schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.errors import StoreTooNewError, StoreTooOldError
from memmon.store.read.sqlite_session import SqliteGate
from memmon.store.schema.identity import HEAD_REVISION

if TYPE_CHECKING:
    from memmon.config import Database
    from memmon.store.read.ports import Gate, Session


def open_gate(database: Database) -> Gate:
    """Return the gate to a database after looking that it is there, ours, and of this schema."""
    if database.path is not None:
        gate: Gate = SqliteGate(database.path)
    else:
        from memmon.store.read.server import ServerGate

        gate = ServerGate(database)
    gate.read(require_head)
    return gate


def require_head(session: Session) -> None:
    """Raise StoreTooOldError or StoreTooNewError unless the schema is this version's."""
    found = session.rows("SELECT version_num FROM alembic_version")
    revision = str(found[0][0]) if found else "none"
    if revision == HEAD_REVISION:
        return
    if revision.isdigit() and int(revision) < int(HEAD_REVISION):
        msg = (
            f"the database has schema {revision}, this memmon needs {HEAD_REVISION}: run `memmon db upgrade`"
        )
        raise StoreTooOldError(msg)
    if revision == "none":
        msg = "a migration of the database was not finished: run `memmon db upgrade`"
        raise StoreTooOldError(msg)
    msg = (
        f"the database has schema {revision}, this memmon knows up to {HEAD_REVISION}: "
        "upgrade memmon; the file was left untouched"
    )
    raise StoreTooNewError(msg)
