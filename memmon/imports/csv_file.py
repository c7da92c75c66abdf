"""Read a CSV of memory readings: a time column, `rss_bytes`, and what else memmon knows."""

from __future__ import annotations

import csv
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from memmon.imports.lines import Lines
from memmon.imports.recording import MEASURES, ImportedRecording, RecordedRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Cell = int | float | None

_RELATIVE = "t_seconds"
_ABSOLUTE = "at"
_MISSING = frozenset({"", "nan", "null", "none", "na", "n/a"})
_LARGEST_BYTES = 2**62
_LATEST_SECONDS = 253_402_300_799.0  # the end of the year 9999
_HUNDRED_PERCENT = 100.0
_EXPECTED_HEADER = (
    "expected a CSV header with `at` (ISO 8601) or `t_seconds...`, and `rss_bytes`"
    " (or a memory_profiler .dat, a psrecord log, JSON Lines)"
)


def read_csv(path: Path) -> ImportedRecording:
    """Read a CSV file, plain or gzip.

    Raises ImportFileError with file, line and what was expected for anything that can't be understood.
    """
    lines = Lines(path)
    reader = csv.reader(iter(lines), strict=True)
    records = _records(reader, lines)
    header = [name.strip() for name in next(records, [])]
    time_column = _time_column(header, lines)
    places = {name: header.index(name) for name in (*MEASURES, "run_id") if name in header}
    runs: dict[str, RecordedRun] = {}
    naive = False
    for record in records:
        if len(record) != len(header):
            raise lines.error(f"{len(record)} cells; expected {len(header)}, as in the header")
        cell = record[header.index(time_column)].strip()
        if time_column == _ABSOLUTE:
            at_seconds, was_naive = _moment(cell, lines)
            naive = naive or was_naive
        else:
            at_seconds = _relative(cell, time_column, lines)
        label = record[places["run_id"]].strip() if "run_id" in places else ""
        run = runs.setdefault(label, RecordedRun(label=label))
        run.add(
            at_seconds,
            **{
                name: _READERS[name](record[at], name, lines)
                for name, at in places.items()
                if name in _READERS
            },
        )
    return ImportedRecording(
        path=path,
        kind="CSV",
        is_absolute=time_column == _ABSOLUTE,
        runs=_checked(runs, lines),
        digest=lines.digest,
        notes=_notes(header, time_column, naive=naive),
    )


def _records(reader: Iterator[list[str]], lines: Lines) -> Iterator[list[str]]:
    """Yield the records that are not blank; csv's own errors get file and line."""
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise lines.error(f"not CSV ({error}); expected comma-separated cells") from None
        if any(cell.strip() for cell in record):
            yield record


def _time_column(header: list[str], lines: Lines) -> str:
    """Return the name of the time column; raise ImportFileError when the header does not do."""
    if not header:
        raise lines.error(f"the file is empty; {_EXPECTED_HEADER}")
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise lines.error(f"column {twice[0]!r} stands twice in the header; expected each name once")
    relative = [name for name in header if name.startswith(_RELATIVE)]
    if _ABSOLUTE in header:
        found = _ABSOLUTE
    elif _RELATIVE in header or len(relative) == 1:
        found = _RELATIVE if _RELATIVE in header else relative[0]
    elif relative:
        raise lines.error(f"several time columns {relative}; expected one, called `t_seconds`")
    else:
        raise lines.error(f"no time column among {_few(header)}; {_EXPECTED_HEADER}")
    if "rss_bytes" not in header:
        raise lines.error(f"no column `rss_bytes` among {_few(header)}; {_EXPECTED_HEADER}")
    return found


def _few(names: list[str]) -> str:
    shown = ", ".join(name[:40] for name in names[:8])
    return shown + (", ..." if len(names) > 8 else "")  # noqa: PLR2004 -- as many as fit a line


def _moment(cell: str, lines: Lines) -> tuple[float, bool]:
    """Return (UTC seconds, whether the text had no offset)."""
    try:
        moment = datetime.fromisoformat(cell)
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return aware.timestamp(), moment.tzinfo is None
    except (ValueError, OverflowError):
        raise lines.error(f"at={cell[:60]!r}; expected ISO 8601 such as 2026-01-31T14:00:00+00:00") from None


def _relative(cell: str, name: str, lines: Lines) -> float:
    seconds = _number(cell)
    if seconds is None or abs(seconds) > _LATEST_SECONDS:
        raise lines.error(f"{name}={cell[:60]!r}; expected seconds, a number")
    return seconds


def _number(cell: str) -> float | None:
    """Return the finite number in a cell, None for anything else."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in cell else None


def _bytes(cell: str, name: str, lines: Lines) -> Cell:
    text = cell.strip()
    if text.lower() in _MISSING:
        return None
    if text.isascii() and text.isdigit() and int(text) <= _LARGEST_BYTES:
        return int(text)
    value = _number(text)
    if value is None or not 0 <= value <= _LARGEST_BYTES:
        raise lines.error(f"{name}={text[:60]!r}; expected a size in bytes, zero or more (empty: unknown)")
    return round(value)


def _percent(cell: str, name: str, lines: Lines) -> Cell:
    text = cell.strip()
    if text.lower() in _MISSING:
        return None
    value = _number(text)
    if value is None or not 0 <= value <= _HUNDRED_PERCENT:
        raise lines.error(f"{name}={text[:60]!r}; expected a percentage from 0 to 100 (empty: unknown)")
    return value


_READERS: dict[str, Callable[[str, str, Lines], Cell]] = {
    "rss_bytes": _bytes,
    "vms_bytes": _bytes,
    "available_bytes": _bytes,
    "system_percent": _percent,
}


def _checked(runs: dict[str, RecordedRun], lines: Lines) -> tuple[RecordedRun, ...]:
    if not runs:
        raise lines.error("no readings below the header; expected at least one line")
    if all(value is None for run in runs.values() for value in run.values["rss_bytes"]):
        raise lines.error("no line has a value for `rss_bytes`; expected sizes in bytes")
    return tuple(runs.values())


def _notes(header: list[str], time_column: str, *, naive: bool) -> tuple[str, ...]:
    ignored = [name for name in header if name not in {time_column, "run_id", *MEASURES}]
    notes = []
    if ignored:
        notes.append(f"columns ignored: {', '.join(ignored)}")
    if naive:
        notes.append("times without an offset were read as UTC")
    return tuple(notes)
