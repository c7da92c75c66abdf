"""What a reader makes of a file that another recorder wrote: samples by run, not yet placed in time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from memmon.facts.readings import READINGS
from memmon.units import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memmon.imports.spool import Row, Spool

_NAMESPACE = UUID("6d656d6d-6f6e-5069-6d70-6f7274656421")
IMPORTED = "imported"
"""How an imported run ends."""
EARLIEST_SECONDS = -2_208_988_800.0
LATEST_SECONDS = 7_258_118_400.0
"""Times that a recording can have: the years 1900 to 2199."""
MEASURES = tuple(one.column for one in READINGS)
"""What an imported sample may hold; a missing one is None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What is known of a run's samples as a whole."""

    sample_count: int
    first_seconds: float
    last_seconds: float
    interval_ms: int
    """The median distance between neighbours; 0: there are none."""
    has_uptimes: bool
    """True: the file says the uptime of each, and those can be."""


@dataclass(slots=True, kw_only=True)
class RecordedRun:
    """The samples of one run, which lie in a spool."""

    spool: Spool
    number: int
    """Its own in the spool."""
    label: str
    """What the file calls the run."""
    source: str | None = None
    """None: the file names none."""
    role: str | None = None
    pid: int | None = None
    row_count: int = 0
    """As they stand in the file: one sample may stand there twice."""
    falls: bool = False
    """True: some sample lies before the one that stands before it in the file."""
    rises: bool = False
    takes_uptimes: bool = True
    each_once: bool = False
    """True: of rows that are alike in time and values the first alone is a sample."""
    until_seconds: float | None = None
    """Samples later than this are none of it."""
    known_survey: Extent | None = None
    _former: float = field(default=0.0, repr=False)

    def add(
        self,
        at_seconds: float,
        *values: float | None,
        uptime: float | None = None,
        cells: tuple[str, ...] = (),
    ) -> None:
        """Append one sample: a value for each name of the spool, a cell for each that tells processes apart."""
        self.spool.put((self.number, at_seconds, uptime, *values, *cells))
        self.count_in(at_seconds)

    def count_in(self, at_seconds: float) -> None:
        """Learn that the spool has one more sample of this run."""
        if self.row_count:
            self.falls = self.falls or at_seconds < self._former
            self.rises = self.rises or at_seconds > self._former
        self._former = at_seconds
        self.row_count += 1

    def rows(self) -> Iterator[Row]:
        """Yield all rows in the order of time, those of one time as they stand in the file."""
        return self.spool.by_time(self.number, is_sorted=not self.falls, until=self.until_seconds)

    def samples(self) -> Iterator[Row]:
        """Yield the rows that count, in the order of time."""
        if not self.each_once:
            yield from self.rows()
            return
        former: float | None = None
        seen: set[tuple[Any, ...]] = set()
        for row in self.rows():
            if row[0] != former:
                former, seen = row[0], set()
            elif row[2] in seen:
                continue
            seen.add(row[2])
            yield row

    def times(self, *, backwards: bool = False) -> Iterator[float]:
        """Yield the times as they stand in the file, or from the last to the first."""
        return self.spool.times(self.number, backwards=backwards)

    @property
    def survey(self) -> Extent | None:
        """What is known of the samples as a whole; None: there are none."""
        if self.known_survey is None:
            self.known_survey = _surveyed(self)
        return self.known_survey

    @property
    def extent(self) -> Extent:
        """The survey of a run that has samples."""
        found = self.survey
        assert found is not None
        return found

    def until(self, seconds: float) -> RecordedRun:
        """Return the run without the samples after a moment."""
        found = self.survey
        if found is None or found.last_seconds <= seconds:
            return self
        return replace(self, until_seconds=seconds, known_survey=None)


def _surveyed(run: RecordedRun) -> Extent | None:
    count, first, former = 0, 0.0, 0.0
    gaps: Counter[int] = Counter()
    has_uptimes, former_uptime = run.takes_uptimes, 0.0
    for at, uptime, _ in run.samples():
        if count == 0:
            first = at
        else:
            gaps[_ms(at - former)] += 1
        if has_uptimes:
            has_uptimes = uptime is not None and uptime >= former_uptime
            former_uptime = uptime or 0.0
        former = at
        count += 1
    if count == 0:
        return None
    return Extent(
        sample_count=count,
        first_seconds=first,
        last_seconds=former,
        interval_ms=_median_gap_ms(gaps, count - 1),
        has_uptimes=has_uptimes,
    )


