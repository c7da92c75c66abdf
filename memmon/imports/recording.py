"""What a reader makes of a file that another recorder wrote: samples by run, not yet placed in time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import compress, pairwise
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from memmon.facts.readings import READINGS
from memmon.units import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_NAMESPACE = UUID("6d656d6d-6f6e-5069-6d70-6f7274656421")
IMPORTED = "imported"
"""How an imported run ends."""
EARLIEST_SECONDS = -2_208_988_800.0
LATEST_SECONDS = 7_258_118_400.0
"""Times that a recording can have: the years 1900 to 2199."""
MEASURES = tuple(one.column for one in READINGS)
"""What an imported sample may hold; a missing one is None."""


@dataclass(slots=True, kw_only=True)
class RecordedRun:
    """The samples of one run, column by column, in the file's order."""

    label: str
    """What the file calls the run."""
    at_seconds: list[float] = field(default_factory=list)
    """Since 1970 (UTC), or since an origin that the file does not tell."""
    values: dict[str, list[int | float | None]] = field(default_factory=dict)
    uptime_seconds: list[float] = field(default_factory=list)
    """Of each sample, where the file says it of all."""
    telling: dict[str, list[str]] = field(default_factory=dict)
    """Cells of columns that may tell several processes apart, by the column's name."""
    source: str | None = None
    """None: the file names none."""
    role: str | None = None
    pid: int | None = None

    def add(self, at_seconds: float, **values: float | None) -> None:
        """Append one sample."""
        self.at_seconds.append(at_seconds)
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)

    def keep(self, wanted: Sequence[bool]) -> RecordedRun:
        """Return the run with the wanted samples alone."""
        return replace(
            self,
            at_seconds=list(compress(self.at_seconds, wanted)),
            values={name: list(compress(values, wanted)) for name, values in self.values.items()},
            uptime_seconds=list(compress(self.uptime_seconds, wanted)),
            telling={},
        )

    def without_repeats(self) -> RecordedRun:
        """Return the run with one of each sample that is there more than once, time and values alike."""
        rows = list(zip(self.at_seconds, *self.values.values(), strict=True))
        first = {row: place for place, row in reversed(list(enumerate(rows)))}
        return self.keep([first[row] == place for place, row in enumerate(rows)])

    def in_order(self) -> list[int]:
        """Return the places of the samples in the order of time."""
        return sorted(range(len(self.at_seconds)), key=self.at_seconds.__getitem__)

    def uptimes(self, order: Sequence[int]) -> Sequence[float]:
        """Return each sample's uptime: as the file says, where that can be, else since the first."""
        told = self.uptime_seconds
        if len(told) == len(order) and told[order[0]] >= 0:
            ordered = [told[index] for index in order]
            if all(before <= after for before, after in pairwise(ordered)):
                return told
        first = self.at_seconds[order[0]]
        return [at - first for at in self.at_seconds]


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
        return sum(len(run.at_seconds) for run in self.runs)

    @property
    def last_seconds(self) -> float:
        """The time of the latest sample."""
        return max(max(run.at_seconds) for run in self.runs)

    @property
    def first_seconds(self) -> float:
        """The time of the earliest sample."""
        return min(min(run.at_seconds) for run in self.runs)

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that the file names, in their order."""
        return tuple(dict.fromkeys(run.source for run in self.runs if run.source is not None))

    def without_later(self, than_seconds: float) -> tuple[ImportedRecording, int]:
        """Return the recording without the samples after a moment, and how many those were."""
        runs = [run.keep([at <= than_seconds for at in run.at_seconds]) for run in self.runs]
        kept = replace(self, runs=tuple(run for run in runs if run.at_seconds))
        return kept, self.sample_count - kept.sample_count

    def noting(self, *notes: str) -> ImportedRecording:
        """Return the recording with more that the operator should know."""
        return replace(self, notes=(*self.notes, *notes))

    def run_uuid(self, run: RecordedRun, source: str) -> str:
        """Return the identity of a run: the same for the same content under the same source."""
        return str(uuid5(_NAMESPACE, f"{source}\0{self.digest}\0{run.label}"))

    def rows(self, run: RecordedRun, *, source: str, origin_seconds: float) -> Iterator[dict[str, Any]]:
        """Yield the rows of a run that `memmon.store.transfer.dump.load` takes, the run's own first.

        `origin_seconds` is added to every time: 0 for absolute ones.
        """
        order = run.in_order()
        first, last = run.at_seconds[order[0]], run.at_seconds[order[-1]]
        uuid = self.run_uuid(run, source)
        row: dict[str, Any] = {
            "type": "run",
            "source": source,
            "uuid": uuid,
            "external_id": f"imported from {self.path.name}",
            "started_ms": _ms(origin_seconds + first),
            "ended_ms": _ms(origin_seconds + last),
            "end_reason": IMPORTED,
        }
        row |= {name: value for name in ("role", "pid") if (value := getattr(run, name)) is not None}
        if len(order) > 1:
            row["interval_ms"] = _typical_interval_ms([run.at_seconds[index] for index in order])
        yield row
        columns = [(name, values) for name, values in run.values.items() if name in MEASURES]
        uptimes = run.uptimes(order)
        for seq, index in enumerate(order, start=1):
            sample: dict[str, Any] = {
                "type": "snapshot",
                "run": uuid,
                "seq": seq,
                "at_ms": _ms(origin_seconds + run.at_seconds[index]),
                "uptime_ms": _ms(uptimes[index]),
            }
            for name, values in columns:
                if values[index] is not None:
                    sample[name] = values[index]
            yield sample


def _ms(seconds: float) -> int:
    return round(seconds * MS_PER_SECOND)


def _typical_interval_ms(ordered_seconds: list[float]) -> int:
    """Return the median distance between neighbours."""
    gaps = sorted(after - before for before, after in pairwise(ordered_seconds))
    return max(_ms(gaps[len(gaps) // 2]), 1)
