"""Which stretch of the history speaks: the newest run, its last hours, or several runs together."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import block_minima, day_columns
from memmon.analysis.leak.floor import FLOOR, FLOOR_DEMANDS, FLOOR_MARGIN, floor_trends
from memmon.analysis.leak.garbage_rule import beyond_garbage, rule_beyond_garbage
from memmon.analysis.leak.jumps import goes_on_by_jumps
from memmon.analysis.leak.onset import Onset, find_onset
from memmon.analysis.leak.onset_interval import QUIET_SHARE
from memmon.analysis.leak.pool import Pool, pool_runs, rule_pool, starts_as_before
from memmon.analysis.leak.recent import RecentTrend, first_alarm, known_profile, recent_trends
from memmon.analysis.leak.rules import DEMANDS, ENOUGH_HOURS, MARGINS, Ruling, is_orderly, margin_for
from memmon.analysis.leak.shape import risen_hours
from memmon.analysis.leak.short import DAY_KNOWN_HOURS, short_alarm
from memmon.analysis.leak.trend import DAY_CYCLE_FROM_HOURS, Trend, fit_trend, shows_days

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.analysis.leak.series import RunSeries

OVERLAP_SECONDS = 3600.0
"""Seconds before the end within which a run was alive still. Chosen: one hourly check."""
MOST_WORKERS = 16
"""Processes side by side that are looked at. Chosen: bounds the cost of a verdict."""
ALONE_FROM_HOURS = 12.0
"""Hours from which the newest run is judged by itself. Tuned on simulated restarts."""
CONTRADICTS_FROM_HOURS = 5.0
"""Hours from which a level newest run outweighs those before. Tuned on simulated restarts."""
ONSET_REFIT_HOURS = 2.5
"""Hours after an onset from which growth is measured anew. Tuned on leaks that begin late."""
AGREES_WITHIN = 0.3
"""Share by which a young slope may differ from that of all runs. Tuned on simulated restarts."""
CONTEXT_SPANS = 2.5
"""Stretches, back from the end, that an onset is looked for in. Tuned on leaks that begin late."""
NOTABLE_SHARE = 0.1
"""Share of the threshold that recent growth is looked for from. Tuned on simulated histories."""
JUMP_BLOCKS_AN_HOUR = 4
"""Blocks an hour whose minima tell jumps. Chosen: three readings of five minutes each."""

AS_BEFORE = "as_before"
"""What fails where a start only repeats earlier ones, whose rise has ended."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """What one stretch says: its slope with error and interval (MB/h), and whether it is an alarm.

    `trend` is None for a pool of runs. `from_seconds`, `to_seconds`: the stretch on the wall clock;
    `hours`: how much was recorded of it. `below`, `above`: how much slower or faster (MB/h) it grows where growth
    began at another time that its onset allows: so much more the interval reaches.
    """

    kind: str
    is_alarm: bool
    failed: str
    slope: float
    error: float
    quantile: float
    from_seconds: float
    to_seconds: float
    hours: float
    run_count: int
    trend: Trend | None
    pool: Pool | None
    series: RunSeries
    below: float = 0.0
    above: float = 0.0

    @property
    def risen_after_hours(self) -> float:
        """How old the run was (as recorded) when it had risen by nine tenths of what it has; pooled runs at the end of a typical one."""
        if self.pool is not None:
            return self.pool.typical_hours
        blocks = None if self.trend is None else self.trend.blocks
        at = None if blocks is None else risen_hours(blocks.hours, blocks.mb)
        end = float(self.series.hours[-1])
        return self.series.history_hours - (0.0 if at is None else end - at)

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.slope - self.quantile * self.error - self.below

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.slope + self.quantile * self.error + self.above

    @property
    def visible(self) -> float:
        """A slope that would come out above zero four times in five."""
        return (self.quantile + 0.84) * self.error


def alive_runs(runs: Sequence[RunSeries]) -> list[RunSeries]:
    """Return the runs that were alive at the end (workers beside one another), the longest first."""
    end = max(float(run.at_seconds[-1]) for run in runs)
    alive = [run for run in runs if run.at_seconds[-1] >= end - OVERLAP_SECONDS]
    return sorted(alive, key=lambda run: run.span_hours, reverse=True)


def newest_run(runs: Sequence[RunSeries]) -> RunSeries:
    """Return the longest of the runs that were alive at the end."""
    return alive_runs(runs)[0]


def gather(
    runs: Sequence[RunSeries], threshold_mb_per_hour: float, *, is_brief: bool = False
) -> Evidence | None:
    """Return the evidence that decides: the first alarm found, else the stretch that knows most.

    None when no run has enough samples for a trend. With `is_brief` the last hours are not looked at by themselves.
    """
    if not runs:
        return None
    newest, *beside = alive_runs(runs)
    whole = whole_evidence(newest, threshold_mb_per_hour)
    alarm = _alarm_among(whole, beside[:MOST_WORKERS], threshold_mb_per_hour)
    if alarm is not None and not starts_as_before(alarm.series, runs):
        return _with_earlier_runs(alarm, runs, threshold_mb_per_hour)
    if alarm is not None and alarm is whole:
        return replace(whole, is_alarm=False, failed=AS_BEFORE)
    notable = NOTABLE_SHARE * threshold_mb_per_hour
    lately = [] if is_brief else recent_trends(newest, at_least=notable)
    other = None if is_brief else _alarm_of_the_last_hours(newest, lately, threshold_mb_per_hour)
    other = other if other is not None or is_brief else _alarm_by_course(whole, threshold_mb_per_hour)
    if other is not None:
        return other
    together = _all_together(runs, newest, threshold_mb_per_hour)
    if whole is None:
        return together
    if together is not None and together.is_alarm:
        return whole if _contradicts(whole, together) else together
    if together is not None and newest.history_hours < ALONE_FROM_HOURS:
        return together
    return whole if whole.low > 0 else _slow_growth(newest, lately, threshold_mb_per_hour) or whole


def _alarm_among(
    whole: Evidence | None, beside: Sequence[RunSeries], threshold_mb_per_hour: float
) -> Evidence | None:
    """Return the alarm of the newest run, else that of the first worker beside it that gives one."""
    if whole is not None and whole.is_alarm:
        return whole
    others = (whole_evidence(worker, threshold_mb_per_hour) for worker in beside)
    return next((other for other in others if other is not None and other.is_alarm), None)


def _alarm_of_the_last_hours(
    newest: RunSeries, lately: Sequence[RecentTrend], threshold_mb_per_hour: float
) -> Evidence | None:
    """Return the alarm that the last hours are, None where they are none."""
    recent = first_alarm(newest, lately, threshold_mb_per_hour) or short_alarm(
        newest, threshold_mb_per_hour, known_hours=DAY_KNOWN_HOURS
    )
    if recent is None:
        return None
    found = of_trend(f"last {recent.hours:g} h", newest, recent.trend, is_alarm=True, failed="")
    return since_onset(found, at_least=threshold_mb_per_hour)


def _slow_growth(
    newest: RunSeries, lately: Sequence[RecentTrend], threshold_mb_per_hour: float
) -> Evidence | None:
    """Return growth below the threshold, yet worth a word, that only the last hours show, their daily cycle known."""
    known_days = [recent for recent in lately if recent.profile is not None]
    slow = first_alarm(newest, known_days, NOTABLE_SHARE * threshold_mb_per_hour)
    if slow is None or slow.trend.slope >= threshold_mb_per_hour:
        return None
    return of_trend(f"last {slow.hours:g} h", newest, slow.trend, is_alarm=False, failed="slope")


def _with_earlier_runs(alarm: Evidence, runs: Sequence[RunSeries], threshold_mb_per_hour: float) -> Evidence:
    """Return the alarm of a young run, told from all runs together where they agree."""
    if alarm.hours < ENOUGH_HOURS:
        together = _all_together(runs, alarm.series, threshold_mb_per_hour)
        if (
            together is not None
            and abs(together.slope - alarm.slope) <= AGREES_WITHIN * together.slope
            and together.is_alarm
            and together.hours > alarm.hours
        ):
            return together
    return since_onset(alarm, at_least=threshold_mb_per_hour)


def _all_together(
    runs: Sequence[RunSeries], newest: RunSeries, threshold_mb_per_hour: float
) -> Evidence | None:
    """Return what several runs say together, None where they can't be pooled."""
    pool = pool_runs(runs, threshold_mb_per_hour) if len(runs) > 1 else None
    return None if pool is None else _of_pool(runs, newest, pool, threshold_mb_per_hour)


