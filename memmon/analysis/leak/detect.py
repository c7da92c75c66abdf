"""The verdict: does this history leak? One function for monitor, hourly check, report and command line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from memmon.analysis.leak.evidence import newest_run, onset_of
from memmon.analysis.leak.finding import (
    Confidence,
    LeakFinding,
    LeakPolicy,
    LeakWindow,
    Verdict,
    confidence_of,
)
from memmon.analysis.leak.joined import joined
from memmon.analysis.leak.mapped_files import growth_in_mapped_files
from memmon.analysis.leak.resident import resident_clause, resident_slope
from memmon.analysis.leak.series import run_series, thinned
from memmon.analysis.leak.signals.by_work import leak_by_work
from memmon.analysis.leak.signals.carried import carried_by_parts
from memmon.analysis.leak.signals.holes import holes_left_mb
from memmon.analysis.leak.signals.known import beside_harmless
from memmon.analysis.leak.signals.week_ago import LEAST_PAIRED_HOURS, leak_of_weeks
from memmon.analysis.leak.signals.wording import signal_clause, unseen_clause
from memmon.analysis.leak.signals.working_pace import leak_at_working_pace
from memmon.analysis.leak.states import judge_runs
from memmon.analysis.leak.weekday import HOURS_PER_WEEK
from memmon.analysis.leak.wording import details_of, summary_of
from memmon.analysis.stats.newey_west import ols_newey_west
from memmon.facts.signals import Signal
from memmon.history import as_history
from memmon.units import MIB, SECONDS_PER_HOUR

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from memmon.analysis.leak.evidence import Evidence
    from memmon.analysis.leak.judgement import Judgement
    from memmon.analysis.stats.newey_west import LeastSquares, OlsTrend
    from memmon.history import History

    FloatArray = NDArray[np.float64]

__all__ = ["Confidence", "LeakFinding", "LeakPolicy", "LeakWindow", "Verdict", "detect_leak"]

DEFAULT_POLICY = LeakPolicy()


def detect_leak(
    history: History | pd.DataFrame | pd.Series[Any],
    policy: LeakPolicy = DEFAULT_POLICY,
    *,
    now: datetime | None = None,
) -> LeakFinding:
    """Judge `history` under `policy`, as of `now` (aware; default: its last sample).

    `history`: a History, or a DataFrame or Series (of bytes, its index times) as `History.from_frame` takes it.
    Samples after `now` and older than `policy.look_back_hours` before it are left out; where the verdict would be
    `cannot_say` or `growing`, those of the week before that serve to compare each hour with. Never raises for lack of data: then the verdict is `cannot_say` and `reason` tells what is missing.

    Raises ValueError when `now` is naive, and where a frame is no history.
    """
    return judge_history(as_history(history), policy, now=now)


def judge_history(
    history: History,
    policy: LeakPolicy,
    *,
    now: datetime | None = None,
    least_squares: LeastSquares = ols_newey_west,
) -> LeakFinding:
    """Do what `detect_leak` does, with the second trend by `least_squares`: the closed form, or statsmodels' own."""
    known, history = history, _looked_at(history, policy, now)
    window = LeakWindow(
        start=history.first_at,
        end=history.last_at,
        duration_hours=history.duration_hours,
        run_count=len(history.runs),
        kind="empty" if history.is_empty else "whole",
    )
    if len(history) < max(policy.min_sample_count, 2):
        return _silent(
            history,
            policy,
            window,
            "insufficient_data",
            f"Insufficient data: {len(history)} samples, at least {policy.min_sample_count} needed",
        )
    if window.duration_hours < policy.min_duration_hours * (1 - 1e-6):
        return _silent(
            history,
            policy,
            window,
            "insufficient_duration",
            f"Insufficient duration: {window.duration_hours:.1f} h, "
            f"at least {policy.min_duration_hours:g} h needed",
        )
    return _judge(history, known, policy, window, least_squares)


def _looked_at(history: History, policy: LeakPolicy, now: datetime | None) -> History:
    if history.is_empty:
        return history
    if now is not None and now.tzinfo is None:
        raise ValueError("now must be timezone-aware: pass datetime(..., tzinfo=UTC)")
    end_seconds = history.last_seconds if now is None else now.timestamp()
    return history.slice_time(end_seconds - policy.look_back_hours * SECONDS_PER_HOUR, end_seconds)


