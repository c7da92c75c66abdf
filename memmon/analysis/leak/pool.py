"""Evidence of several runs together: each too short to be judged, all of them rising."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import block_starts
from memmon.analysis.leak.rules import Ruling, margin_for
from memmon.analysis.leak.shape import SAMPLES_OF_LEVEL, lasting_slope, risen_hours
from memmon.analysis.leak.trend import Trend, fit_trend
from memmon.analysis.stats.noise import t_quantile
from memmon.arrays import median_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memmon.analysis.leak.series import RunSeries

    FloatArray = NDArray[np.float64]

SHORTEST_RUN_HOURS = 0.9
"""Hours that a run needs after its warm-up. Tuned on simulated restarts."""
FEWEST_POOLED_SAMPLES = 9
"""Samples that a run needs after its warm-up. Tuned on simulated restarts."""
BLOCKS_PER_RUN = 24
"""Blocks per run: half an envelope, since runs are short. Tuned on simulated restarts."""
MOST_RUNS = 40
"""Runs that are pooled, the longest. Chosen: bounds the cost; weights of T³ make the rest light."""
WARM_UP_HOURS = 1.0
"""Hours after a start that are left out, at most half a run. As in the rules of one run."""
POOL_MARGIN = 2.0
"""Standard errors that the common slope stands above the threshold, at least. Tuned."""
LEAST_TAIL_SHARE = 0.3
"""Slope of the last 30 %, over the whole slope, that pooled runs need. Tuned with the rules of the alarm."""
BENDS_BELOW = -1.0
"""Bend of pooled runs, in standard errors, below which it counts. Tuned on warm-ups."""
LEAST_AHEAD_SHARE = 0.5
"""Parabola's slope half a window ahead, over the threshold. Tuned on warm-ups."""
LEAST_LASTING_SHARE = 0.5
"""Slope beside an approach, over the threshold, that lasts. Tuned on warm-ups."""
AGREEING_SHARE = 0.6
"""Weight of the runs that must rise at half the threshold. Tuned on simulated restarts."""
CURVE_BLOCKS = 16
"""Blocks of the runs' common curve, over a typical run. Tuned on simulated restarts."""
FEWEST_CURVE_BLOCKS = 6
"""Blocks of that curve from which a lasting slope is told. As in the trend."""
MOST_CURVE_BLOCKS = 10_000
"""Blocks of that curve, at most. Chosen: bounds memory for odd clocks."""
COMMON_SHARE = 0.3
"""Share of the most runs that a block of the curve needs. Tuned on runs of uneven length."""
SHORT_RUNS_HOURS = 3.0
"""Hours of a typical run below which the parabola decides. Tuned on warm-ups of short runs."""
SHORT_RUNS_AHEAD_SHARE = 0.65
"""Parabola's slope ahead, over the slope, that they need. Tuned on warm-ups of short runs."""

EARLIER_RUNS = 4
"""Runs before the newest that are asked how they started, the last ones. Chosen: bounds the cost; older ones may be other programs."""
REMAINING_SHARE = 0.3
"""Level time that it needs after that, over the time that it took. Chosen: a straight leak has a ninth."""
REMAINING_HOURS = 1.0
"""Hours of it, at least. Chosen: one hourly check."""
LONGER_SHARE = 1.25
"""A start may take so much longer, and rise so much more, than an earlier one. Tuned with the same."""
LATER_HOURS = 0.5
"""Hours that it may take longer besides: blocks of young runs are that long. Chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The runs' common slope: mean of the runs' slopes, weighted by the cube of their lengths."""

    slope: float
    error: float
    quantile: float
    tail_slope: float
    bend: float
    ahead_slope: float
    agreeing_share: float
    run_count: int
    hours: float
    typical_hours: float
    lasting_slope: float | None = None

    @property
    def low(self) -> float:
        """Lower end of the common slope's 95 % interval."""
        return self.slope - self.quantile * self.error

    @property
    def high(self) -> float:
        """Upper end of the common slope's 95 % interval."""
        return self.slope + self.quantile * self.error