def whole_evidence(run: RunSeries, threshold_mb_per_hour: float) -> Evidence | None:
    """Return what all of one run says, None when it is too short for a trend."""
    trend = fit_trend(run.hours, run.mb)
    if trend is None:
        return None
    ruling = rule_beyond_garbage(
        run,
        trend,
        threshold_mb_per_hour,
        margin=margin_for(run.history_hours),
        known_hours=run.history_hours,
    )
    return of_trend("whole", run, trend, is_alarm=ruling.is_alarm, failed=ruling.failed)


def _alarm_by_course(whole: Evidence | None, threshold_mb_per_hour: float) -> Evidence | None:
    """Return the alarm that the floor of a run is, else that of growth by jumps; None where neither is one, or the run is young."""
    if whole is None or whole.trend is None or whole.hours < ENOUGH_HOURS:
        return None
    return floor_alarm(whole, threshold_mb_per_hour) or jump_alarm(whole, threshold_mb_per_hour)


def floor_alarm(whole: Evidence | None, threshold_mb_per_hour: float) -> Evidence | None:
    """Return the alarm that the floor of a run is below load that comes and goes, None where it is none or the run is young.

    `whole`: what all of the run says.
    """
    if whole is None or whole.trend is None or whole.hours < ENOUGH_HOURS:
        return None
    run = whole.series
    for _, trend in floor_trends(run, whole.trend, threshold_mb_per_hour):
        ruling = rule_beyond_garbage(
            run,
            trend,
            threshold_mb_per_hour,
            margin=FLOOR_MARGIN,
            demands=FLOOR_DEMANDS,
            known_hours=run.history_hours,
        )
        if ruling.is_alarm:
            found = of_trend("whole", run, trend, is_alarm=True, failed="")
            return replace(found, kind=FLOOR)
    return None


