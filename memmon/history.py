"""History: what the analysis judges. Arrays of samples, and the runs that they belong to.

A History knows nothing of where it came from: the read side of the store builds one with
`History.from_arrays`, a notebook with `History.from_frame` (`as_history` for those who take either).
pandas loads only where a DataFrame is touched.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from memmon.footprint import footprint_of
from memmon.history_rows import check_lengths, filled_uptime, plausible_uptime, row_order, run_numbers
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

LARGEST_BYTES = 2.0**62
"""Readings above this (4 EiB) are no memory sizes: they are dropped like NaN."""

FIRST_SECONDS, LAST_SECONDS = -62_000_000_000.0, 253_000_000_000.0
"""Times outside (about the years 5 to 9987) fit no calendar: such rows are dropped too."""

EXTRA_COLUMNS = (
    "vms_bytes",
    "available_bytes",
    "system_percent",
    "limit_bytes",
    "deque_bytes",
    "deque_capacity_bytes",
    "work_count",
    "anon_bytes",
    "shmem_bytes",
    "swap_bytes",
    "charged_bytes",
    "cpu_seconds",
    "python_block_count",
    "heap_used_bytes",
    "min_rss_bytes",
    "max_rss_bytes",
    "resolution_seconds",
    "deque_most_capacity_bytes",
    "thread_count",
    "fd_count",
    "heap_mmap_bytes",
    "gc_pending_count",
    "min_python_block_count",
    "min_heap_used_bytes",
    "min_heap_mmap_bytes",
)
"""The optional arrays of a History, one value per sample, NaN where unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRun:
    """One start-to-stop of one recorder; times in seconds since 1970 (UTC). `born_at_seconds`: of its process."""

    run_id: int
    started_at_seconds: float
    ended_at_seconds: float | None = None
    end_reason: str | None = None
    release: str | None = None
    host: str | None = None
    pid: int | None = None
    boot_id: str | None = None
    born_at_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """The samples of one source, ordered by run (oldest start first) and by uptime within a run.

    All arrays have one value per sample. `rss_bytes` has neither NaN nor infinite nor negative values.
    `uptime_seconds` is monotonic within a run: trends are computed on it, because wall clocks step.
    `deque_bytes` is what the registered deques hold, `deque_capacity_bytes` what they would with the bounded ones full,
    at least (that is taken for filling, not for growth), `deque_most_capacity_bytes` at most, where an error is known.
    `dropped_count` rows were unusable, `duplicate_count` repeated an earlier time of the same run.
    """

    source: str
    at_seconds: FloatArray
    run_id: IntArray
    uptime_seconds: FloatArray
    rss_bytes: FloatArray
    vms_bytes: FloatArray | None = None
    available_bytes: FloatArray | None = None
    system_percent: FloatArray | None = None
    limit_bytes: FloatArray | None = None
    deque_bytes: FloatArray | None = None
    deque_capacity_bytes: FloatArray | None = None
    work_count: FloatArray | None = None
    anon_bytes: FloatArray | None = None
    shmem_bytes: FloatArray | None = None
    swap_bytes: FloatArray | None = None
    charged_bytes: FloatArray | None = None
    cpu_seconds: FloatArray | None = None
    python_block_count: FloatArray | None = None
    heap_used_bytes: FloatArray | None = None
    min_rss_bytes: FloatArray | None = None
    max_rss_bytes: FloatArray | None = None
    resolution_seconds: FloatArray | None = None
    deque_most_capacity_bytes: FloatArray | None = None
    thread_count: FloatArray | None = None
    fd_count: FloatArray | None = None
    heap_mmap_bytes: FloatArray | None = None
    gc_pending_count: FloatArray | None = None
    min_python_block_count: FloatArray | None = None
    min_heap_used_bytes: FloatArray | None = None
    min_heap_mmap_bytes: FloatArray | None = None
    runs: tuple[HistoryRun, ...] = ()
    dropped_count: int = 0
    duplicate_count: int = 0

    def __len__(self) -> int:
        """Return the number of samples."""
        return int(self.rss_bytes.size)

    @property
    def is_empty(self) -> bool:
        """True when there is no usable sample."""
        return self.rss_bytes.size == 0

    @property
    def first_at(self) -> datetime | None:
        """The wall-clock time of the earliest sample (aware, UTC), None when empty."""
        return None if self.is_empty else datetime.fromtimestamp(float(self.at_seconds.min()), UTC)

    @property
    def last_at(self) -> datetime | None:
        """The wall-clock time of the newest sample (aware, UTC), None when empty."""
        return None if self.is_empty else datetime.fromtimestamp(self.last_seconds, UTC)

    @property
    def last_seconds(self) -> float:
        """The same in UTC epoch seconds (NaN when empty): the latest of the runs' ends, whatever a clock said before."""
        ends = np.append(np.flatnonzero(np.diff(self.run_id)), len(self) - 1)
        return float("nan") if self.is_empty else float(self.at_seconds[ends].max())

    @property
    def duration_hours(self) -> float:
        """Hours from the first to the last sample, pauses between runs included; 0.0 when empty.

        A single run is measured on its monotonic uptime, several on the wall clock.
        """
        if self.is_empty:
            return 0.0
        several = self.run_id[0] != self.run_id[-1]
        clock = self.at_seconds if several else self.uptime_seconds
        return float(clock.max() - clock.min()) / SECONDS_PER_HOUR

    @property
    def footprint_bytes(self) -> FloatArray:
        """What the process can't give back, at each sample: anonymous + shared + swapped memory.

        In a run that knows less it is RSS + swapped, or RSS alone.
        """
        if self.anon_bytes is None and self.swap_bytes is None:
            return self.rss_bytes
        runs = (
            footprint_of(
                run.rss_bytes,
                anon_bytes=run.anon_bytes,
                shmem_bytes=run.shmem_bytes,
                swap_bytes=run.swap_bytes,
            )
            for run in self.per_run()
        )
        return np.concatenate([*runs, np.empty(0)])

    def slice_time(
        self, since: datetime | float | None = None, until: datetime | float | None = None
    ) -> History:
        """Return the samples with `since <= at <= until` (aware datetimes or UTC epoch seconds)."""
        keep = np.ones(len(self), dtype=np.bool_)
        if since is not None:
            keep &= self.at_seconds >= _epoch_seconds(since, "since")
        if until is not None:
            keep &= self.at_seconds <= _epoch_seconds(until, "until")
        return self if bool(keep.all()) else self._take(keep)

    def of_runs(self, run_ids: Iterable[int]) -> History:
        """Return the samples of some runs."""
        keep = np.isin(self.run_id, list(run_ids))
        return self if bool(keep.all()) else self._take(keep)

    def per_run(self) -> Iterator[History]:
        """Yield one History per run, oldest first; its arrays are views of this one's."""
        if self.is_empty:
            return
        edges = np.flatnonzero(np.diff(self.run_id)) + 1
        starts = [0, *edges.tolist()]
        stops = [*edges.tolist(), len(self)]
        for start, stop in zip(starts, stops, strict=True):
            whole = stop - start == len(self)
            yield self if whole else self._take(slice(start, stop), {int(self.run_id[start])})

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame: index `at` (UTC, ascending), a column per array that is present, in its unit.

        Times are whole microseconds. `History.from_frame` makes the same history of it, but for what is known of
        the runs (release, host, end). The source is in the frame's `attrs`.
        """
        import pandas as pd

        order = np.argsort(self.at_seconds, kind="stable")
        present = ["run_id", "uptime_seconds", "rss_bytes", *EXTRA_COLUMNS]
        columns = {name: array[order] for name in present if (array := getattr(self, name)) is not None}
        at_us = np.round(self.at_seconds[order] * 1e6).astype("int64").astype("datetime64[us]")
        frame = pd.DataFrame(columns, index=pd.DatetimeIndex(at_us, name="at").tz_localize("UTC"))
        frame.attrs["source"] = self.source
        return frame

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame | pd.Series[Any], *, source: str = "", unit: str | None = None
    ) -> History:
        """Build a History from a DataFrame, or from a Series of resident bytes.

        The time is the timezone-aware index, or a column `t_seconds` (seconds from any origin), `at_ms`
        (milliseconds since 1970, UTC), or `at` (aware times, or ISO 8601 text with an offset). `rss_bytes` is
        needed; `run_id` (or `run`), `uptime_seconds` (or `uptime_hours`) and the names in `EXTRA_COLUMNS` are used
        when present, other columns are ignored: frames of `Store.snapshots`, and of `pd.read_sql` over v_snapshot,
        are taken as they are. Rows may be unsorted, repeated or NaN: such rows are dropped and counted.
        Without a run, a falling `uptime_seconds` begins a new one. `source`: default what the frame names.

        `unit` (`B`, `kB`, `MB`, `GB`, of 1,024): what the columns of bytes are in, where that is not bytes.

        Raises TypeError for what is no frame; ValueError when there is no `rss_bytes`, no usable time (naive times
        are refused: nobody can tell whether they are UTC), several sources, or processes side by side without a
        run; and when the sizes can't be those of a process: the message then names their likely unit
        (`unit="B"` takes them as they are).
        """
        from memmon.frame_columns import frame_arrays  # of what is read of a store there is no frame

        found = frame_arrays(frame, names=("uptime_seconds", *EXTRA_COLUMNS), unit=unit)
        extra: dict[str, Any] = found.others
        return cls.from_arrays(
            at_seconds=found.at_seconds,
            rss_bytes=found.rss_bytes,
            run_id=found.run_id,
            source=source or found.source,
            **extra,
        )

    @classmethod
    def from_arrays(
        cls,
        *,
        at_seconds: ArrayLike,
        rss_bytes: ArrayLike,
        run_id: ArrayLike | None = None,
        uptime_seconds: ArrayLike | None = None,
        runs: Sequence[HistoryRun] = (),
        source: str = "",
        **extra: ArrayLike | None,
    ) -> History:
        """Build a History from plain arrays of equal length, in any order.

        Drops rows whose time is not finite or beyond any calendar, or whose RSS is NaN, infinite, negative or above
        `LARGEST_BYTES`, and all but the last row of a repeated (run, uptime); both are counted.
        `runs` adds what is known of the runs; those it lacks are described by their samples.
        `extra`: the arrays named in `EXTRA_COLUMNS` (all-NaN or None: absent).

        Raises TypeError for an unknown name, ValueError for arrays of different length.
        """
        unknown = set(extra) - set(EXTRA_COLUMNS)
        if unknown:
            raise TypeError(f"unknown arrays {sorted(unknown)}; known are {list(EXTRA_COLUMNS)}")
        at = np.asarray(at_seconds, dtype=np.float64)
        rss = np.asarray(rss_bytes, dtype=np.float64)
        columns = {name: np.asarray(v, dtype=np.float64) for name, v in extra.items() if v is not None}
        uptime = None if uptime_seconds is None else plausible_uptime(uptime_seconds)
        ids = run_numbers(run_id, at, uptime)
        sized = {"at_seconds": at, "run_id": ids, "uptime_seconds": uptime, **columns}
        check_lengths(rss, sized)
        good = (
            (at >= FIRST_SECONDS)
            & (at <= LAST_SECONDS)
            & np.isfinite(rss)
            & (rss >= 0)
            & (rss <= LARGEST_BYTES)
        )
        uptime = filled_uptime(at, ids, uptime, good)
        order = row_order(at, ids, uptime, good)
        last = np.ones(order.size, dtype=np.bool_)
        ids_ordered, uptime_ordered = ids[order], uptime[order]
        last[:-1] = (np.diff(ids_ordered) != 0) | (np.diff(uptime_ordered) != 0)
        order = order[last]
        taken = {name: column[order] for name, column in columns.items()}
        present = {name: column for name, column in taken.items() if bool(np.isfinite(column).any())}
        kept_ids, kept_at = ids[order], at[order]
        return cls(
            source=source,
            at_seconds=kept_at,
            run_id=kept_ids,
            uptime_seconds=uptime[order],
            rss_bytes=rss[order],
            runs=_describe_runs(kept_ids, kept_at, runs),
            dropped_count=int(rss.size - good.sum()),
            duplicate_count=int(last.size - last.sum()),
            **present,
        )

    def _take(self, rows: slice | NDArray[np.bool_], run_ids: set[int] | None = None) -> History:
        """Return some samples; `run_ids`: of which runs, where that is known."""
        arrays: dict[str, Any] = {
            field.name: array[rows]
            for field in fields(self)
            if isinstance(array := getattr(self, field.name), np.ndarray)
        }
        ids = run_ids or set(arrays["run_id"].tolist())
        return replace(self, runs=tuple(run for run in self.runs if run.run_id in ids), **arrays)


def as_history(data: History | pd.DataFrame | pd.Series[Any]) -> History:
    """Return what is to be judged: a History as it is, a DataFrame or Series as `History.from_frame` takes it.

    The one place where the analysis meets pandas, which is not loaded for a History.
    """
    if isinstance(data, History):
        return data
    # Whoever holds a frame has loaded pandas.
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(data, (pandas.DataFrame, pandas.Series)):
        raise TypeError(f"expected a History, or a pandas DataFrame or Series, not {type(data).__name__}")
    return History.from_frame(data)


def _epoch_seconds(when: datetime | float, name: str) -> float:
    if not isinstance(when, datetime):
        return float(when)
    if when.tzinfo is None:
        raise ValueError(f"{name} must be timezone-aware: pass datetime(..., tzinfo=UTC)")
    return when.timestamp()


def _describe_runs(ids: IntArray, at: FloatArray, given: Sequence[HistoryRun]) -> tuple[HistoryRun, ...]:
    """Return one HistoryRun per run that has samples, in the samples' order."""
    known = {run.run_id: run for run in given}
    if ids.size == 0:
        return ()
    starts = np.concatenate([[0], np.flatnonzero(np.diff(ids)) + 1])
    return tuple(
        known.get(int(ids[row])) or HistoryRun(run_id=int(ids[row]), started_at_seconds=float(at[row]))
        for row in starts.tolist()
    )
