"""Recordings of real programs with every counter: how early each rule hears their leaks, and what it says of the others.

The recordings are not part of the project: a folder with `manifest.json` and one table per program, as
`--counters FOLDER` names it, else `counters` beside the real series. Their clock is scaled: 0.1 s stand for five
minutes. Each is looked at every hour as the recorder does it; an alarm that two checks in a row give is confirmed.

    python -m benchmarks.detection --parts counters --counters FOLDER
"""

from __future__ import annotations

import csv
import gzip
import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from memmon.analysis.leak.detect import detect_leak
from memmon.analysis.leak.finding import LeakPolicy
from memmon.analysis.leak.sequential import confirmed
from memmon.facts.verdicts import Verdict
from memmon.history import History
from memmon.units import MIB, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

BEGIN_SECONDS = 1_767_690_000.0
"""A Tuesday, 9 h: the hour at which those begin that leak in working hours."""
CHECKS = tuple(float(hour) for hour in range(2, 25))
"""Hours of the hourly checks."""
LATE_FROM_HOURS = 12.0
"""When a leak begins that is added to a program without one."""
CALM = frozenset(verdict for verdict in Verdict if verdict.row.needs_all_parts)
"""What calms whoever reads it."""
GARBAGE_TEETH = frozenset({"gc_sawtooth"})
"""Programs whose collector was told to wait: garbage of hours is no leak, and is told from one by the objects that wait."""

COLUMNS = {
    "anon_bytes": "rss_anon_bytes",
    "shmem_bytes": "rss_shmem_bytes",
    "swap_bytes": "swap_bytes",
    "python_block_count": "python_block_count",
    "heap_used_bytes": "heap_used_bytes",
    "heap_mmap_bytes": "heap_mmap_bytes",
    "work_count": "work_count",
}
"""{array of a History: column of a recording}."""
HOOKED = {"heap_used_bytes": "hook_heap", "heap_mmap_bytes": "hook_mmap"}
"""Columns that a hook read where the recorder rested."""
PARTS = ("python_block_count", "heap_used_bytes", "heap_mmap_bytes")
"""What tells more than the pages do."""
KINDS_ADDED: dict[str, tuple[float, float]] = {
    "objects": (0.0, 1 / 66.6),
    "bytes": (1.0, 1 / 5250),
    "native": (1.0, 0.0),
}
"""{leak added to a program: (bytes in the heap, blocks) per byte leaked}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One program's day: its history, what is true of it, and the threshold that it is judged by."""

    name: str
    program: str
    leak_kind: str
    shape: str
    threshold_mb_per_hour: float
    history: History

    @property
    def leaks(self) -> bool:
        """Something leaks, in this place or another."""
        return bool(self.leak_kind)

    @property
    def is_steady(self) -> bool:
        """A leak of the footprint, at the same rate throughout."""
        return self.leaks and self.leak_kind != "mmap" and self.shape == "constant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the hourly checks said of one recording."""

    recording: Recording
    verdicts: dict[float, Verdict]
    confirmed_at_hours: tuple[float, ...]
    milliseconds: float

    @property
    def delay_hours(self) -> float:
        """Hours to the first confirmed alarm, infinite without one."""
        return min(self.confirmed_at_hours, default=float("inf"))


