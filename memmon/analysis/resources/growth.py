"""The growth of a count, by the means of the verdict on memory and by demands of its own.

A count has no threshold above which growth is a leak, and a healthy program's counts start low, come in steps, follow
the hour of the day and wander. So growth is told only when a day was seen of it, when it is many times its error, when
it is as fast at the end as at the beginning, when it leads to where the count never was before, and when all that was
so hours ago already: what is asked every hour for a week is asked often, and chance passes within a few of them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import block_minima
from memmon.analysis.leak.evidence import Evidence, of_trend, onset_of, since_onset
from memmon.analysis.leak.recent import first_alarm, recent_trends
from memmon.analysis.leak.rules import ENOUGH_HOURS, RECENT_MARGINS, rule
from memmon.analysis.leak.series import RunSeries
from memmon.analysis.leak.shape import find_steps, is_stepped
from memmon.analysis.leak.trend import fit_trend, trend_of_blocks
from memmon.analysis.resources.finding import ResourceGrowth, ResourceState
from memmon.arrays import median_of
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from memmon.analysis.leak.trend import Trend
    from memmon.history import History

    FloatArray = NDArray[np.float64]

FEWEST_SAMPLES = 24
"""Samples that a count needs to be judged. Chosen: one an hour over a day."""
LEAST_GROWTH_COUNT = 8.0
"""Growth over the stretch, in counts, from which on it is told. Chosen: a pool of eight workers may start late."""
LEAST_ROUGH_COUNT = LEAST_GROWTH_COUNT / 2
"""Growth between the ends of a stretch below which it is not looked at closely. Chosen: half of what is told."""
LEAST_ERRORS = 4.0
"""Standard errors that a slope stands above zero. Tuned: false alarms."""
SURE_SHARE = 0.5
"""Part of the slope that is surely there: by that many standard errors less, too. Chosen: half."""
LASTING_SHARE = 0.4
"""Part of the slope that the last part, and each third over the one before, must have. Tuned: pools that fill."""
PLAIN_SHARE = 0.3
"""Part of the slope that each third has over the one before with the daily cycle in it. Tuned: steps."""
FLOOR_SHARE = 0.3
"""Part of the growth by which the lowest of the last third lies above the first. Tuned: counts that wander."""
RECENT_FROM_HOURS = 24.0
"""The shortest of the last hours that are judged by themselves. Chosen: a day holds the day's cycle."""
SEEN_AGAIN_HOURS = 4.0
"""Hours after which growth must be seen again. Tuned: of healthy counts asked hourly over a week 7 to 1.6 % told once."""
ROUGH_END_SHARE = 0.1
"""Share of a history at each of its ends between which its growth is told roughly. Chosen: a tenth."""

_CANNOT_SAY = ResourceGrowth(state=ResourceState.CANNOT_SAY)
_STILL = ResourceGrowth(
    state=ResourceState.STEADY, slope_per_hour=0.0, slope_low_per_hour=0.0, slope_high_per_hour=0.0
)


def rough_growth(counts: FloatArray) -> float:
    """Return by how much a count has grown, between the medians of its ends; 0.0 where too little is known of it."""
    known = counts[np.isfinite(counts)]
    if known.size < FEWEST_SAMPLES:
        return 0.0
    ends = max(round(ROUGH_END_SHARE * known.size), 1)
    return median_of(known[-ends:]) - median_of(known[:ends])


def resource_growth(run: History, counts: FloatArray, *, warm_up_hours: float) -> ResourceGrowth:
    """Return whether `counts`, one for each sample of one run (NaN: not known), grow.

    `cannot_say` with less than a day's readings, the start included; the first `warm_up_hours` are left out. Growth
    is what was growth `SEEN_AGAIN_HOURS` ago, too.
    """
    found = _growth_now(run, counts, warm_up_hours)
    if found.state is not ResourceState.GROWING:
        return found
    known = run.uptime_seconds[np.isfinite(counts)]
    earlier = run.uptime_seconds <= known[-1] - SEEN_AGAIN_HOURS * SECONDS_PER_HOUR
    before = _growth_now(run, np.where(earlier, counts, np.nan), warm_up_hours).state
    if before is ResourceState.STEADY:
        return replace(found, state=ResourceState.STEADY, since=None)
    return found if before is ResourceState.GROWING else _CANNOT_SAY


