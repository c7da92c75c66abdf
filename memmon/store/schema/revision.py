"""Which schema a database has, told by one SELECT: light enough for the recorder's start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.errors import StoreDamagedError, StoreTooNewError, StoreTooOldError
from memmon.store.schema.identity import HEAD_REVISION

if TYPE_CHECKING:
    from memmon.store.connect.link import Link

_NO_SUCH_TABLE = "42P01"
_REVISION = "SELECT version_num FROM alembic_version"


def read_revision(link: Link) -> str | None:
    """Return the revision of the database behind `link`; None for an empty one."""
    tables = link.table_names()
    if "alembic_version" not in tables:
        if "snapshot" in tables:
            msg = "the database has memmon's tables but no revision: `memmon db salvage` brings its rows into a new file"
            raise StoreDamagedError(msg)
        return None
    found = _stamp(link)
    if found is None and "snapshot" in tables:
        msg = "the database has memmon's tables but its revision is lost: `memmon db salvage` brings its rows into a new file"
        raise StoreDamagedError(msg)
    return found


def _stamp(link: Link) -> str | None:
    rows = link.rows(_REVISION)
    return str(rows[0]["version_num"]) if rows else None


def require_head(link: Link) -> None:
    """Raise StoreTooOldError or StoreTooNewError unless the database has this version's schema."""
    try:
        found = _stamp(link)
    except Exception as error:
        if link.is_sqlite:
            found = read_revision(link)
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
