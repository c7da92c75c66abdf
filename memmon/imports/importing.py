"""Import files: all are read and found good before the first is stored."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memmon.assessment.freshness import set_aside, set_aside_sentence
from memmon.errors import ImportFileError
from memmon.imports.csv_file import read_csv
from memmon.imports.json_lines import check_lines, import_lines
from memmon.imports.lines import STANDARD_INPUT, TORN, Lines
from memmon.imports.openmetrics_file import is_openmetrics, read_openmetrics
from memmon.imports.options import NO_OPTIONS
from memmon.imports.parquet_file import is_parquet, read_parquet
from memmon.imports.placing import NOTHING_NEW, Placing, When, past_of
from memmon.imports.profiler_logs import is_memory_profiler, is_psrecord, read_memory_profiler, read_psrecord
from memmon.imports.progress import Progress, tell_nobody
from memmon.store.read import open_store
from memmon.store.transfer.dump import ensure_store, load_piecewise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from memmon.config import Database
    from memmon.imports.options import ReadOptions
    from memmon.imports.progress import Tell
    from memmon.imports.recording import ImportedRecording


_TOLD_ROW_COUNT = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of one file."""

    path: Path
    kind: str
    """`CSV`, `Parquet`, `OpenMetrics`, `memory_profiler`, `psrecord` or `JSON Lines`."""
    sources: tuple[str, ...]
    snapshot_count: int
    """How many snapshots are new; 0 when all were imported before."""
    run_count: int
    """How many runs are new; 0 when the snapshots go on in a run that was there."""
    notes: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        """True when nothing in the file was new."""
        return self.snapshot_count == 0 and self.run_count == 0


@dataclass(frozen=True, slots=True)
class JsonLines:
    """A file of JSON Lines that was read to its end and found good; it is loaded as it is read again."""

    lines: Lines
    is_torn: bool


def import_files(
    database: Database,
    paths: Sequence[Path],
    *,
    now: datetime,
    source: str | None = None,
    start: datetime | None = None,
    options: ReadOptions = NO_OPTIONS,
    file_mode: int = 0o600,
    on_progress: Tell = tell_nobody,
) -> Iterator[Imported]:
    """Import `paths` and yield what became of each.

    `source`: the name to import under (default: the one that the file names, else the file's name
    without any suffix). `start`: when a file whose times are relative began; without it its last row is `now`.
    Rows later than `now` are left out; of JSON Lines, a history as it was recorded, they are kept and said. A missing store is created. What is stored already is not
    stored again, and what was recorded since goes on in the run that is there.
    `on_progress` is told what is going on, now and then.

    Raises ImportFileError (before anything is stored) for a file that can't be understood, StoreError
    when the store can't be written.
    """
    when = When(now=now, start=start)
    found = []
    for path in paths:
        item = read_file(path, options, on_progress)
        if not isinstance(item, JsonLines):
            _check_source(item, source)
            item = past_of(item, when)
        found.append(item)
    ensure_store(database, file_mode=file_mode)
    for item in found:
        if isinstance(item, JsonLines):
            yield _import_json_lines(database, item, source, now=now)
        else:
            yield _import_recording(Placing(database=database, item=item, when=when), source, on_progress)


def read_file(
    path: Path, options: ReadOptions = NO_OPTIONS, on_progress: Tell = tell_nobody
) -> ImportedRecording | JsonLines:
    """Read a file of any known kind, told by its content; raise ImportFileError where it can't be read."""
    try:
        return _read(path, options, on_progress)
    except sqlite3.Error as error:
        raise ImportFileError(
            f"{path}: no room for its samples in the folder of temporary files ({error});"
            " choose another with TMPDIR; nothing was imported"
        ) from None