def _median_gap_ms(gaps: Counter[int], count: int) -> int:
    """Return the (upper) median; 0 where there is no gap."""
    passed = 0
    for gap in sorted(gaps):
        passed += gaps[gap]
        if passed > count // 2:
            return max(gap, 1)
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRecording:
    """One file, read and found good."""

    path: Path
    kind: str
    """`CSV`, `Parquet`, `OpenMetrics`, `memory_profiler` or `psrecord`."""
    is_absolute: bool
    """False: the times count from an unknown origin."""
    runs: tuple[RecordedRun, ...]
    digest: str
    """SHA-256 of the (unpacked) content: how the same file is known again."""
    notes: tuple[str, ...] = ()
    """What the operator should know, such as columns left out."""

    @property
    def sample_count(self) -> int:
        """How many samples there are in all runs."""
        return sum(run.extent.sample_count for run in self.runs)

    @property
    def last_seconds(self) -> float:
        """The time of the latest sample."""
        return max(run.extent.last_seconds for run in self.runs)

    @property
    def first_seconds(self) -> float:
        """The time of the earliest sample."""
        return min(run.extent.first_seconds for run in self.runs)

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that the file names, in their order."""
        return tuple(dict.fromkeys(run.source for run in self.runs if run.source is not None))

    def without_later(self, than_seconds: float) -> tuple[ImportedRecording, int]:
        """Return the recording without the samples after a moment, and how many those were."""
        runs = [run.until(than_seconds) for run in self.runs]
        kept = replace(self, runs=tuple(run for run in runs if run.survey is not None))
        return kept, self.sample_count - kept.sample_count

    def noting(self, *notes: str) -> ImportedRecording:
        """Return the recording with more that the operator should know."""
        return replace(self, notes=(*self.notes, *notes))

    def run_uuid(self, run: RecordedRun, source: str) -> str:
        """Return the identity of a run: the same for the same content under the same source."""
        return str(uuid5(_NAMESPACE, f"{source}\0{self.digest}\0{run.label}"))

    def run_row(self, run: RecordedRun, *, source: str, origin_seconds: float) -> dict[str, Any]:
        """Return the row of a run itself that `memmon.store.transfer.dump.load` takes.

        `origin_seconds` is added to every time: 0 for absolute ones.
        """
        extent = run.extent
        row: dict[str, Any] = {
            "type": "run",
            "source": source,
            "uuid": self.run_uuid(run, source),
            "external_id": f"imported from {self.path.name}",
            "started_ms": _ms(origin_seconds + extent.first_seconds),
            "ended_ms": _ms(origin_seconds + extent.last_seconds),
            "end_reason": IMPORTED,
        }
        row |= {name: value for name in ("role", "pid") if (value := getattr(run, name)) is not None}
        if extent.interval_ms:
            row["interval_ms"] = extent.interval_ms
        return row

    def sample_rows(
        self, run: RecordedRun, *, source: str, origin_seconds: float
    ) -> Iterator[dict[str, Any]]:
        """Yield the rows of a run's samples in the order of time."""
        extent, uuid = run.extent, self.run_uuid(run, source)
        columns = [(place, name) for place, name in enumerate(run.spool.names) if name in MEASURES]
        for seq, (at, uptime, values) in enumerate(run.samples(), start=1):
            told = uptime if extent.has_uptimes and uptime is not None else at - extent.first_seconds
            sample: dict[str, Any] = {
                "type": "snapshot",
                "run": uuid,
                "seq": seq,
                "at_ms": _ms(origin_seconds + at),
                "uptime_ms": _ms(told),
            }
            for place, name in columns:
                if values[place] is not None:
                    sample[name] = values[place]
            yield sample


def _ms(seconds: float) -> int:
    return round(seconds * MS_PER_SECOND)
