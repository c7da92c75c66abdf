"""What a reader makes of a file that another recorder wrote: samples by run, not yet placed in time."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from memmon.units import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAMESPACE = UUID("6d656d6d-6f6e-5069-6d70-6f7274656421")
EARLIEST_SECONDS = -2_208_988_800.0
LATEST_SECONDS = 7_258_118_400.0
"""Times that a recording can have: the years 1900 to 2199."""
MEASURES = ("rss_bytes", "vms_bytes", "system_percent", "available_bytes")
"""What an imported sample may hold; a missing one is None."""


@dataclass(slots=True, kw_only=True)
class RecordedRun:
    """The samples of one run, column by column, in the file's order."""

    label: str
    """What the file calls the run."""
    at_seconds: list[float] = field(default_factory=list)
    """Since 1970 (UTC), or since an origin that the file does not tell."""
    values: dict[str, list[int | float | None]] = field(default_factory=dict)
    role: str | None = None

    def add(self, at_seconds: float, **values: float | None) -> None:
        """Append one sample."""
        self.at_seconds.append(at_seconds)
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRecording:
    """One file, read and found good."""

    path: Path
    kind: str
    """`CSV`, `memory_profiler` or `psrecord`."""
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

    def run_uuid(self, run: RecordedRun, source: str) -> str:
        """Return the identity of a run: the same for the same content under the same source."""
        return str(uuid5(_NAMESPACE, f"{source}\0{self.digest}\0{run.label}"))

    def rows(self, *, source: str, origin_seconds: float) -> Iterator[dict[str, Any]]:
        """Yield the rows that `memmon.store.transfer.dump.load` takes.

        `origin_seconds` is added to every time: 0 for absolute ones.
        """
        runs = sorted(self.runs, key=lambda run: min(run.at_seconds))
        first_ms = _ms(origin_seconds + self.first_seconds)
        yield {"type": "source", "name": source, "created_ms": first_ms}
        for run in runs:
            yield from self._run_rows(run, source, origin_seconds)

    def _run_rows(self, run: RecordedRun, source: str, origin_seconds: float) -> Iterator[dict[str, Any]]:
        order = sorted(range(len(run.at_seconds)), key=run.at_seconds.__getitem__)
        first, last = run.at_seconds[order[0]], run.at_seconds[order[-1]]
        uuid = self.run_uuid(run, source)
        row: dict[str, Any] = {
            "type": "run",
            "source": source,
            "uuid": uuid,
            "external_id": f"imported from {self.path.name}",
            "started_ms": _ms(origin_seconds + first),
            "ended_ms": _ms(origin_seconds + last),
            "end_reason": "imported",
        }
        if run.role is not None:
            row["role"] = run.role
        if len(order) > 1:
            row["interval_ms"] = _typical_interval_ms([run.at_seconds[index] for index in order])
        yield row
        columns = [(name, values) for name, values in run.values.items() if name in MEASURES]
        for seq, index in enumerate(order, start=1):
            sample: dict[str, Any] = {
                "type": "snapshot",
                "run": uuid,
                "seq": seq,
                "at_ms": _ms(origin_seconds + run.at_seconds[index]),
                "uptime_ms": _ms(run.at_seconds[index] - first),
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