def recordings(folder: Path) -> list[Recording]:
    """Return the recordings of a folder, in the order of its manifest."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return [_recording(folder, entry) for entry in manifest["traces"]]


def _recording(folder: Path, entry: dict[str, Any]) -> Recording:
    with gzip.open(folder / entry["file"], "rt", newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    scale = SECONDS_PER_HOUR / float(entry["seconds_per_scaled_hour"])
    columns = {array: _column(rows, name) for array, name in COLUMNS.items()}
    for array, name in HOOKED.items():
        columns[array] = np.where(np.isfinite(columns[array]), columns[array], _column(rows, name))
    uptime = _column(rows, "uptime_ms") / 1000 * scale
    columns["gc_pending_count"] = _pending(rows, entry)
    name = entry["file"].removesuffix(".csv.gz")
    return Recording(
        name=name,
        program=entry["program"],
        leak_kind=entry["leak_kind"] or "",
        shape=entry["shape"],
        threshold_mb_per_hour=float(entry["threshold_mb_per_scaled_hour"]),
        history=History.from_arrays(
            source=name,
            at_seconds=BEGIN_SECONDS + uptime,
            uptime_seconds=uptime,
            run_id=np.ones(uptime.size, dtype=np.int64),
            rss_bytes=_column(rows, "rss_bytes"),
            **columns,
        ),
    )


def _pending(rows: list[dict[str, str]], entry: dict[str, Any]) -> NDArray[np.float64]:
    """Return the objects that no collection has looked at, NaN where nothing tells.

    Where they were not counted and garbage makes teeth, they are what each collection found, by the work since the one before.
    """
    if "gc.disable()" in (entry["what"] or ""):
        return np.zeros(len(rows))
    counted = _column(rows, "gc0_pending")
    if np.isfinite(counted).any() or entry["program"] not in GARBAGE_TEETH:
        return counted
    found, work = _column(rows, "gc_collected"), np.nan_to_num(_column(rows, "work_count"))
    ends = np.flatnonzero(np.diff(found) > 0) + 1
    per_unit = (found[ends[-1]] - found[0]) / work[ends[-1]]
    begun = np.append(0, ends)[np.searchsorted(ends, np.arange(len(rows)), side="right")]
    return np.asarray((work - work[begun]) * per_unit)


def _column(rows: list[dict[str, str]], name: str) -> NDArray[np.float64]:
    return np.array([float(row[name]) if row.get(name) else np.nan for row in rows])


def one_signal(history: History) -> History:
    """Return a history as it is where the pages alone are known."""
    return replace(history, **dict.fromkeys(PARTS))


def with_late_leak(recording: Recording, kind: str, rate_mb_per_hour: float) -> Recording:
    """Return a recording to which a leak is added that begins late."""
    history = recording.history
    leaked = (
        rate_mb_per_hour * MIB * np.maximum(history.uptime_seconds / SECONDS_PER_HOUR - LATE_FROM_HOURS, 0.0)
    )
    heap, blocks = KINDS_ADDED[kind]
    assert history.anon_bytes is not None
    assert history.heap_used_bytes is not None
    assert history.python_block_count is not None
    grown = replace(
        history,
        rss_bytes=history.rss_bytes + leaked,
        anon_bytes=history.anon_bytes + leaked,
        heap_used_bytes=history.heap_used_bytes + heap * leaked,
        python_block_count=history.python_block_count + blocks * leaked,
    )
    return replace(recording, leak_kind=kind, shape="late", history=grown)


def hear(recording: Recording, *, is_split: bool, threshold_mb_per_hour: float | None = None) -> Heard:
    """Judge a recording every hour; with `is_split` its counters are known too."""
    history = recording.history if is_split else one_signal(recording.history)
    policy = LeakPolicy(threshold_mb_per_hour=threshold_mb_per_hour or recording.threshold_mb_per_hour)
    verdicts, found, alarms = {}, [], []
    begun = time.process_time()
    for hour in CHECKS:
        part = history.slice_time(None, BEGIN_SECONDS + hour * SECONDS_PER_HOUR)
        found = [*found[-1:], detect_leak(part, policy)]
        verdicts[hour] = found[-1].verdict
        if confirmed(found):
            alarms.append(hour)
    return Heard(
        recording=recording,
        verdicts=verdicts,
        confirmed_at_hours=tuple(alarms),
        milliseconds=1000 * (time.process_time() - begun) / len(CHECKS),
    )


def confirmed_by(heard: Iterable[Heard], hours: float) -> float:
    """Return the share that was confirmed by then."""
    return float(np.mean([one.delay_hours <= hours for one in heard]))


def calm_share(heard: Iterable[Heard], from_hours: float = 4.0) -> float:
    """Return the share of the checks from then on that said a calm word."""
    said = [verdict in CALM for one in heard for hour, verdict in one.verdicts.items() if hour >= from_hours]
    return float(np.mean(said))


def delays(heard: Iterable[Heard], since_hours: float = 0.0) -> tuple[float, float]:
    """Return the median delay and that of nine in ten, in hours since the leak began."""
    hours = [one.delay_hours - since_hours for one in heard]
    middle, late = np.quantile(hours, [0.5, 0.9], method="higher")
    return float(middle), float(late)