def _silent(
    history: History, policy: LeakPolicy, window: LeakWindow, reason: str, summary: str
) -> LeakFinding:
    """Return the finding of a history that nothing can be said of."""
    footprint = history.footprint_bytes
    growth_mb = float(footprint[-1] - footprint[0]) / MIB if len(history) else None
    return LeakFinding(
        verdict=Verdict.CANNOT_SAY,
        is_leak=False,
        confidence=Confidence.LOW,
        slope_mb_per_hour=None,
        slope_low_mb_per_hour=None,
        slope_high_mb_per_hour=None,
        ols_slope_mb_per_hour=None,
        ols_slope_low_mb_per_hour=None,
        ols_slope_high_mb_per_hour=None,
        growth_mb=growth_mb,
        since=None,
        since_earliest=None,
        since_latest=None,
        duration_hours=window.duration_hours,
        sample_count=len(history),
        smallest_visible_slope_mb_per_hour=None,
        summary=summary,
        details=(),
        reason=reason,
        policy=policy,
        window=window,
        source=history.source,
    )


def _judge(
    history: History, known: History, policy: LeakPolicy, window: LeakWindow, least_squares: LeastSquares
) -> LeakFinding:
    """Judge a history; `known`: with what came before it, if that is known."""
    threshold, pieces = policy.threshold_mb_per_hour, history
    history = joined(pieces)
    judgement = _judgement(history, policy)
    if history is not pieces and (judgement is None or judgement.verdict is not Verdict.LEAKING):
        # Restarts that end at the level of the next start look like pieces: apart they may show a leak.
        apart = _judgement(pieces, policy)
        if judgement is None or (apart is not None and apart.verdict is Verdict.LEAKING):
            history, judgement = pieces, apart
    if judgement is None:
        text = "Insufficient data: no run has enough readings, well enough spread, for a trend"
        return _silent(history, policy, window, "insufficient_data", text)
    in_files = growth_in_mapped_files(
        history, judgement, warm_up_hours=policy.warm_up_hours, threshold_mb_per_hour=threshold
    )
    found = in_files or judgement
    if found.verdict.row.asks_week_before and len(known) > len(pieces):
        before, beside = _beside_week_before(known, pieces, policy)
        history, found = (history, found) if beside is None else (before, beside)
    return _finding(history, policy, found, least_squares(*_second_series(found.evidence)))


def _judgement(history: History, policy: LeakPolicy) -> Judgement | None:
    prepared = (run_series(run, warm_up_hours=policy.warm_up_hours) for run in history.per_run())
    runs = [run for run in prepared if run is not None]
    threshold = policy.threshold_mb_per_hour
    judgement = judge_runs(runs, threshold)
    if judgement is None:
        return None
    given = {"warm_up_hours": policy.warm_up_hours, "threshold_mb_per_hour": threshold}
    carried = carried_by_parts(history, runs, judgement, **given)
    by_work = leak_by_work(history, runs, carried, **given)
    return by_work or leak_at_working_pace(history, runs, carried, **given) or carried


def _beside_week_before(
    known: History, history: History, policy: LeakPolicy
) -> tuple[History, Judgement | None]:
    """Return what is known of two weeks, and the leak that its newest run shows beside the week before; None without one."""
    last_seconds = history.last_seconds
    back_seconds = (policy.look_back_hours + HOURS_PER_WEEK) * SECONDS_PER_HOUR
    longer = joined(known.slice_time(last_seconds - back_seconds, last_seconds))
    prepared = (run_series(run, warm_up_hours=policy.warm_up_hours) for run in longer.per_run())
    newest = newest_run([run for run in prepared if run is not None])
    if newest.history_hours < LEAST_PAIRED_HOURS + HOURS_PER_WEEK:
        return longer, None
    return longer, leak_of_weeks(beside_harmless(newest), policy.threshold_mb_per_hour)