def jump_alarm(whole: Evidence | None, threshold_mb_per_hour: float) -> Evidence | None:
    """Return the alarm that growth by jumps is, whatever a line through them says of its end; None where it is none or the run is young.

    `whole`: what all of the run says.
    """
    if whole is None or whole.trend is None or whole.hours < ENOUGH_HOURS:
        return None
    run, slope = whole.series, whole.trend.slope
    if slope < DEMANDS.by_floors_share * threshold_mb_per_hour or not is_orderly(whole.trend):
        return None
    blocks = block_minima(run.hours, run.mb, block_count=round(JUMP_BLOCKS_AN_HOUR * run.span_hours))
    ruling = Ruling(is_alarm=goes_on_by_jumps(blocks.hours, blocks.mb, slope * run.span_hours))
    beyond = slope - threshold_mb_per_hour
    ruling = beyond_garbage(run, ruling, beyond_mb_per_hour=beyond, span_hours=run.span_hours)
    return replace(whole, is_alarm=True, failed="") if ruling.is_alarm else None


def onset_of(evidence: Evidence) -> Onset:
    """Return since when the evidence's run grows, on its uptime clock.

    Looked for in the stretch and, for a recent one, as much again before it.
    """
    run = evidence.series
    if evidence.trend is None:
        first = float(run.hours[0])
        return Onset(hours=first, earliest_hours=first, latest_hours=first, found=False)
    if evidence.kind == FLOOR:
        blocks = evidence.trend.blocks
        return find_onset(blocks.hours, blocks.mb, number=blocks.number, day_cycle=False, may_hide_days=False)
    back = run.span_hours if evidence.kind == "whole" else CONTEXT_SPANS * evidence.trend.span_hours
    cut = int(np.searchsorted(run.hours, run.hours[-1] - back - 1e-6))
    hours, mb = run.hours[cut:], run.mb[cut:]
    blocks = block_minima(hours, mb)
    level = blocks.mb
    known = known_profile(run, cut)
    if known is not None:
        level = level - day_columns(blocks.hours) @ known
    cyclic = known is None and hours[-1] - hours[0] >= DAY_CYCLE_FROM_HOURS and shows_days(blocks)
    may_hide = known is None and not cyclic
    return find_onset(blocks.hours, level, number=blocks.number, day_cycle=cyclic, may_hide_days=may_hide)


def since_onset(grown: Evidence, *, at_least: float, below: float = math.inf) -> Evidence:
    """Return the growth measured from its onset on, where one is seen and enough came after it.

    `at_least`, `below`: the slopes (MB/h) between which the verdict stays the same.
    """
    onset = onset_of(grown)
    run = grown.series
    cut = int(np.searchsorted(run.hours, onset.hours))
    found = grown
    if onset.found and run.hours[-1] - onset.hours >= ONSET_REFIT_HOURS:
        trend = fit_trend(run.hours[cut:], run.mb[cut:], profile=known_profile(run, cut))
        if trend is not None and at_least <= trend.slope < below:
            found = of_trend("since onset", run, trend, is_alarm=grown.is_alarm, failed=grown.failed)
    return found if found.trend is None else _with_other_onsets(found, onset)


