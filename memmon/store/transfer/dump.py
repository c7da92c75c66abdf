"""Whole histories as plain rows, out of a store and into one: what JSON Lines and imports travel as.

A row is `{"type": <table>, <column>: <value>, ...}` without NULLs. Ids of one database mean
nothing in another, so that rows name what they belong to: `source` (its name), `run` (its uuid) and
`series` (source, kind, name, metric). Loading is one transaction and idempotent: what is already
there stays as it is.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from memmon.errors import StorePermissionError
from memmon.store.connect.engine import read_engine, write_engine
from memmon.store.connect.error_translation import translated
from memmon.store.connect.sqlalchemy_link import ConnectionLink
from memmon.store.connect.wal import truncate_wal
from memmon.store.schema import tables as schema
from memmon.store.schema.revision import read_revision, require_head
from memmon.store.transfer.import_rows import (
    BATCH_ROW_COUNT,
    LEFT_OUT,
    REFERENCES,
    Loaded,
    Loader,
    RowError,
    travels,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection

    from memmon.config import Database
    from memmon.store.upkeep.migrate import Migration

__all__ = [
    "Loaded",
    "RowError",
    "dump",
    "ensure_store",
    "has_run",
    "load",
    "load_piecewise",
    "upgrade_store",
]
PIECE_ROW_COUNT = 20_000
_DAY_MS = 86_400_000


def dump(database: Database, *, sources: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield every row of the store, or of `sources` alone, in an order in which `load` takes them."""
    with translated(database), read_engine(database).begin() as connection:
        require_head(ConnectionLink(connection))
        names = _names(connection, sources)
        # Readings after the snapshots: whoever loads them knows by then which are folded there.
        tables = sorted(schema.metadata.sorted_tables, key=lambda table: table.name == "reading")
        for table in tables:
            if travels(table):
                yield from _dump_table(connection, table, names)


def load(
    database: Database,
    rows: Iterable[Mapping[str, Any]],
    *,
    source: str | None = None,
    with_readings: bool = True,
) -> Loaded:
    """Load `rows` in one transaction; on any error nothing of them is stored.

    `source` gives the history another name here (and its runs other identities); the rows may
    then be of one source only. `with_readings` False: there are no rows of type `reading` (quicker). Raises RowError while it takes the row that is wrong, and StoreError.
    """
    with translated(database), write_engine(database).begin() as connection:
        require_head(ConnectionLink(connection))
        loader = Loader(connection, source, with_readings)
        for row in rows:
            loader.take(row)
        loader.flush()
        loader.prove()
    truncate_wal(database)
    return loader.loaded()


def load_piecewise(database: Database, rows: Iterable[Mapping[str, Any]]) -> Loaded:
    """Load runs and their snapshots in the order of time, in a transaction for each 20,000 of them or more.

    Whoever records beside it waits for one piece alone, and what was stored when it was stopped stays: it is a
    beginning that goes on when the same rows come again. A piece ends with a day (UTC), so that retention finds whole
    days, and samples of one time are never parted. Raises StoreError.
    """
    loader: Loader | None = None
    engine = write_engine(database)
    for piece in _pieces(rows):
        with translated(database), engine.begin() as connection:
            require_head(ConnectionLink(connection))
            loader = loader or Loader(connection, None, with_readings=False)
            loader.connection = connection
            for row in piece:
                loader.take(row)
            loader.flush()
    truncate_wal(database)
    return loader.loaded() if loader is not None else Loaded(new_count={}, known_count={}, sources=())


def _pieces(rows: Iterable[Mapping[str, Any]]) -> Iterator[Iterator[Mapping[str, Any]]]:
    """Yield the rows in pieces, each to be taken before the next."""
    feed = iter(rows)
    waiting = list(islice(feed, 1))

    def piece() -> Iterator[Mapping[str, Any]]:
        day = None
        for count, row in enumerate(chain([waiting.pop()], feed)):
            former, day = day, row.get("at_ms", 0) // _DAY_MS
            if count >= PIECE_ROW_COUNT and day != former:
                waiting.append(row)
                return
            yield row

    while waiting:
        yield piece()


def has_run(database: Database, uuid: str) -> bool:
    """Tell whether a run of this identity is stored already."""
    with translated(database), read_engine(database).begin() as connection:
        found = connection.execute(select(schema.run.c.id).where(schema.run.c.uuid == uuid)).first()
    return found is not None


def ensure_store(database: Database, *, file_mode: int = 0o600) -> bool:
    """Create the store when there is none yet; return whether it was created.

    An older store is left for `memmon db upgrade` (StoreTooOldError). Raises StorePermissionError
    where no file can be created.
    """
    with _creatable(database):
        if database.path is None or (database.path.exists() and database.path.stat().st_size > 0):
            with translated(database), read_engine(database).begin() as connection:
                if read_revision(ConnectionLink(connection)) is not None:
                    require_head(ConnectionLink(connection))
                    return False
        upgrade_store(database, file_mode=file_mode)
    return True


def upgrade_store(database: Database, *, file_mode: int = 0o600) -> Migration:
    """Bring the store to this version's schema, creating it when there is none; errors are StoreErrors."""
    from memmon.store.upkeep.migrate import upgrade

    with _creatable(database), translated(database):
        return upgrade(database, file_mode=file_mode)


@contextmanager
def _creatable(database: Database) -> Iterator[None]:
    """Raise StorePermissionError where the file can't be made."""
    path = database.path
    elsewhere = "choose another place with --db or MEMMON_DATABASE_URL"
    if path is not None and path.is_dir():
        raise StorePermissionError(f"{path} is a folder: name the database file in it")
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StorePermissionError(f"{database.shown} can't be created ({reason}): {elsewhere}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    source: Mapping[int, str]
    run: Mapping[int, str]
    series: Mapping[int, tuple[str, str, str, str]]


def _names(connection: Connection, sources: Sequence[str] | None) -> _Names:
    table = schema.source
    found = {row.id: row.name for row in connection.execute(select(table.c.id, table.c.name))}
    if sources is not None:
        found = {key: name for key, name in found.items() if name in set(sources)}
    run, series = schema.run.c, schema.series.c
    return _Names(
        source=found,
        run={
            row.id: row.uuid
            for row in connection.execute(select(run.id, run.uuid, run.source_id))
            if row.source_id in found
        },
        series={
            row.id: (found[row.source_id], row.kind, row.name, row.metric)
            for row in connection.execute(
                select(series.id, series.source_id, series.kind, series.name, series.metric)
            )
            if row.source_id in found
        },
    )


def _dump_table(connection: Connection, table: Table, names: _Names) -> Iterator[dict[str, Any]]:
    known: dict[str, Mapping[int, Any]] = {
        "source_id": names.source,
        "run_id": names.run,
        "series_id": names.series,
    }
    statement = select(table).order_by(*table.primary_key.columns)
    if table is schema.alert_watch:
        # What the evaluator told whom is no part of the history.
        statement = statement.where(table.c.holder == "recorder")
    columns = [column.name for column in table.columns if column.name not in LEFT_OUT]
    for found in connection.execution_options(yield_per=BATCH_ROW_COUNT).execute(statement).mappings():
        if table.name == "source" and found["id"] not in names.source:
            continue
        row: dict[str, Any] = {"type": table.name}
        for column in columns:
            value = found[column]
            if value is None:
                continue
            if column in known:
                if value not in known[column]:
                    break
                row[REFERENCES[column]] = known[column][value]
            else:
                row[column] = value
        else:
            yield row
