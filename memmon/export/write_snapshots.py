"""Snapshots as CSV, Parquet and OpenMetrics.

All three take the DataFrame of `Store.snapshots`: a row a sample, raw and rollups joined.
"""

from __future__ import annotations

import csv
import io
import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memmon.errors import MissingExtraError
from memmon.export.cells import safe_cell
from memmon.facts.readings import backfills

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd


def with_source(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Return the frame with `at` and the source's name as its first columns."""
    flat = frame.reset_index()
    flat.insert(1, "source", source)
    return flat


def csv_lines(frames: Sequence[tuple[str, pd.DataFrame]]) -> Iterator[str]:
    """Yield the lines of a CSV file: a heading, then a row per snapshot of each (source, frame).

    Times are ISO 8601 in UTC, unknown values empty; what a spreadsheet would take for a formula
    has an apostrophe before it. `memmon import` reads the file back.
    """
    columns: list[str] | None = None
    for source, frame in frames:
        flat = with_source(frame, source)
        if columns is None:
            columns = [str(name) for name in flat.columns]
            yield _line(columns)
        flat = flat.reindex(columns=columns)
        whole = [_is_whole(str(name)) for name in columns]
        for row in flat.itertuples(index=False, name=None):
            yield _line([_cell(value, whole=is_whole) for value, is_whole in zip(row, whole, strict=True)])


def write_parquet(frames: Sequence[tuple[str, pd.DataFrame]]) -> bytes:
    """Return a Parquet file of the snapshots; raises MissingExtraError without DuckDB."""
    try:
        import duckdb
    except ImportError:
        raise MissingExtraError(
            "Parquet needs DuckDB: pip install 'memmon[duckdb]' (CSV and JSON Lines need nothing)"
        ) from None
    import pandas as pd

    everything = pd.concat([with_source(frame, source) for source, frame in frames], ignore_index=True)
    with tempfile.TemporaryDirectory(prefix="memmon-") as folder:
        target = Path(folder) / "snapshots.parquet"
        duckdb.from_df(everything).write_parquet(str(target), compression="zstd")
        return target.read_bytes()


def openmetrics_lines(frames: Sequence[tuple[str, pd.DataFrame]]) -> Iterator[str]:
    """Yield the lines of an OpenMetrics text with a timestamp per sample, for a backfill.

    A series is a source and a run: runs that overlap are never mixed. Ends in `# EOF`.
    """
    for reading, metric in backfills():
        column = reading.column
        parts = [(source, frame) for source, frame in frames if column in frame.columns]
        if not any(bool(frame[column].notna().any()) for _, frame in parts):
            continue
        yield f"# TYPE {metric.name} gauge\n"
        if metric.unit:
            yield f"# UNIT {metric.name} {metric.unit}\n"
        yield f"# HELP {metric.name} {metric.help}\n"
        for source, frame in parts:
            known = frame[frame[column].notna()]
            for run_id, run in known.groupby("run_id", sort=True):
                labels = f'source="{_label(source)}",run="{run_id}"'
                ordered = run[~run.index.duplicated(keep="last")].sort_index()
                seconds = ordered.index.astype("datetime64[ms, UTC]").astype("int64") / 1000
                for value, at_seconds in zip(ordered[column], seconds, strict=True):
                    yield f"{metric.name}{{{labels}}} {_number(value)} {at_seconds:.3f}\n"
    yield "# EOF\n"


def _is_whole(name: str) -> bool:
    return name.endswith(("_bytes", "_count")) or name == "run_id"


def _cell(value: Any, *, whole: bool) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if hasattr(value, "isoformat"):
        return value.isoformat(timespec="milliseconds")
    if whole and isinstance(value, float):
        return round(value)
    return safe_cell(value)


def _line(cells: Sequence[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
