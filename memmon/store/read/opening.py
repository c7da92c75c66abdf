"""Opening a database to read it, after looking that it is there, ours, and of this version's schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from memmon.errors import StoreTooNewError, StoreTooOldError
from memmon.store.read.sqlite_session import SqliteGate
from memmon.store.schema.identity import HEAD_REVISION

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.config import Database
    from memmon.store.read.ports import Gate, Session

T = TypeVar("T")


def open_gate(database: Database) -> Gate:
    """Return the gate to a database after looking that it is there, ours, and of this schema."""
    gate = _gate_to(database)
    gate.read(require_head)
    return gate


def read_once(database: Database, work: Callable[[Session], T]) -> T:
    """Return what `work` makes of a database that is looked at on the same connection: on a server, half the way."""

    def looked(session: Session) -> T:
        require_head(session)
        return work(session)

    return _gate_to(database).read(looked)


def _gate_to(database: Database) -> Gate:
    if database.path is not None:
        return SqliteGate(database.path)
    from memmon.store.read.server import ServerGate

    return ServerGate(database)


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