def _finding(history: History, policy: LeakPolicy, judgement: Judgement, ols: OlsTrend | None) -> LeakFinding:
    """Return the finding that a judgement is."""
    threshold, evidence = policy.threshold_mb_per_hour, judgement.evidence
    stretch = history.slice_time(evidence.from_seconds, evidence.to_seconds)
    is_resident = history.anon_bytes is None and history.swap_bytes is None
    is_whole = judgement.measured is Signal.FOOTPRINT
    rss_slope = evidence.slope if is_resident and is_whole else resident_slope(stretch)
    since, earliest, latest = _since(judgement)
    holes_mb = None if is_whole else holes_left_mb(history.of_runs([evidence.series.run_id]))
    clause = unseen_clause(judgement, resident=rss_slope, holes_mb=holes_mb) or resident_clause(
        stretch, judgement.verdict, slope=evidence.slope, resident=rss_slope
    )
    said = (summary_of(judgement, threshold, since=since), signal_clause(judgement, since), clause)
    return LeakFinding(
        verdict=judgement.verdict,
        is_leak=judgement.verdict is Verdict.LEAKING,
        confidence=confidence_of(evidence.low, evidence.hours, threshold),
        slope_mb_per_hour=evidence.slope,
        slope_low_mb_per_hour=evidence.low,
        slope_high_mb_per_hour=evidence.high,
        rss_slope_mb_per_hour=rss_slope,
        resident_clause=clause,
        ols_slope_mb_per_hour=None if ols is None else ols.slope_mb_per_hour,
        ols_slope_low_mb_per_hour=None if ols is None else ols.slope_low_mb_per_hour,
        ols_slope_high_mb_per_hour=None if ols is None else ols.slope_high_mb_per_hour,
        growth_mb=_growth_mb(stretch) if is_whole else _part_growth_mb(evidence),
        since=since,
        since_earliest=earliest,
        since_latest=latest,
        duration_hours=evidence.hours,
        sample_count=len(stretch),
        smallest_visible_slope_mb_per_hour=evidence.visible,
        summary="; ".join(filter(None, said)),
        details=details_of(judgement, ols, threshold),
        reason=judgement.reason,
        policy=policy,
        window=LeakWindow(
            start=_utc(evidence.from_seconds),
            end=_utc(evidence.to_seconds),
            duration_hours=evidence.hours,
            run_count=evidence.run_count,
            kind=evidence.kind,
        ),
        source=history.source,
        paused_hours=judgement.paused_hours,
        signal=judgement.signal,
        slope_signal=judgement.measured,
        holes_mb=holes_mb,
        risen_after_hours=evidence.risen_after_hours,
    )


def _part_growth_mb(evidence: Evidence) -> float:
    """Return the last less the first reading of a part of memory over the stretch."""
    run = evidence.series
    first = int(np.searchsorted(run.at_seconds, evidence.from_seconds - 1e-3))
    return float(run.mb[-1] - run.mb[min(first, run.mb.size - 1)])


def _growth_mb(stretch: History) -> float:
    """Return the last less the first footprint, summed over the runs: a restart is no shrinking."""
    grown = 0.0
    for run in stretch.per_run():
        footprint = run.footprint_bytes
        grown += float(footprint[-1] - footprint[0])
    return grown / MIB


def _second_series(evidence: Evidence) -> tuple[FloatArray, FloatArray]:
    """Return what the second regression sees: hours and MB of the samples of the stretch."""
    run = evidence.series
    hours, mb = run.hours, run.mb
    if evidence.trend is not None and evidence.trend.span_hours < run.span_hours:
        cut = int(np.searchsorted(hours, hours[-1] - evidence.trend.span_hours - 1e-6))
        hours, mb = hours[cut:], mb[cut:]
    return thinned(hours, mb)


def _since(judgement: Judgement) -> tuple[datetime | None, datetime | None, datetime | None]:
    """Return since when memory grows (or stepped), with the earliest and latest time it may have begun."""
    run = judgement.evidence.series
    if judgement.since_hours is not None:
        at = _utc(float(np.interp(judgement.since_hours, run.hours, run.at_seconds)))
        return at, at, at
    if not judgement.verdict.row.grows:
        return None, None, None
    if judgement.evidence.kind == "pooled":
        begin = _utc(judgement.evidence.from_seconds)
        return begin, begin, begin
    growing = judgement.resident or judgement.carrier or judgement.evidence
    run = growing.series
    onset = onset_of(growing)
    hours = [onset.hours, onset.earliest_hours, onset.latest_hours]
    at, earliest, latest = (_utc(second) for second in np.interp(hours, run.hours, run.at_seconds).tolist())
    if not onset.found:
        begin = _utc(growing.from_seconds)
        return begin, begin, max(begin, latest)
    return at, earliest, latest


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
