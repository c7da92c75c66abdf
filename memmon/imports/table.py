"""Rows of cells become the samples of runs: what CSV and Parquet have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from memmon.export.cells import plain_cell
from memmon.facts.process_size import UNITS, likely_unit_of, may_be_kb
from memmon.imports.cells import (
    LATEST_SECONDS,
    MISSING,
    count,
    epoch_seconds,
    iso_seconds,
    number,
    percent,
    size_bytes,
)
from memmon.imports.columns import PROCESS_NUMBERS, RESOLUTION, RUN, SOURCE, UPTIME
from memmon.imports.recording import RecordedRun
from memmon.imports.side_by_side import told_apart
from memmon.imports.sizes import SizesSeen
from memmon.imports.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.errors import ImportFileError
    from memmon.imports.columns import ColumnMeasure, Plan

    Cell = int | float | None

_EXPECTED = {
    "percent": "a percentage from 0 to 100 (empty: unknown)",
    "count": "a whole number, zero or more (empty: unknown)",
}


class RowPlace(Protocol):
    """Where in a file the reader is."""

    number: int
    """The line or row that is read."""

    def error(self, message: str) -> ImportFileError:
        """Return the error for this place."""
        ...


class ImportTable:
    """Takes the rows of a table one by one, as its plan says."""

    def __init__(self, plan: Plan, place: RowPlace) -> None:
        self.plan = plan
        self._place = place
        self._header_number = place.number
        self._runs: dict[tuple[str, str], RecordedRun] = {}
        self._understood: dict[str, None] = {}
        self._rolled_count = 0
        self._names = [one.name for one in plan.measures]
        self._spool = Spool(self._names, tuple(plan.telling))
        self._sizes = SizesSeen(self._spool)
        self._rss_place = self._names.index("rss_bytes")

    def take(self, cells: Sequence[str]) -> None:
        """Take a row; raise ImportFileError for one that can't be understood."""
        plan = self.plan
        if len(cells) != plan.width:
            raise self._place.error(f"{len(cells)} cells; expected {plan.width}, as in the header")
        at_seconds = self._time(cells[plan.time_place].strip())
        values = [self._value(cells[one.place].strip(), one) for one in plan.measures]
        uptime = number(cells[plan.places[UPTIME]]) if UPTIME in plan.places else None
        if RESOLUTION in plan.places:
            self._rolled_count += (number(cells[plan.places[RESOLUTION]]) or 0.0) > 0
        self._sizes.see(values[self._rss_place])
        told = tuple(cells[at].strip() for at in plan.telling.values())
        self._run(cells).add(at_seconds, *values, uptime=uptime, cells=told)

    def _run(self, cells: Sequence[str]) -> RecordedRun:
        places = self.plan.places
        source = plain_cell(cells[places[SOURCE]].strip()) if SOURCE in places else ""
        label = cells[places[RUN]].strip() if RUN in places else ""
        pid = None
        if "split" in places:
            part = cells[places["split"]].strip()
            label = f"{label} {part}".strip()
            pid = int(part) if part.isascii() and part.isdigit() and len(part) < 11 else None  # noqa: PLR2004 -- a process number has 10 digits at most
        key = (source, label)
        if key not in self._runs:
            number = len(self._runs)
            self._runs[key] = RecordedRun(
                spool=self._spool,
                number=number,
                label=label,
                source=source or None,
                pid=pid,
                each_once=True,
            )
        return self._runs[key]

    def _time(self, cell: str) -> float:
        name = self.plan.time_name
        if not self.plan.is_absolute:
            seconds = number(cell)
            if seconds is None or abs(seconds) > LATEST_SECONDS:
                raise self._place.error(f"{name}={cell[:60]!r}; expected seconds, a number")
            return seconds
        epoch = epoch_seconds(cell)
        if epoch is not None:
            unit = "milliseconds" if epoch[1] else "seconds"
            self._understood[f"`{name}` was read as {unit} since 1970 (UTC)"] = None
            return epoch[0]
        moment = iso_seconds(cell)
        if moment is None:
            raise self._place.error(
                f"{name}={cell[:60]!r}; expected ISO 8601 such as 2026-01-31T14:00:00+00:00, or seconds since 1970"
            )
        if moment[1]:
            self._understood["times without an offset were read as UTC"] = None
        return moment[0]

    def _value(self, cell: str, one: ColumnMeasure) -> Cell:
        if cell.lower() in MISSING:
            return None
        try:
            if one.kind == "bytes":
                return size_bytes(cell, one.factor)
            return percent(cell) if one.kind == "percent" else count(cell)
        except ValueError:
            unit = next(name for name, factor in UNITS.items() if factor == one.factor)
            expected = _EXPECTED.get(
                one.kind, f"a size in {'bytes' if unit == 'B' else unit}, zero or more (empty: unknown)"
            )
            raise self._place.error(f"{one.shown}={cell[:60]!r}; expected {expected}") from None

    def runs(self) -> tuple[tuple[RecordedRun, ...], tuple[str, ...]]:
        """Return the runs and what the operator should know; raise ImportFileError where they can't be told."""
        if not self._runs:
            raise self._place.error("no readings below the header; expected at least one line")
        if self._sizes.has_none:
            raise self._place.error("no line has a value for `rss_bytes`; expected sizes in bytes")
        self._place.number = self._header_number  # what follows is wrong with columns as a whole
        notes = [*self.plan.notes, *self._understood]
        notes += self._doubts()
        if self._rolled_count:
            notes.append(
                f"{self._rolled_count} rows stand for hours or days: their means were taken as readings"
            )
        runs: list[RecordedRun] = []
        for run in self._runs.values():
            try:
                parts = told_apart(run, PROCESS_NUMBERS, len(self._runs) + len(runs))
            except ValueError as error:
                raise self._place.error(str(error)) from None
            if len(parts) > 1:
                notes.append(f"{len(parts)} processes that follow one another became runs of their own")
            runs += parts
        repeated = sum(run.row_count - run.extent.sample_count for run in runs)
        if repeated:
            notes.append(f"{repeated} rows stand in the file twice: each was taken once")
        return tuple(runs), tuple(notes)

    def _doubts(self) -> list[str]:
        rss = self.plan.rss
        if not rss.is_assumed:
            return []
        sizes = self._sizes.found()
        unit = likely_unit_of(sizes)
        if unit is not None:
            ask = (
                f"is it in {unit}? Then say --unit {unit} (--unit B: it is bytes)"
                if rss.factor == 1
                else f"is it in bytes? Then say --column rss_bytes={rss.shown}"
            )
            raise self._place.error(
                f"`{rss.shown}` can't be the memory of a process ({sizes.largest:,} bytes at most): {ask}"
            )
        if rss.factor == 1 and may_be_kb(sizes):
            return [f"`{rss.shown}` is below 8 MB all along: if it is in KB, import with --unit kB"]
        return []