def pool_runs(runs: Sequence[RunSeries], threshold_mb_per_hour: float) -> Pool | None:
    """Pool the trends of the longest runs; None with fewer than two that are long enough."""
    used, trends = [], []
    longest = sorted(runs, key=lambda run: run.span_hours, reverse=True)[:MOST_RUNS]
    for run in longest:
        cut = int(np.searchsorted(run.hours, min(WARM_UP_HOURS, (run.hours[0] + run.hours[-1]) / 2)))
        hours, mb = run.hours[cut:], run.mb[cut:]
        if hours.size >= FEWEST_POOLED_SAMPLES and hours[-1] - hours[0] >= SHORTEST_RUN_HOURS:
            trend = fit_trend(hours, mb, block_count=BLOCKS_PER_RUN)
            if trend is not None:
                trends.append(trend)
                used.append((hours, mb))
    if len(trends) < 2:  # noqa: PLR2004 - a pool is more than one
        return None
    pool = pool_trends(trends, threshold_mb_per_hour)
    if pool.bend >= BENDS_BELOW:
        return pool
    x, y = common_curve(used, pool.slope, pool.typical_hours / CURVE_BLOCKS)
    return replace(pool, lasting_slope=lasting_slope(x, y) if x.size >= FEWEST_CURVE_BLOCKS else -math.inf)


def common_curve(
    runs: Sequence[tuple[FloatArray, FloatArray]], slope: float, length_hours: float
) -> tuple[FloatArray, FloatArray]:
    """Return how the runs, (hours of uptime, MB) each, grow on average: block times and cumulated rises.

    Rises from one block of uptime to the next are averaged over the runs that have both, so that neither
    their levels nor their lengths matter; blocks that few runs reach are left out. Empty when the runs'
    uptimes lie too far apart to have anything in common.
    """
    first = min(float(hours[0]) for hours, _ in runs)
    most = 1 + int((max(float(hours[-1]) for hours, _ in runs) - first) / length_hours)
    if most > MOST_CURVE_BLOCKS:
        return np.empty(0), np.empty(0)
    rise, count = np.zeros(most), np.zeros(most)
    for hours, mb in runs:
        number = np.floor((hours - first) / length_hours).astype(np.int64)
        starts = block_starts(number)
        lowest = np.minimum.reduceat(mb - slope * hours, starts)
        number = number[starts]
        follows = np.flatnonzero(np.diff(number) == 1)
        rise[number[follows]] += np.diff(lowest)[follows]
        count[number[follows]] += 1
    common = np.flatnonzero(count >= max(COMMON_SHARE * count.max(), 1))
    steps = rise[common] / count[common] + slope * length_hours
    return np.asarray((common + 1) * length_hours, dtype=np.float64), np.asarray(np.cumsum(steps), np.float64)


def pool_trends(trends: Sequence[Trend], threshold_mb_per_hour: float) -> Pool:
    """Return the common slope of at least two trends.

    The error grows by the scale factor sqrt(chi2 / (n - 1)) where the runs disagree by more than their
    own errors allow (Birge 1932).
    """
    span = np.array([trend.span_hours for trend in trends])
    slope = np.array([trend.slope for trend in trends])
    error = np.maximum(np.array([trend.error for trend in trends]), 1e-6)
    weight = span**3 / float(np.sum(span**3))
    common = float(weight @ slope)
    within = float(np.sqrt(np.sum((weight * error) ** 2)))
    chi2 = float(np.sum(((slope - common) / error) ** 2))
    between = float(np.sqrt(np.sum((weight * (slope - common)) ** 2) * span.size / (span.size - 1)))
    scale = math.sqrt(max(chi2 / (span.size - 1), 1.0))
    bend_weight = span**2.5
    bends = np.array([trend.bend for trend in trends])
    freedom = sum(trend.blocks.mb.size - 2 for trend in trends)
    return Pool(
        slope=common,
        error=max(min(within * scale, max(between, within)), within),
        quantile=t_quantile(0.975, freedom / 2),
        tail_slope=float(weight @ np.array([trend.tail_slope for trend in trends])),
        bend=float(bend_weight @ np.clip(bends, -8, 8)) / float(np.sqrt(np.sum(bend_weight**2))),
        ahead_slope=float(weight @ np.array([trend.ahead_slope for trend in trends])),
        agreeing_share=float(weight @ (slope >= threshold_mb_per_hour / 2)),
        run_count=span.size,
        hours=float(span.sum()),
        typical_hours=float(weight @ span),
    )