def _read(path: Path, options: ReadOptions, on_progress: Tell) -> ImportedRecording | JsonLines:
    if is_parquet(path):
        return read_parquet(path, options, on_progress)
    lines = Lines(path, on_progress)
    first_line = lines.first()
    if first_line.lstrip().startswith("{") and not is_openmetrics(first_line):
        return JsonLines(lines, check_lines(lines))
    if is_memory_profiler(first_line):
        return _told_unit(read_memory_profiler(lines), options)
    if is_psrecord(first_line):
        return _told_unit(read_psrecord(lines), options)
    if is_openmetrics(first_line):
        return read_openmetrics(lines, options)
    return read_csv(lines, options)


def _told_unit(item: ImportedRecording, options: ReadOptions) -> ImportedRecording:
    return item if options.unit is None else item.noting("--unit was not needed: the file has its own (MB)")


def default_source(path: Path) -> str:
    """Return the file's name without any suffix.

    >>> from pathlib import Path
    >>> default_source(Path("traces/pandas_readcsv_leak.csv.gz"))
    'pandas_readcsv_leak'
    """
    name = path.name.lstrip(".").split(".", 1)[0].strip()
    if not name or name == STANDARD_INPUT:
        raise ImportFileError(f"{path}: the file's name gives no source; say one with --source")
    return name


def _check_source(item: ImportedRecording, source: str | None) -> None:
    """Raise ImportFileError where a file would have no source, or several under one name."""
    if source is not None and len(item.sources) > 1:
        raise ImportFileError(
            f"{item.path}: has {len(item.sources)} sources ({', '.join(item.sources[:5])});"
            " a new name can be given to one source only: leave out --source; nothing was imported"
        )
    if source is None and any(run.source is None for run in item.runs):
        default_source(item.path)


def _import_recording(placing: Placing, source: str | None, on_progress: Tell) -> Imported:
    item, when = placing.item, placing.when
    default = "" if source or all(run.source for run in item.runs) else default_source(item.path)
    rows = placing.rows(source, default)
    loaded = load_piecewise(placing.database, _told(rows, item, on_progress))
    snapshot_count, run_count = loaded.new_count.get("snapshot", 0), loaded.new_count.get("run", 0)
    notes = [*item.notes, *placing.notes]
    if not (snapshot_count or run_count):
        notes.append(NOTHING_NEW)
    elif item.is_absolute and when.start is not None:
        notes.append("--start was not needed: the file has its own times")
    elif placing.is_placed_now:
        notes.append("the file has no dates: its last row was placed at the present (--start says otherwise)")
    return Imported(
        path=item.path,
        kind=item.kind,
        sources=loaded.sources,
        snapshot_count=snapshot_count,
        run_count=run_count,
        notes=tuple(notes),
    )


def _told(
    rows: Iterable[dict[str, Any]], item: ImportedRecording, on_progress: Tell
) -> Iterator[dict[str, Any]]:
    name, total = item.path.name, item.sample_count
    for done, row in enumerate(rows):
        if done % _TOLD_ROW_COUNT == 0:
            on_progress(Progress(step="storing", name=name, done=done, total=total, unit="snapshots"))
        yield row


def _import_json_lines(database: Database, item: JsonLines, source: str | None, *, now: datetime) -> Imported:
    loaded = import_lines(database, item.lines, source=source)
    snapshot_count, run_count = loaded.new_count.get("snapshot", 0), loaded.new_count.get("run", 0)
    others = sum(loaded.new_count.values()) - snapshot_count - run_count
    notes = [TORN] if item.is_torn else []
    notes += _later(database, loaded.sources, now=now) if snapshot_count else []
    if not (snapshot_count or run_count or others):
        notes.append(NOTHING_NEW)
    return Imported(
        path=item.lines.path,
        kind="JSON Lines",
        sources=loaded.sources,
        snapshot_count=snapshot_count,
        run_count=run_count,
        notes=tuple(notes),
    )


def _later(database: Database, sources: Sequence[str], *, now: datetime) -> Iterator[str]:
    """Yield what is said of a source's samples that lie in the future."""
    with open_store(database.url) as store:
        for name in sources:
            aside = set_aside_sentence(*set_aside(store.as_of(now).runs(name)))
            if aside:
                yield f"of {name} {aside}"