def _growth_now(run: History, counts: FloatArray, warm_up_hours: float) -> ResourceGrowth:
    """Return whether counts grow by what is known up to the last of them."""
    series = _series(run, counts, warm_up_hours)
    if series is not None and not np.ptp(series.mb):
        return _STILL
    trend = None if series is None else fit_trend(series.hours, series.mb)
    if series is None or trend is None:
        return _CANNOT_SAY
    growing = _growing(series, trend)
    if growing is not None:
        return _grown(growing)
    return ResourceGrowth(
        state=ResourceState.STEADY,
        slope_per_hour=trend.slope,
        slope_low_per_hour=trend.low,
        slope_high_per_hour=trend.high,
    )


def _series(run: History, counts: FloatArray, warm_up_hours: float) -> RunSeries | None:
    """Return the counts as the means of the verdict take them, None where too little is known."""
    known = np.isfinite(counts) & (counts >= 0)
    hours = run.uptime_seconds / SECONDS_PER_HOUR
    if int(known.sum()) < FEWEST_SAMPLES or float(np.ptp(hours[known])) < ENOUGH_HOURS:
        return None
    keep = known & (hours >= warm_up_hours)
    if int(keep.sum()) < FEWEST_SAMPLES:
        return None
    return RunSeries(
        run_id=int(run.run_id[0]),
        history_hours=float(np.ptp(hours[known])),
        first_at_seconds=float(run.at_seconds[known][0]),
        at_seconds=run.at_seconds[keep],
        hours=hours[keep],
        mb=counts[keep],
        filled_mb=None,
        most_filled_mb=None,
        work=None,
    )


def _growing(series: RunSeries, trend: Trend) -> Evidence | None:
    """Return the growth of all of the run, else of its last days, that went up to where the count never was; else None."""
    if _goes_on(trend) and _is_seen_plainly(series, trend):
        return of_trend("whole", series, trend, is_alarm=True, failed="")
    for recent in recent_trends(series, _rising_windows(series)):
        if not _goes_on(recent.trend):
            continue
        demanding = replace(recent, margin=_margin())
        if first_alarm(series, [demanding], SURE_SHARE * recent.trend.slope) is not None:
            return of_trend(f"last {recent.hours:g} h", series, recent.trend, is_alarm=True, failed="")
    return None


def _rising_windows(series: RunSeries) -> Iterator[float]:
    """Yield the lengths of the last days that end higher than they begin: of most programs none, which saves their trends."""
    for hours in RECENT_MARGINS:
        cut = int(np.searchsorted(series.hours, series.hours[-1] - hours))
        if cut and hours >= RECENT_FROM_HOURS and rough_growth(series.mb[cut:]) >= LEAST_ROUGH_COUNT:
            yield hours


def _goes_on(trend: Trend) -> bool:
    """Tell growth that is large, certain, as fast at its end as before, and never given back."""
    slope, growth = trend.slope, trend.slope * trend.span_hours
    return (
        growth >= LEAST_GROWTH_COUNT
        and slope >= LEAST_ERRORS * trend.spread
        and min(trend.tail_slope, trend.least_third_slope) >= LASTING_SHARE * slope
        and trend.floor_mb >= FLOOR_SHARE * growth
        and rule(trend, SURE_SHARE * slope, margin=_margin()).is_alarm
    )


def _is_seen_plainly(series: RunSeries, trend: Trend) -> bool:
    """Tell whether growth beside a daily cycle is there before that is taken out: a cycle fitted to a step is none."""
    blocks = block_minima(series.hours, series.mb)
    plain = trend_of_blocks(blocks, span_hours=trend.span_hours)
    steps, rest = find_steps(plain)
    return plain.least_third_slope >= PLAIN_SHARE * trend.slope and not is_stepped(plain, steps, rest)


def _margin() -> float:
    """Return the standard errors by which the slope stands above the share of it that is asked for."""
    return LEAST_ERRORS * (1.0 - SURE_SHARE)


def _grown(growing: Evidence) -> ResourceGrowth:
    """Return growth measured from its onset on, where one is seen."""
    measured = since_onset(growing, at_least=SURE_SHARE * growing.slope)
    found = measured if measured.low > 0 else growing
    onset = onset_of(found)
    series = found.series
    began = (
        float(np.interp(onset.hours, series.hours, series.at_seconds)) if onset.found else found.from_seconds
    )
    return ResourceGrowth(
        state=ResourceState.GROWING,
        slope_per_hour=found.slope,
        slope_low_per_hour=max(found.low, 0.0),
        slope_high_per_hour=found.high,
        since=datetime.fromtimestamp(began, UTC),
    )
