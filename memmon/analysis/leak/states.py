"""Which verdict the evidence supports."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.evidence import AS_BEFORE, Evidence, gather, newest_run, since_onset
from memmon.analysis.leak.garbage_rule import GARBAGE
from memmon.analysis.leak.hold import hold
from memmon.analysis.leak.judgement import Judgement
from memmon.analysis.leak.load import slope_beside_load, without_load
from memmon.analysis.leak.rules import ENOUGH_HOURS
from memmon.analysis.leak.series import more_filled, was_found_late
from memmon.analysis.leak.settled import LONG_LEVEL_SHARE, PLATEAU, settled
from memmon.analysis.leak.shape import find_steps, is_saturating, is_stepped
from memmon.analysis.leak.trend import fit_trend
from memmon.arrays import median_of
from memmon.facts.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.analysis.leak.series import RunSeries

DEQUE_SHARE = 0.5
"""Part of the growth in deques from which they lead. Tuned on deques that fill."""
LOAD_LEFT_SHARE = 0.35
"""Slope left beside the load, over the plain one, that load explains. Tuned."""
LOAD_NOTABLE_SHARE = 0.2
"""Share of the threshold from which growth is put beside the load. Tuned."""
LOAD_DOUBT_SHARE = 0.4
"""Part of the slope, at most, by which its interval reaches further for the load. Chosen: as for a drift before an onset."""

PLATEAU_SHARE = 0.35
"""Last part of a run that must be level for growth to have ended. Tuned on warm-ups."""
PLATEAU_HOURS = 3.0
"""Hours of it, at least. Tuned on warm-ups."""
PLATEAU_BENDS_BELOW = -1.5
"""Bend, in standard errors, that growth which ended has. Tuned on warm-ups."""
BENT = -2.0
"""Bend of pooled runs, in standard errors, that all flatten. Tuned on warm-ups of short runs."""
START_SHARE = 0.1
"""Part of the stretch before which a step is a start. Tuned on simulated steps."""
END_SHARE = 0.92
"""Part of the stretch after which a step has not lasted yet. Tuned on simulated steps."""
LEVEL_HOURS = 19.0
"""Hours of it, at least. Chosen: what leaks for eight hours a day did so in three of them."""
LEVEL_RISE_HOURS = 4.5
"""Hours of growth at the threshold, above which its rise may be such a leak's. Chosen: half of what three hours of it leak."""
SMALLEST_STEP_MB = 1.0
"""MB from which a step is worth a word. Chosen: 1 MB."""
STANDS_OUT = 6.0
"""Size of a step, over the standard deviation of what is left, to be worth a word beside none. Tuned: most noise and days stay below 5, most simulated steps reach 8."""
NEGLIGIBLE_SHARE = 0.02
"""Growth below this share of the threshold is real at times, and never worth a word. Chosen: a fiftieth."""


def judge_runs(runs: Sequence[RunSeries], threshold_mb_per_hour: float) -> Judgement | None:
    """Return the verdict on all runs; None when none of them is long enough for a trend.

    A leak that was seen in the act is held through a pause, and another word that says no leak is told when it has lasted.
    """
    judgement = judge_as_it_is(runs, threshold_mb_per_hour)
    if judgement is None:
        return None
    newest = newest_run(runs)
    held = hold(
        judgement,
        runs,
        newest,
        threshold_mb_per_hour,
        lambda then: judge_as_it_is(then, threshold_mb_per_hour),
    )
    return settled(
        held,
        runs,
        newest,
        threshold_mb_per_hour,
        lambda then: judge_as_it_is(then, threshold_mb_per_hour, is_brief=True),
    )


