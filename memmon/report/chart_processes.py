"""The pictures of processes side by side: their sum at each moment, and a line for each; no line joins two of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.arrays import distinct
from memmon.assessment.lives import history_lanes
from memmon.assessment.together import together
from memmon.report.chart_pauses import breaks_of
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
    """Return the sums over all processes of each span, as those of one run.

    A span that one of them lacks is bridged; where one was not read for longer, the sum is not known and left out.
    """
    at, row = np.unique(buckets.at_seconds, return_inverse=True)
    count = np.zeros(at.size, dtype=np.int64)
    np.add.at(count, row, buckets.sample_count)
    runs = [buckets.run_id == number for number in distinct(buckets.run_id)]
    known = ~np.any([_unread(buckets, rows, at) for rows in runs], axis=0)
    return replace(
        buckets,
        at_seconds=at[known],
        run_id=np.zeros(int(known.sum()), dtype=np.int64),
        sample_count=count[known],
        columns={
            name: _sum([_spread(buckets, rows, column, at)[known] for rows in runs])
            for name, column in buckets.columns.items()
        },
    )


def _unread(buckets: Buckets, rows: NDArray[np.bool_], at: Floats) -> NDArray[np.bool_]:
    """Tell which spans lie in a pause of one process."""
    own = buckets.at_seconds[rows]
    cuts = breaks_of(own, buckets.run_id[rows], bucket_seconds=buckets.bucket_seconds)
    pauses = [(at > own[cut - 1]) & (at < own[cut]) for cut in cuts.tolist()]
    found: NDArray[np.bool_] = np.any([np.zeros(at.size, dtype=bool), *pauses], axis=0)
    return found


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
        own = np.flatnonzero((buckets.run_id == number) & np.isfinite(rss_mb))
        at = buckets.at_seconds[own]
        cuts = breaks_of(at, buckets.run_id[own], bucket_seconds=buckets.bucket_seconds)
        for rows in np.split(own, cuts):
            yield from _line(buckets, rows, rss_mb, most=max(LINE_POINTS * rows.size // own.size, 2))


def _line(buckets: Buckets, rows: NDArray[np.int64], rss_mb: Floats, *, most: int) -> Iterator[Line]:
    """Yield the line of a stretch without a pause, in at most so many points."""
    few = rows[distinct(np.linspace(0, rows.size - 1, min(rows.size, most)).round().astype(int))]
    if few.size > 1:
        yield Line(at_seconds=tuple(buckets.at_seconds[few].tolist()), value_mb=tuple(rss_mb[few].tolist()))
