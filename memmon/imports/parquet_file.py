"""Read a Parquet file of snapshots, as `memmon export` writes it."""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from memmon.errors import ImportFileError, MissingExtraError
from memmon.imports.columns import HeaderError, plan_columns
from memmon.imports.progress import Progress, tell_nobody
from memmon.imports.recording import ImportedRecording
from memmon.imports.table import ImportTable

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from memmon.imports.options import ReadOptions
    from memmon.imports.progress import Tell

_MAGIC = b"PAR1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BLOCK_ROW_COUNT = 2_048
_FRUGAL: dict[str, str | bool | int | float | list[str]] = {"threads": 1}


class _ParquetRows:
    """Where in the file the reader is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = 0

    def error(self, message: str) -> ImportFileError:
        return ImportFileError(f"{self.path}, row {self.number}: {message}; nothing was imported")


def is_parquet(path: Path) -> bool:
    """Tell Parquet files by their first bytes."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as stream:
            return stream.read(len(_MAGIC)) == _MAGIC
    except PermissionError:
        raise ImportFileError(f"{path}: may not be read by this user") from None


def read_parquet(path: Path, options: ReadOptions, tell: Tell = tell_nobody) -> ImportedRecording:
    """Read a Parquet file with the columns of a CSV; raise MissingExtraError without DuckDB."""
    try:
        import duckdb
    except ImportError:
        raise MissingExtraError(f"{path}: Parquet needs DuckDB: pip install 'memmon[duckdb]'") from None
    rows = _ParquetRows(path)
    try:
        with duckdb.connect(config=_FRUGAL) as connection:
            table = _table(connection, rows, options, tell)
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise ImportFileError(f"{path}: not readable as Parquet ({reason}); nothing was imported") from None
    runs, notes = table.runs()
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return ImportedRecording(
        path=path,
        kind="Parquet",
        is_absolute=table.plan.is_absolute,
        runs=runs,
        digest=digest,
        notes=notes,
    )


def _table(
    connection: duckdb.DuckDBPyConnection, rows: _ParquetRows, options: ReadOptions, tell: Tell
) -> ImportTable:
    path = str(rows.path)
    found = connection.read_parquet(path)
    try:
        plan = plan_columns(found.columns, options)
    except HeaderError as error:
        raise rows.error(str(error)) from None
    table = ImportTable(plan, rows)
    counted = connection.execute("SELECT count(*) FROM read_parquet(?)", [path]).fetchone()
    # Of a statement, unlike of a relation, the rows come piece by piece, in each version.
    content = connection.execute(f"SELECT {_cells(found)} FROM read_parquet(?)", [path])  # noqa: S608 -- names, quoted
    while block := content.fetchmany(_BLOCK_ROW_COUNT):
        for row in block:
            rows.number += 1
            table.take([_text(value) for value in row])
        tell(
            Progress(
                step="reading",
                name=rows.path.name,
                done=rows.number,
                total=counted[0] if counted else None,
                unit="rows",
            )
        )
    return table


def _cells(found: duckdb.DuckDBPyRelation) -> str:
    """Return what to select: each column, times as microseconds, for which DuckDB needs no time zones."""
    cells = []
    for name, kind in zip(found.columns, found.types, strict=True):
        quoted = '"' + name.replace('"', '""') + '"'
        is_time = str(kind).startswith("TIMESTAMP")
        cells.append(f"{{'us': epoch_us({quoted})}}" if is_time else quoted)
    return ", ".join(cells)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = None if value["us"] is None else _EPOCH + timedelta(microseconds=value["us"])
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)
