"""Import files: all are read and found good before the first is stored, each in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memmon.errors import ImportFileError
from memmon.imports.csv_file import read_csv
from memmon.imports.json_lines import check_lines, import_lines
from memmon.imports.lines import Lines
from memmon.imports.profiler_logs import is_memory_profiler, is_psrecord, read_memory_profiler, read_psrecord
from memmon.imports.recording import EARLIEST_SECONDS, LATEST_SECONDS
from memmon.store.transfer.dump import ensure_store, has_run, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from memmon.config import Database
    from memmon.imports.recording import ImportedRecording


_TOLD_ROW_COUNT = 10_000


def _nothing(_message: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of one file."""

    path: Path
    kind: str
    """`CSV`, `memory_profiler`, `psrecord` or `JSON Lines`."""
    sources: tuple[str, ...]
    snapshot_count: int
    """How many snapshots are new; 0 when the file was imported before."""
    run_count: int
    notes: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        """True when nothing in the file was new."""
        return self.snapshot_count == 0 and self.run_count == 0


def import_files(
    database: Database,
    paths: Sequence[Path],
    *,
    now: datetime,
    source: str | None = None,
    start: datetime | None = None,
    file_mode: int = 0o600,
    on_progress: Callable[[str], None] = _nothing,
) -> Iterator[Imported]:
    """Import `paths` and yield what became of each.

    `source`: the name to import under (default: the file's name without any suffix). `start`: when a
    file whose times are relative began; without it its last row is `now`. A missing store is created.
    `on_progress` is told what is going on, now and then.

    Raises ImportFileError (before anything is stored) for a file that can't be understood, StoreError
    when the store can't be written.
    """
    found = []
    for path in paths:
        on_progress(f"reading {path}")
        found.append(read_file(path))
    for item in found:
        if item is not None:
            _refuse_absurd_times(item, _origin_seconds(item, now=now, start=start))
    ensure_store(database, file_mode=file_mode)
    for item, path in zip(found, paths, strict=True):
        if item is None:
            yield _import_json_lines(database, path, source)
        else:
            name = source or default_source(path)
            yield _import_recording(database, item, name, now=now, start=start, on_progress=on_progress)


def read_file(path: Path) -> ImportedRecording | None:
    """Read a file of any known kind, told by its content; None: JSON Lines, which load as they are read."""
    first_line = Lines(path).first()
    if first_line.lstrip().startswith("{"):
        check_lines(path)
        return None
    if is_memory_profiler(first_line):
        return read_memory_profiler(path)
    if is_psrecord(first_line):
        return read_psrecord(path)
    return read_csv(path)


def default_source(path: Path) -> str:
    """Return the file's name without any suffix.

    >>> from pathlib import Path
    >>> default_source(Path("traces/pandas_readcsv_leak.csv.gz"))
    'pandas_readcsv_leak'
    """
    name = path.name.lstrip(".").split(".", 1)[0].strip()
    if not name:
        raise ImportFileError(f"{path}: the file's name gives no source; say one with --source")
    return name


def _import_recording(
    database: Database,
    item: ImportedRecording,
    source: str,
    *,
    now: datetime,
    start: datetime | None,
    on_progress: Callable[[str], None],
) -> Imported:
    notes = list(item.notes)
    if all(has_run(database, item.run_uuid(run, source)) for run in item.runs):
        notes.append("imported before: nothing changed")
        return _imported(item, source, 0, 0, notes)
    if item.is_absolute and start is not None:
        notes.append("--start was not needed: the file has its own times")
    elif not item.is_absolute and start is None:
        notes.append("the file has no dates: its last row was placed at the present (--start says otherwise)")
    origin_seconds = _origin_seconds(item, now=now, start=start)
    rows = item.rows(source=source, origin_seconds=origin_seconds)
    loaded = load(database, _told(rows, item, on_progress), with_readings=False)
    return _imported(item, source, loaded.new_count.get("snapshot", 0), loaded.new_count.get("run", 0), notes)


def _origin_seconds(item: ImportedRecording, *, now: datetime, start: datetime | None) -> float:
    """Return what is added to the file's times: 0 for dates, else when its second 0 was."""
    if item.is_absolute:
        return 0.0
    return start.timestamp() if start is not None else now.timestamp() - item.last_seconds


def _refuse_absurd_times(item: ImportedRecording, origin_seconds: float) -> None:
    first, last = origin_seconds + item.first_seconds, origin_seconds + item.last_seconds
    if first < EARLIEST_SECONDS or last >= LATEST_SECONDS:
        raise ImportFileError(
            f"{item.path}: its times reach beyond the years 1900 to 2199; expected seconds "
            "(not milliseconds) or dates of our time; nothing was imported"
        )


def _told(
    rows: Iterable[dict[str, Any]], item: ImportedRecording, on_progress: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(rows):
        if number % _TOLD_ROW_COUNT == 0:
            on_progress(f"storing {item.path.name}: {number:,} of {item.sample_count:,} snapshots")
        yield row


def _imported(
    item: ImportedRecording, source: str, snapshot_count: int, run_count: int, notes: Sequence[str]
) -> Imported:
    return Imported(
        path=item.path,
        kind=item.kind,
        sources=(source,),
        snapshot_count=snapshot_count,
        run_count=run_count,
        notes=tuple(notes),
    )


def _import_json_lines(database: Database, path: Path, source: str | None) -> Imported:
    loaded = import_lines(database, path, source=source)
    snapshot_count, run_count = loaded.new_count.get("snapshot", 0), loaded.new_count.get("run", 0)
    others = sum(loaded.new_count.values()) - snapshot_count - run_count
    nothing = not (snapshot_count or run_count or others)
    return Imported(
        path=path,
        kind="JSON Lines",
        sources=loaded.sources,
        snapshot_count=snapshot_count,
        run_count=run_count,
        notes=("imported before: nothing changed",) if nothing else (),
    )
