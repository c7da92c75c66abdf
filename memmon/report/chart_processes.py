"""The pictures of processes side by side: their sum at each moment, and a line for each; no line joins two of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.assessment.lives import history_lanes
from memmon.assessment.together import together
from memmon.report.chart_values import Line
from memmon.units import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from memmon.assessment.assessment import Assessment
    from memmon.history import History
    from memmon.store.read import Buckets

    Floats = NDArray[np.float64]

MOST_LINES = 32
LINE_POINTS = 300
STILL_THERE_BUCKETS = 3
"""A process whose newest reading is no older is there still: processes are read at different moments."""


def are_several(found: Assessment | None) -> bool:
    """Tell whether processes live side by side."""
    return found is not None and len(found.recorded) > 1


def summed(buckets: Buckets) -> Buckets:
    """Return the sums over all processes of each span, as those of one run; a span that one of them lacks is bridged."""
    at, row = np.unique(buckets.at_seconds, return_inverse=True)
    count = np.zeros(at.size, dtype=np.int64)
    np.add.at(count, row, buckets.sample_count)
    runs = [buckets.run_id == number for number in np.unique(buckets.run_id)]
    return replace(
        buckets,
        at_seconds=at,
        run_id=np.zeros(at.size, dtype=np.int64),
        sample_count=count,
        columns={
            name: _sum([_spread(buckets, rows, column, at) for rows in runs])
            for name, column in buckets.columns.items()
        },
    )


def _spread(buckets: Buckets, rows: NDArray[np.bool_], column: Floats, at: Floats) -> Floats:
    """Return one process's values at all spans, NaN where it was not there."""
    known = rows & np.isfinite(column)
    if not known.any():
        return np.full(at.size, np.nan)
    own = buckets.at_seconds[known]
    last = float(own[-1])
    if float(at[-1]) - last <= STILL_THERE_BUCKETS * buckets.bucket_seconds:
        last = float(at[-1])
    return np.where((at >= own[0]) & (at <= last), np.interp(at, own, column[known]), np.nan)


def _sum(columns: list[Floats]) -> Floats:
    table = np.array(columns)
    known = np.isfinite(table).any(axis=0)
    total: Floats = np.where(known, np.nansum(table, axis=0), np.nan)
    return total


def of_finding(buckets: Buckets, found: Assessment) -> Buckets:
    """Return the spans of the process that the verdict is on; of a verdict on all together those of their sum."""
    if found.finding_run_id is None:
        return summed(buckets)
    rows = buckets.run_id == found.finding_run_id
    return replace(
        buckets,
        at_seconds=buckets.at_seconds[rows],
        run_id=buckets.run_id[rows],
        sample_count=buckets.sample_count[rows],
        columns={name: column[rows] for name, column in buckets.columns.items()},
    )


def history_of_finding(history: History, found: Assessment | None) -> History:
    """Return the samples that the verdict is on: of several processes the worst one's, or their sum."""
    if found is None or not are_several(found):
        return history
    lanes = history_lanes(history)
    own = next((lane for lane in lanes if any(one.run_id == found.finding_run_id for one in lane)), None)
    return together(history, lanes) if own is None else history.of_runs(one.run_id for one in own)


def lines_of(buckets: Buckets) -> tuple[Line, ...]:
    """Return a line for each process, the newest `MOST_LINES` of them."""
    return tuple(_lines(buckets))


def _lines(buckets: Buckets) -> Iterator[Line]:
    rss_mb = buckets.columns["rss_bytes"] / MIB
    for number in list(dict.fromkeys(buckets.run_id.tolist()))[-MOST_LINES:]:
        rows = np.flatnonzero((buckets.run_id == number) & np.isfinite(rss_mb))
        few = rows[np.unique(np.linspace(0, rows.size - 1, min(rows.size, LINE_POINTS)).round().astype(int))]
        if few.size > 1:
            yield Line(
                at_seconds=tuple(buckets.at_seconds[few].tolist()), value_mb=tuple(rss_mb[few].tolist())
            )