def judge_as_it_is(
    runs: Sequence[RunSeries], threshold_mb_per_hour: float, *, is_brief: bool = False
) -> Judgement | None:
    """Return the same without what earlier checks have seen; `is_brief`: nor the last hours by themselves."""
    plain = gather(runs, threshold_mb_per_hour, is_brief=is_brief)
    if plain is None:
        return None
    found = _beside_work(plain, runs, threshold_mb_per_hour, is_brief=is_brief)
    return (
        replace(found, evidence=_in_doubt_of_load(found.evidence, runs)) if found.verdict.row.grows else found
    )


def _beside_work(
    plain: Evidence, runs: Sequence[RunSeries], threshold_mb_per_hour: float, *, is_brief: bool
) -> Judgement:
    """Judge growth beside the load where it follows that, and beside deques."""
    following = [without_load(run) for run in runs]
    if any(following):
        freed = [run if share is None else share.series for run, share in zip(runs, following, strict=True)]
        rest = gather(freed, threshold_mb_per_hour, is_brief=is_brief)
        if rest is not None:
            return _with_load(plain, rest, freed, threshold_mb_per_hour)
    return _with_deques(plain, runs, threshold_mb_per_hour)


def _with_load(
    plain: Evidence, rest: Evidence, freed: Sequence[RunSeries], threshold_mb_per_hour: float
) -> Judgement:
    """Judge growth that follows the load in part: what remains without the load decides."""
    grows = plain.is_alarm or plain.low > 0 or plain.slope >= LOAD_NOTABLE_SHARE * threshold_mb_per_hour
    explained = rest.low <= 0 or rest.slope < LOAD_LEFT_SHARE * plain.slope
    if grows and not rest.is_alarm and explained:
        return Judgement(verdict=Verdict.LOAD_DRIVEN, reason="work_explains", evidence=plain)
    return _with_deques(rest, freed, threshold_mb_per_hour)


def _in_doubt_of_load(evidence: Evidence, runs: Sequence[RunSeries]) -> Evidence:
    """Return growth with an interval that reaches as far as the load, fitted beside it, may explain some of it or hide it."""
    run = next((one for one in runs if one.run_id == evidence.series.run_id), None)
    beside = None if run is None or evidence.trend is None else slope_beside_load(run, evidence.from_seconds)
    if beside is None or evidence.slope <= 0:
        return evidence
    slope, error = beside
    most = LOAD_DOUBT_SHARE * evidence.slope
    lower = min(max(evidence.low - slope + evidence.quantile * error, 0.0), most)
    upper = min(max(slope + evidence.quantile * error - evidence.high, 0.0), most)
    return replace(evidence, below=evidence.below + lower, above=evidence.above + upper)


def _with_deques(evidence: Evidence, runs: Sequence[RunSeries], threshold_mb_per_hour: float) -> Judgement:
    """Judge growth beside what registered bounded deques took in; what they did at least is subtracted already.

    What they took in at most may excuse an alarm; growth that goes on beyond it is a leak.
    """
    if not evidence.is_alarm and was_found_late(evidence.series):
        # What came in before they were found bends what is left: without it a leak beside them is straight again.
        again = gather([more_filled(run) for run in runs], threshold_mb_per_hour)
        if again is not None and again.is_alarm:
            return Judgement(verdict=Verdict.LEAKING, reason="trend", evidence=again)
    least, filling = _filling_slopes(evidence)
    if filling <= 0:
        return _without_excuse(evidence, threshold_mb_per_hour)
    if evidence.is_alarm:
        wider = [more_filled(run) for run in runs]
        again = gather(wider, threshold_mb_per_hour)
        if again is None or not again.is_alarm:
            return Judgement(verdict=Verdict.FILLING, reason="deques_explain", evidence=evidence)
        return Judgement(verdict=Verdict.LEAKING, reason="trend", evidence=evidence)
    within = max(0.0, evidence.low) <= filling - least
    large = filling >= DEQUE_SHARE * max(evidence.slope + least, 0.0)
    notable = filling * evidence.hours > 2.0 * evidence.error * evidence.hours or evidence.low + least > 0
    negligible = filling < NEGLIGIBLE_SHARE * threshold_mb_per_hour
    if within and large and notable and not negligible:
        return Judgement(verdict=Verdict.FILLING, reason="deques_explain", evidence=evidence)
    return _without_excuse(evidence, threshold_mb_per_hour)