def _with_other_onsets(grown: Evidence, onset: Onset) -> Evidence:
    """Return growth with an interval that reaches as far as it would had growth begun when it may have begun.

    Until a day's cycle can be told, memory may go on beside it as it went before: so much more each way.
    """
    run = grown.series
    earliest, latest = (
        _trend_from(run, hours) or grown for hours in (onset.earliest_hours, onset.latest_hours)
    )
    drift = min(_drift_before(run, onset), QUIET_SHARE * grown.slope)
    # Growth that began earlier was slower, what began later faster.
    below = max(grown.slope - earliest.slope, drift, _warm_up_left(grown))
    return replace(grown, below=below, above=max(latest.high - grown.high, 0.0) + drift)


def _warm_up_left(grown: Evidence) -> float:
    """Return by how much slower young growth may go on, as it bends: it may be a warm-up's in part; 0.0 where it is not young."""
    if grown.trend is None or grown.series.history_hours >= MARGINS[-1][0]:
        return 0.0
    return min(grown.slope - grown.trend.ahead_slope, QUIET_SHARE * grown.slope)


def _trend_from(run: RunSeries, hours: float) -> Trend | None:
    """Return the trend of what a run did since an hour of its uptime, or in the last hours that can be measured anew."""
    cut = int(np.searchsorted(run.hours, min(hours, run.hours[-1] - ONSET_REFIT_HOURS)))
    return fit_trend(run.hours[cut:], run.mb[cut:], profile=known_profile(run, cut))


def _drift_before(run: RunSeries, onset: Onset) -> float:
    """Return by how much an hour memory moved before growth began, either way; 0.0 where days tell, or too little came before."""
    cut = int(np.searchsorted(run.hours, onset.hours))
    before_hours = onset.hours - float(run.hours[0])
    if not onset.found or before_hours < ONSET_REFIT_HOURS or run.span_hours >= DAY_CYCLE_FROM_HOURS:
        return 0.0
    before = fit_trend(run.hours[:cut], run.mb[:cut])
    return 0.0 if before is None else abs(before.slope)


def _contradicts(whole: Evidence, together: Evidence) -> bool:
    """Tell whether the newest run, long enough, does not grow as the runs before it did."""
    return whole.hours >= CONTRADICTS_FROM_HOURS and whole.high < together.slope / 2


def of_trend(kind: str, run: RunSeries, trend: Trend, *, is_alarm: bool, failed: str) -> Evidence:
    """Return what a trend of the last part of a run (or, where `kind` is "whole", of all of it) says."""
    first = int(np.searchsorted(run.hours, run.hours[-1] - trend.span_hours - 1e-6))
    return Evidence(
        kind=kind,
        is_alarm=is_alarm,
        failed=failed,
        slope=trend.slope,
        error=trend.spread,
        quantile=trend.quantile,
        from_seconds=run.first_at_seconds if kind == "whole" else float(run.at_seconds[first]),
        to_seconds=float(run.at_seconds[-1]),
        hours=run.history_hours if kind == "whole" else trend.span_hours,
        run_count=1,
        trend=trend,
        pool=None,
        series=run,
    )


def _of_pool(
    runs: Sequence[RunSeries], newest: RunSeries, pool: Pool, threshold_mb_per_hour: float
) -> Evidence:
    ruling = beyond_garbage(
        newest,
        rule_pool(pool, threshold_mb_per_hour),
        beyond_mb_per_hour=pool.slope - threshold_mb_per_hour,
        span_hours=newest.span_hours,
    )
    begin = min(run.first_at_seconds for run in runs)
    end = max(float(run.at_seconds[-1]) for run in runs)
    recorded = sum(run.history_hours for run in runs)
    return Evidence(
        kind="pooled",
        is_alarm=ruling.is_alarm,
        failed=ruling.failed,
        slope=pool.slope,
        error=pool.error,
        quantile=pool.quantile,
        from_seconds=begin,
        to_seconds=end,
        hours=min(recorded, (end - begin) / 3600),
        run_count=pool.run_count,
        trend=None,
        pool=pool,
        series=newest,
    )