def rule_pool(pool: Pool, threshold_mb_per_hour: float) -> Ruling:
    """Apply the alarm rule to the runs' common slope."""
    if pool.slope < threshold_mb_per_hour or pool.slope <= 0:
        return Ruling(is_alarm=False, failed="slope")
    margin = margin_for(pool.hours)
    if margin is None:
        return Ruling(is_alarm=False, failed="margin")
    if pool.slope - max(margin, POOL_MARGIN) * pool.error < threshold_mb_per_hour:
        return Ruling(is_alarm=False, failed="margin")
    if pool.agreeing_share < AGREEING_SHARE:
        return Ruling(is_alarm=False, failed="agreement")
    if pool.tail_slope < LEAST_TAIL_SHARE * pool.slope:
        return Ruling(is_alarm=False, failed="tail")
    if pool.lasting_slope is not None and not _promises_to_last(pool, threshold_mb_per_hour):
        return Ruling(is_alarm=False, failed="bend")
    return Ruling(is_alarm=True)


def _promises_to_last(pool: Pool, threshold_mb_per_hour: float) -> bool:
    """Tell whether bent growth goes on: beside a warm-up of unknown length, or by the parabola's word.

    Runs of a few hours may be all warm-up: there the parabola must promise most of the slope.
    """
    assert pool.lasting_slope is not None
    if pool.lasting_slope >= LEAST_LASTING_SHARE * threshold_mb_per_hour:
        return True
    if pool.typical_hours < SHORT_RUNS_HOURS:
        return pool.ahead_slope >= min(SHORT_RUNS_AHEAD_SHARE * pool.slope, 2 * threshold_mb_per_hour)
    return pool.ahead_slope >= LEAST_AHEAD_SHARE * threshold_mb_per_hour


def starts_as_before(newest: RunSeries, runs: Sequence[RunSeries]) -> bool:
    """Tell whether the newest run only repeats how runs before it started, whose rise has ended.

    Of the last runs that had ended when it began, those that lived longer than it must all have come to a level, and one of
    them must have risen as much at the same uptime, and have taken as long. A leak of theirs leaves no level.
    """
    before = [run for run in runs if run.at_seconds[-1] < newest.first_at_seconds]
    before = sorted(before, key=lambda run: float(run.at_seconds[-1]))[-EARLIER_RUNS:]
    longer = [run for run in before if run.hours[-1] > newest.hours[-1] + REMAINING_HOURS]
    ended = [_ended_after_hours(run) for run in longer]
    return all(hours is not None for hours in ended) and any(
        hours is not None and _is_alike(newest, run, hours) for run, hours in zip(longer, ended, strict=True)
    )


def _ended_after_hours(run: RunSeries) -> float | None:
    """Return the uptime at which a run's rise had nearly ended, None where it went on or nothing tells."""
    hours = risen_hours(run.hours, run.mb)
    if hours is None:
        return None
    level_hours = float(run.hours[-1]) - hours
    return hours if level_hours >= max(REMAINING_SHARE * hours, REMAINING_HOURS) else None


def _is_alike(newest: RunSeries, run: RunSeries, ended_hours: float) -> bool:
    """Tell whether a start is no longer and no larger than one that ended after so many hours."""
    if newest.hours[-1] > LONGER_SHARE * ended_hours + LATER_HOURS:
        return False
    first_hours = max(float(newest.hours[0]), float(run.hours[0]))
    rises = [_level_at(one, float(newest.hours[-1])) - _level_at(one, first_hours) for one in (newest, run)]
    return rises[0] <= LONGER_SHARE * rises[1]


def _level_at(run: RunSeries, hours: float) -> float:
    """Return the median of the readings round an uptime."""
    place = int(np.searchsorted(run.hours, hours, side="right"))
    first = min(max(place - SAMPLES_OF_LEVEL // 2 - 1, 0), max(run.mb.size - SAMPLES_OF_LEVEL, 0))
    return float(median_of(run.mb[first : first + SAMPLES_OF_LEVEL]))