def _filling_slopes(evidence: Evidence) -> tuple[float, float]:
    """Return at what rate (MB/h) deques filled at least and at most; 0.0 both when they no longer do."""
    filled, most = evidence.series.filled_mb, evidence.series.most_filled_mb
    if filled is None or most is None:
        return 0.0, 0.0
    hours = evidence.series.hours
    span = float(hours[-1] - hours[0])
    tail = int(np.searchsorted(hours, hours[-1] - 0.3 * span))
    overall = float(most[-1] - most[0]) / span
    lately = float(most[-1] - most[tail]) / max(float(hours[-1] - hours[tail]), 1e-9)
    if not lately > 0.1 * overall > 0:
        return 0.0, 0.0
    return float(filled[-1] - filled[0]) / span, overall


def judged_alone(evidence: Evidence, threshold_mb_per_hour: float) -> Judgement:
    """Return the verdict on a stretch by itself, where neither deques nor the load excuse anything."""
    return _without_excuse(evidence, threshold_mb_per_hour)


def _without_excuse(evidence: Evidence, threshold_mb_per_hour: float) -> Judgement:
    if evidence.is_alarm:
        return Judgement(verdict=Verdict.LEAKING, reason="trend", evidence=evidence)
    if evidence.low <= 0:
        calm = _no_growth(evidence, threshold_mb_per_hour)
        # Steps that explain why nothing could be said are worth a word; beside `stable` they have to stand out.
        stands_out = STANDS_OUT if calm.verdict is Verdict.STABLE else 0.0
        return _stepped(evidence, stands_out=stands_out) or calm
    if evidence.slope < NEGLIGIBLE_SHARE * threshold_mb_per_hour and evidence.high < threshold_mb_per_hour:
        return Judgement(verdict=Verdict.STABLE, reason="negligible", evidence=evidence)
    if evidence.failed == GARBAGE:
        return Judgement(verdict=Verdict.CANNOT_SAY, reason=GARBAGE, evidence=evidence)
    passing = _passing(evidence, threshold_mb_per_hour)
    if passing is not None:
        return passing
    if evidence.slope >= threshold_mb_per_hour and evidence.hours < ENOUGH_HOURS:
        return Judgement(verdict=Verdict.CANNOT_SAY, reason="too_early", evidence=evidence)
    trend = evidence.trend
    if trend is not None and evidence.slope < threshold_mb_per_hour and trend.cycle_doubt <= 0:
        evidence = since_onset(evidence, at_least=0.0, below=threshold_mb_per_hour)
    return Judgement(verdict=Verdict.GROWING, reason="trend", evidence=evidence)


def _passing(evidence: Evidence, threshold_mb_per_hour: float) -> Judgement | None:
    """Return the verdict on growth that does not go on: it came in steps, slows down, has ended, or did so after starts before; else None."""
    if evidence.failed == AS_BEFORE:
        return Judgement(verdict=Verdict.SATURATING, reason=AS_BEFORE, evidence=evidence)
    slows_down = Judgement(verdict=Verdict.SATURATING, reason="slows_down", evidence=evidence)
    if evidence.trend is None:
        return slows_down if _pool_slows(evidence) else None
    stepped = _stepped(evidence)
    if stepped is None and (is_saturating(evidence.trend) or evidence.failed == "bend"):
        return _ended(evidence, threshold_mb_per_hour) or slows_down
    return stepped


