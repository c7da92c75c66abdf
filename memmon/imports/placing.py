"""Place a recording in a store: in time, in its source, and in the run that it goes on from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from memmon.errors import ImportFileError
from memmon.imports.known_rows import KnownRuns, sort_out
from memmon.imports.recording import EARLIEST_SECONDS, IMPORTED, LATEST_SECONDS
from memmon.units import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memmon.config import Database
    from memmon.imports.known_rows import Known, Sorted
    from memmon.imports.recording import ImportedRecording, RecordedRun

_CLOCKS_APART_SECONDS = 1.0
"""A row so little later than now is of now: times are rounded."""

NOTHING_NEW = "imported before: nothing changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """What an import knows of time."""

    now: datetime
    start: datetime | None = None
    """When a file whose times are relative began; None: its last row is now."""


def past_of(item: ImportedRecording, when: When) -> ImportedRecording:
    """Return a recording without rows later than now, which it then says.

    Raises ImportFileError where nothing remains, or where its times are those of no recording.
    """
    if not item.is_absolute and when.start is None:
        _refuse_absurd_times(item, _origin_seconds(item, when))
        return item
    origin = _origin_seconds(item, when)
    _refuse_absurd_times(item, origin)
    kept, late_count = item.without_later(when.now.timestamp() - origin + _CLOCKS_APART_SECONDS)
    if not kept.runs:
        raise ImportFileError(
            f"{item.path}: every row is later than now ({when.now.isoformat(timespec='seconds')});"
            " expected readings of the past (is the clock of this machine right?); nothing was imported"
        )
    if not late_count:
        return item
    latest = datetime.fromtimestamp(origin + item.last_seconds, UTC).isoformat(timespec="seconds")
    rows = "1 row" if late_count == 1 else f"{late_count} rows"
    return kept.noting(f"{rows} later than now left out (up to {latest})")


def _origin_seconds(item: ImportedRecording, when: When) -> float:
    """Return what is added to the file's times: 0 for dates, else when its second 0 was."""
    if item.is_absolute:
        return 0.0
    return when.start.timestamp() if when.start is not None else when.now.timestamp() - item.last_seconds


def _refuse_absurd_times(item: ImportedRecording, origin_seconds: float) -> None:
    first, last = origin_seconds + item.first_seconds, origin_seconds + item.last_seconds
    if first < EARLIEST_SECONDS or last >= LATEST_SECONDS:
        raise ImportFileError(
            f"{item.path}: its times reach beyond the years 1900 to 2199; expected seconds "
            "(not milliseconds) or dates of our time; nothing was imported"
        )


@dataclass(slots=True, kw_only=True)
class Placing:
    """Makes the rows that a store takes of one recording; what it found is known when they are taken."""

    database: Database
    item: ImportedRecording
    when: When
    sources: dict[str, KnownRuns] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    is_placed_now: bool = False
    """True: something without dates was placed so that it ends now."""

    def rows(self, source: str | None, default: str) -> Iterator[dict[str, Any]]:
        """Yield the rows under `source`, else under what the file names, else under `default`."""
        started: dict[str, float] = {}
        runs = sorted(self.item.runs, key=lambda run: run.extent.first_seconds)
        for run in runs:
            started.setdefault(source or run.source or default, run.extent.first_seconds)
        origin = _origin_seconds(self.item, self.when)
        for name, first in started.items():
            self.sources[name] = KnownRuns(self.database, name)
            yield {"type": "source", "name": name, "created_ms": round((origin + first) * MS_PER_SECOND)}
        for run in runs:
            yield from self._run_rows(run, source or run.source or default, origin)

    def _run_rows(self, run: RecordedRun, source: str, origin: float) -> Iterator[dict[str, Any]]:
        known_runs, is_undated = self.sources[source], not self.item.is_absolute and self.when.start is None
        head = self.item.run_row(run, source=source, origin_seconds=origin)

        def rows() -> Iterator[dict[str, Any]]:
            return self.item.sample_rows(run, source=source, origin_seconds=origin)

        find = known_runs.find_undated if is_undated else known_runs.find
        known = find(run, head, rows)
        if known is None:
            self.is_placed_now = self.is_placed_now or is_undated
            yield head
            yield from rows()
            return
        yield from self._going_on(head, sort_out(rows, known, head), known)

    def _going_on(self, head: dict[str, Any], found: Sorted, known: Known) -> Iterator[dict[str, Any]]:
        """Yield what is new of a run that is stored; say what is not."""
        number = known.run.run_id
        if found.known_count:
            whole = "" if found.new_count or found.left_count else ", from beginning to end"
            self.notes.append(
                f"{found.known_count} of {found.row_count} rows are in run {number} already{whole}"
            )
        if found.left_count:
            self.notes.append(
                f"{found.left_count} rows before or between those of run {number} were left out"
                " (another --source takes the whole file)"
            )
        if not found.new_count:
            return
        if known.run.end_reason == IMPORTED:
            started_ms, ended_ms = known.run.started_ms, found.last_ms
            yield {**head, "uuid": known.run.uuid, "started_ms": started_ms, "ended_ms": ended_ms}
            yield from found.new()
            return
        # Memmon's own run is its recorder's: what follows is a run after it.
        yield {**head, "started_ms": found.first_ms}
        for seq, row in enumerate(found.new(), start=1):
            yield {**row, "run": head["uuid"], "seq": seq, "uptime_ms": row["at_ms"] - found.first_ms}
