"""What growth can be explained from, read of the store: counters, parts and work over its stretch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.cause.attribution_finding import AttributionSeries
from memmon.analysis.cause.per_work import WorkSeries
from memmon.analysis.cause.split_finding import CauseSeries
from memmon.assessment.culprits import is_worth_explaining
from memmon.assessment.present import GrowthReadings
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from memmon.analysis.leak.finding import LeakFinding
    from memmon.store.read import Buckets, PartMatrix, RunInfo, Store

CAUSE_POINT_COUNT = 600
"""Spans that a window's counters are gathered into. Chosen: far more than the ends and turns that are read off them."""


class KnownGrowth:
    """What one source's growth can be explained from, read anew only when that can have changed.

    It is stored with snapshots and with the ends of runs: while the finding and all runs are as they were, so is it.
    """

    def __init__(self) -> None:
        self._of: tuple[object, ...] | None = None
        self._found: GrowthReadings | None = None

    def read(
        self, store: Store, source: str, finding: LeakFinding, runs: Sequence[RunInfo]
    ) -> GrowthReadings | None:
        """Return what is known of the growth within the finding's window; None where nothing is to be explained."""
        asked = (source, finding, tuple(runs))
        if asked != self._of:
            self._found, self._of = read_growth(store, source, finding), asked
        return self._found


def read_growth(store: Store, source: str, finding: LeakFinding) -> GrowthReadings | None:
    """Return what the growth within the finding's window can be explained from; None where nothing is to be explained."""
    start, end = finding.window.start, finding.window.end
    if not is_worth_explaining(finding) or start is None or end is None:
        return None
    return growth_between(store, source, start, end)


def growth_between(store: Store, source: str, start: datetime, end: datetime) -> GrowthReadings:
    """Return what growth from `start` to `end` can be explained from."""
    length_seconds = max((end - start).total_seconds(), 1.0)
    buckets = store.buckets(source, start, end, bucket_seconds=length_seconds / CAUSE_POINT_COUNT)
    matrix = store.part_matrix(source, start, end)
    alive = [status for status in (store.deque_status(source) if matrix.names else ()) if status.is_alive]
    return GrowthReadings(
        counters=tuple(_counters(buckets)),
        parts=tuple(_parts(matrix)) if matrix.names else (),
        work=tuple(_work(matrix)),
        unbounded_names=tuple(one.name for one in alive if one.maxlen_count is None),
        bounded_names=tuple(one.name for one in alive if one.maxlen_count is not None),
    )


def _counters(buckets: Buckets) -> Iterator[CauseSeries]:
    for rows in _run_rows(buckets.run_id):
        hours = (buckets.at_seconds[rows] - buckets.at_seconds[rows[0]]) / SECONDS_PER_HOUR
        yield CauseSeries.from_columns(
            hours, {name: column[rows] for name, column in buckets.columns.items()}
        )


def _parts(matrix: PartMatrix) -> Iterator[AttributionSeries]:
    for rows in _run_rows(matrix.run_id):
        yield AttributionSeries.from_arrays(
            matrix.uptime_seconds[rows] / SECONDS_PER_HOUR,
            matrix.footprint_bytes[rows],
            {name: matrix.size_bytes[rows, column] for column, name in enumerate(matrix.names)},
        )


def _work(matrix: PartMatrix) -> Iterator[WorkSeries]:
    for rows in _run_rows(matrix.run_id):
        yield WorkSeries.from_arrays(
            matrix.uptime_seconds[rows] / SECONDS_PER_HOUR,
            matrix.footprint_bytes[rows],
            matrix.work_count[rows],
        )


def _run_rows(run_id: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for number in dict.fromkeys(run_id.tolist()):
        yield np.flatnonzero(run_id == number)
