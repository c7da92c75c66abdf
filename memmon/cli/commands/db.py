"""`memmon db`: keep the database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memmon.cli.opening import Place, locate, locate_existing
from memmon.cli.options import Common, common
from memmon.cli.output import check_output, say_database, write_json, write_text
from memmon.cli.text import local_time, size, table
from memmon.errors import StoreTooNewError, StoreTooOldError

if TYPE_CHECKING:
    from memmon.store.read import SourceInfo


@click.group("db")
def command() -> None:
    """Keep the database: its schema, its size, its health."""


@command.command()
@common
def upgrade(common: Common) -> None:
    """Bring the database to this version's schema; creates it when there is none.

    A copy of a database that holds rows is laid beside it first.
    """
    from memmon.store.migrate import upgrade as migrate

    check_output(common)
    place = locate(common)
    say_database(place.database)
    done = migrate(place.database, file_mode=int(place.settings.file_mode, 8))
    if common.as_json:
        write_json(
            common,
            command="db upgrade",
            database=place.database,
            before=done.before,
            after=done.after,
            copy_path=None if done.copy_path is None else str(done.copy_path),
        )
        return
    if done.before == done.after:
        said = f"schema {done.after} already"
    elif done.before is None:
        said = f"created with schema {done.after}"
    else:
        said = f"schema {done.before} -> {done.after}; the old file is kept as {done.copy_path}"
    write_text(common, said)


@command.command()
@common
def status(common: Common) -> None:
    """Show the schema, the size and what is stored."""
    check_output(common)
    place = locate_existing(common)
    say_database(place.database)
    values = _status(place)
    if common.as_json:
        write_json(common, command="db status", database=place.database, **values)
        return
    lines = [f"schema: {values['revision']} ({values['schema_state']})"]
    if values["size_bytes"] is not None:
        lines.append(f"size: {size(values['size_bytes'])} (write-ahead log: {size(values['wal_bytes'])})")
        lines.append(f"file mode: {values['file_mode']}")
    if values["sources"]:
        rows = [(one.name, one.run_count, local_time(one.last_at)) for one in values["sources"]]
        lines.append(table(["source", "runs", "last sample"], rows))
    write_text(common, "\n".join(lines))


def _status(place: Place) -> dict[str, Any]:
    """Return what is known of a database without changing it, whatever its schema."""
    from memmon.store.identity import HEAD_REVISION
    from memmon.store.read import open_store

    sources: tuple[SourceInfo, ...] = ()
    state = "current"
    try:
        with open_store(place.database.url) as store:
            sources = store.sources()
    except StoreTooOldError:
        state = "older than this memmon: `memmon db upgrade`"
    except StoreTooNewError:
        state = "newer than this memmon: upgrade memmon"
    return {
        "revision": HEAD_REVISION if state == "current" else _revision(place),
        "schema_state": state,
        **_file_values(place.database.path),
        "sources": sources,
    }


def _revision(place: Place) -> str | None:
    from memmon.store.engine import read_engine
    from memmon.store.revision import read_revision

    with read_engine(place.database).begin() as connection:
        return read_revision(connection)


def _file_values(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {"size_bytes": None, "wal_bytes": None, "file_mode": None}
    wal = Path(f"{path}-wal")
    found = path.stat()
    return {
        "size_bytes": found.st_size,
        "wal_bytes": wal.stat().st_size if wal.exists() else 0,
        "file_mode": f"{found.st_mode & 0o777:04o}",
    }
