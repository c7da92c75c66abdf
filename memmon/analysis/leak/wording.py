"""What a finding says in words: one sentence, and a few that explain it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.analysis.leak.evidence import AS_BEFORE
from memmon.analysis.leak.signals.wording import opening_of, pause_of
from memmon.facts.verdicts import Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.analysis.leak.evidence import Evidence
    from memmon.analysis.leak.judgement import Judgement
    from memmon.analysis.stats.newey_west import OlsTrend

WIDE_SHARE = 0.5
"""Width of an interval, over slope or threshold, that is explained. Chosen: a half."""
SAME_SHARE = 0.02
"""Share by which two slopes may differ and be the same to a reader. Chosen."""
SAME_MB_PER_HOUR = 0.05
"""Slopes this close are the same to a reader, whatever a narrow interval says. Chosen: about 1 MB a day."""

_WHY = {
    "too_early": "Cannot say yet: {rate} so far, but {hours:.1f} h are too short to tell a leak from a warm-up",
    "too_noisy": (
        "Cannot say yet: {rate}; in {hours:.1f} h of these readings only growth above {visible:.1f} MB/hour is visible"
    ),
    "by_work": "Memory leaks with the work done: it grows by {rate} on average, at or above the threshold of {threshold}",
    "working_pace": (
        "Memory leaks with the work done: it grows by {worked:.2f} MB/hour while it works, at or above the threshold of "
        "{threshold}, on average by {rate}"
    ),
    "garbage": "Cannot say yet: {rate}, and that may be garbage that no collection has looked at",
    AS_BEFORE: "Memory still warms up: growth of {rate} so far, as after the starts before, which came to a level",
    "paused": (
        "Cannot say yet: memory grew as a leak does until {paused:.0f} h ago; whether it was a cache that filled shows "
        "when the same hours of a working day have passed"
    ),
    "held": ("Memory leaks: it grew by {rate}, at or above the threshold of {threshold}, and {pause}"),
}


def summary_of(judgement: Judgement, threshold_mb_per_hour: float, *, since: datetime | None = None) -> str:
    """Return the finding in one sentence; `since`: since when it grows, where a part of memory is named."""
    evidence = judgement.evidence
    rate = _rate(judgement.resident or evidence)
    opening = _WHY.get(judgement.reason) or judgement.verdict.row.sentence
    if judgement.verdict is Verdict.STABLE and evidence.high < 0:
        opening = "Memory shrinks: {rate}"
    if judgement.verdict is Verdict.GROWING and evidence.slope >= threshold_mb_per_hour:
        opening = "Memory grows by {rate}, about the threshold of {threshold}, but not surely as a leak does"
    return (opening_of(judgement, since) or opening).format(
        rate=rate,
        threshold=f"{threshold_mb_per_hour:g}",
        hours=evidence.hours,
        visible=evidence.visible,
        footprint=_rate(evidence),
        paused=judgement.paused_hours,
        pause=pause_of(judgement),
        worked=judgement.worked_slope or 0.0,
    )


def _rate(evidence: Evidence) -> str:
    return f"{_two(evidence.slope)} MB/hour (95 % interval {_two(evidence.low)} to {_two(evidence.high)})"


def _two(value: float) -> str:
    """Return two decimals, and never a minus before nothing."""
    text = f"{value:.2f}"
    return "0.00" if text == "-0.00" else text


def details_of(judgement: Judgement, ols: OlsTrend | None, threshold_mb_per_hour: float) -> tuple[str, ...]:
    """Return sentences on what was judged, what decided, and why the two regressions differ if they do."""
    evidence = judgement.evidence
    lines = [_stretch(judgement)]
    if judgement.instead_of is not None:
        lines.append(
            f"The newest readings look otherwise ({judgement.instead_of.words}); the verdict changes when that has lasted."
        )
    if judgement.reason == "held":
        lines.append(_UNRESOLVED if judgement.work_pause is None else _UNRESOLVED_BY_WORK)
    if judgement.reason in _DECIDED:
        lines.append(_DECIDED[judgement.reason])
    if judgement.verdict is Verdict.GROWING and evidence.failed in {"margin", "order", "thirds", "tail"}:
        lines.append(_NOT_YET[evidence.failed])
    noise = evidence.trend.noise if evidence.trend else None
    wide = evidence.high - evidence.low > WIDE_SHARE * max(abs(evidence.slope), threshold_mb_per_hour)
    if noise is not None and noise.is_random_walk and wide:
        lines.append("The noise wanders like a random walk, so the interval is wide.")
    apart = disagreement(judgement, ols)
    return (*lines, apart) if apart else tuple(lines)


_DECIDED = {
    "by_work": (
        "It grows beside the work counted, more or less of it in an hour; beside time alone it is no straight line."
    ),
    "working_pace": (
        "It grows beside the work counted and rests with it; no warm-up, however long, explains that."
    ),
    AS_BEFORE: "The runs before rose as much and for as long after their starts, and then no further.",
    "growth_ended": "Memory grew earlier; the growth has ended and the level has held since.",
}
"""What decided, by the verdict's reason."""

_UNRESOLVED = "What it had grown by was not given back, nor have the same hours of a day like that passed without growth."
_UNRESOLVED_BY_WORK = (
    "What it had grown by was not given back, nor was as much work done as makes such growth without it."
)

_NOT_YET = {
    "margin": "The rate is too close to the threshold, or too uncertain, to be called a leak.",
    "order": "The readings fall back too often for a leak.",
    "thirds": "The growth is not spread over the whole window.",
    "tail": "The growth has nearly stopped in the last third of the window.",
}


def disagreement(judgement: Judgement, ols: OlsTrend | None) -> str | None:
    """Return why the least-squares slope lies outside the robust interval, None when it does not."""
    evidence = judgement.evidence
    if ols is None:
        return None
    same = SAME_SHARE * max(abs(evidence.slope), abs(ols.slope_mb_per_hour)) + SAME_MB_PER_HOUR
    if evidence.low - same <= ols.slope_mb_per_hour <= evidence.high + same:
        return None
    if evidence.kind == "pooled":
        return "Least squares sees one run only; the robust slope pools all runs."
    if evidence.trend is not None and evidence.trend.bend < -2.0:  # noqa: PLR2004 - two standard errors
        return "Least squares follows the early growth of a bent curve; the robust slope does not."
    higher = "above" if ols.slope_mb_per_hour > evidence.high else "below"
    return (
        f"Least squares lies {higher} the robust interval: it follows bursts and outliers, "
        "which the lower envelope leaves out."
    )


def _stretch(judgement: Judgement) -> str:
    evidence = judgement.evidence
    what = {
        "whole": "the whole run",
        "floor": "the floor of the whole run, below load that comes and goes",
        "pooled": f"{evidence.run_count} runs together",
        "since onset": "the time since the growth began",
        "week apart": "each hour beside the same hour a week before",
        "since plateau": "the time since the growth ended",
    }.get(evidence.kind, f"the {evidence.kind}")
    return f"Judged: {what}, {evidence.hours:.1f} h."