def _stepped(evidence: Evidence, *, stands_out: float = 0.0) -> Judgement | None:
    """Return `stepped` when a few lasting steps up explain what growth there is, else None.

    `stands_out`: how large the largest must be, over the standard deviation of what is left between them.

    A rise at the very beginning is a start-up, one at the very end may go on, one below a MB is not
    worth a word: those are no steps.
    """
    trend = evidence.trend
    if trend is None:
        return None
    steps, rest = find_steps(trend)
    if not is_stepped(trend, steps, rest, is_doubted=not evidence.is_alarm):
        return None
    largest = max(steps, key=lambda step: step.size_mb)
    begin = float(trend.blocks.hours[0])
    if not START_SHARE <= (largest.hours - begin) / trend.span_hours <= END_SHARE or largest.size_mb < max(
        SMALLEST_STEP_MB, stands_out * rest.scatter_mb
    ):
        return None
    return Judgement(
        verdict=Verdict.STEPPED, reason="steps_explain", evidence=evidence, since_hours=largest.hours
    )


def _pool_slows(evidence: Evidence) -> bool:
    """Tell whether the runs of a pool all flatten, as warm-ups do."""
    pool = evidence.pool
    if pool is None:
        return False
    return evidence.failed in {"tail", "bend"} or (pool.bend < BENT and pool.ahead_slope < pool.slope / 2)


def _no_growth(evidence: Evidence, threshold_mb_per_hour: float) -> Judgement:
    """No slope above zero: say so when a leak at the threshold would have shown, else that it would not."""
    if evidence.high >= threshold_mb_per_hour:
        level = _level_since_its_start(evidence, threshold_mb_per_hour)
        return level or Judgement(verdict=Verdict.CANNOT_SAY, reason="too_noisy", evidence=evidence)
    return Judgement(verdict=Verdict.STABLE, reason="trend", evidence=evidence)


def _level_since_its_start(evidence: Evidence, threshold_mb_per_hour: float) -> Judgement | None:
    """Return `stable` where only the beginning of a run is too noisy: most of it is level, and a leak would have shown in it."""
    run = evidence.series
    if evidence.kind != "whole" or evidence.trend is None:
        return None
    flat = _last_part(evidence, max(LONG_LEVEL_SHARE * run.span_hours, LEVEL_HOURS))
    if flat is None or flat.high >= threshold_mb_per_hour:
        return None
    if flat.low > 0 and flat.slope >= NEGLIGIBLE_SHARE * threshold_mb_per_hour:
        return None
    assert flat.trend is not None
    floors = flat.trend.blocks.mb
    third = floors.size // 3
    if median_of(floors[-third:]) - floors[:third].min() >= LEVEL_RISE_HOURS * threshold_mb_per_hour:
        return None
    return Judgement(verdict=Verdict.STABLE, reason="growth_ended", evidence=flat)


def _ended(evidence: Evidence, threshold_mb_per_hour: float) -> Judgement | None:
    """Return `stable` when the growth ended some while ago and the level has held since, else None."""
    flat = _last_part(evidence, max(PLATEAU_SHARE * evidence.series.span_hours, PLATEAU_HOURS))
    if flat is None or evidence.trend is None or evidence.trend.bend > PLATEAU_BENDS_BELOW:
        return None
    slope = evidence.trend.slope
    negligible = flat.high < max(0.1 * slope, NEGLIGIBLE_SHARE * threshold_mb_per_hour)
    if not negligible and (flat.low > 0 or flat.slope > 0.15 * slope):
        return None
    return Judgement(verdict=Verdict.STABLE, reason="growth_ended", evidence=flat)


def _last_part(evidence: Evidence, hours: float) -> Evidence | None:
    """Return what the last hours of a run say, None where it has no more of them, or too few for a trend."""
    run = evidence.series
    cut = int(np.searchsorted(run.hours, run.hours[-1] - hours))
    trend = fit_trend(run.hours[cut:], run.mb[cut:]) if cut > 0 else None
    if trend is None:
        return None
    return replace(
        evidence,
        kind=PLATEAU,
        slope=trend.slope,
        error=trend.spread,
        quantile=trend.quantile,
        trend=trend,
        from_seconds=float(run.at_seconds[cut]),
        hours=trend.span_hours,
    )
