"""What a `cannot say yet` waits for: the time from which on it can be said, or plainly what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.assessment.freshness import FreshnessState
from memmon.facts.verdicts import Verdict
from memmon.formatting import local_time, span
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.analysis.forecast.finding import Forecast
    from memmon.analysis.leak.finding import LeakFinding
    from memmon.assessment.freshness import Freshness
    from memmon.history import History

LONG_ENOUGH_HOURS = 19.5
"""From so many hours of growth on a leak is told from a warm-up. As in the verdict's rules."""
SAME_HOURS_AGAIN = 24.0
"""Hours after which the same hours of the day have passed once more. By definition."""
_NOISE_POWER = 2.0 / 3.0
"""Noise hides slopes by the power -3/2 of the time that is judged, at best. By definition: the error of a least-squares slope."""
_ENDED = frozenset({FreshnessState.ENDED, FreshnessState.ENDED_BADLY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Why nothing can be said yet (`words`), and from when on it can (`ready_at`; None: not by waiting alone)."""

    words: str = ""
    ready_at: datetime | None = None


NOTHING = Waiting()


def waiting_for(
    finding: LeakFinding, forecast: Forecast | None, *, history: History, freshness: Freshness | None
) -> Waiting:
    """Return what the verdict waits for; where there is one, what the forecast does."""
    if finding.verdict is Verdict.CANNOT_SAY:
        if history.is_empty and freshness is not None and freshness.ahead_until is not None:
            return Waiting(
                words="no sample lies in the past: waiting does not help, the clock must be set right"
            )
        found = _for_verdict(finding, history)
        if freshness is None or freshness.state is FreshnessState.LIVE:
            return found
        if found.ready_at is None:
            return found
        opening = found.words.split(": ")[0]
        return Waiting(words=f"{opening}: {_silence(freshness)}, so that waiting brings no verdict")
    if forecast is not None and forecast.state == "cannot_say":
        if (
            not finding.verdict.may_reach_limit
            and forecast.ready_at is None
            and forecast.plateau_bytes is None
        ):
            return NOTHING  # it does not grow
        found = _for_date(finding, forecast, history)
        if freshness is None or freshness.state is FreshnessState.LIVE or found.ready_at is None:
            return found
        return Waiting(
            words=f"more readings are needed for a date: {_silence(freshness)}, so that waiting brings none"
        )
    return NOTHING


def _silence(freshness: Freshness) -> str:
    return "its run has ended" if freshness.state in _ENDED else "no samples arrive"


def _for_verdict(finding: LeakFinding, history: History) -> Waiting:
    end = finding.window.end or history.last_at
    if finding.reason == "too_early":
        lacking = max(LONG_ENOUGH_HOURS - finding.duration_hours, 0.0)
        words = f"{_done(finding.duration_hours, of=LONG_ENOUGH_HOURS)} of growth"
        return _ready(words, "a leak can be told from a warm-up", end, lacking)
    if finding.reason == "garbage":
        return Waiting(
            words="what grows may be garbage: that shows when the collector has looked at it, or when it grows beyond"
        )
    if finding.reason == "part_rises":
        return _for_part(finding, end)
    if finding.reason == "paused":
        lacking = max(SAME_HOURS_AGAIN - (finding.paused_hours or 0.0), 0.0)
        return _ready("growth from the start on", "whether it only pauses shows", end, lacking, earliest=True)
    if finding.reason == "too_noisy":
        return _for_less_noise(finding, end)
    return _for_more(finding, history, end)


def _done(hours: float, *, of: float) -> str:
    """Return how much of what is needed is there: `3.1 of 19.5 h`, and below an hour `24 min of 2 h`."""
    return f"{span(hours) if hours < 1.0 else f'{hours:.1f}'} of {of:g} h"


def _for_part(finding: LeakFinding, end: datetime | None) -> Waiting:
    """Return what a part of memory waits for that rises, where the whole does not say so."""
    lacking = LONG_ENOUGH_HOURS - finding.duration_hours
    if lacking <= 0.0:
        return Waiting(words="a part of memory rises, but not as evenly as a leak does: its next hours tell")
    words = f"{_done(finding.duration_hours, of=LONG_ENOUGH_HOURS)} of growth in a part of memory"
    return _ready(words, "a leak can be told from a warm-up", end, lacking)


def _for_more(finding: LeakFinding, history: History, end: datetime | None) -> Waiting:
    """Return what too little history waits for."""
    policy, count = finding.policy, finding.sample_count
    hours = max(policy.min_duration_hours - finding.duration_hours, 0.0)
    words, samples = "", max(policy.min_sample_count, 2) - count
    if samples > 0:
        words = f"{count} of {max(policy.min_sample_count, 2)} samples"
        step_hours = _step_hours(history)
        if step_hours is None:
            return Waiting(words=f"{words}: the next samples tell when there is a verdict")
        hours = max(hours, samples * step_hours)
    elif hours > 0.0:
        words = _done(finding.duration_hours, of=policy.min_duration_hours)
    else:
        return Waiting(
            words=f"no run is long enough: a verdict needs one that goes on for {policy.min_duration_hours:g} h"
        )
    return _ready(words, "first verdict", end, hours)


def _for_less_noise(finding: LeakFinding, end: datetime | None) -> Waiting:
    threshold, visible = finding.policy.threshold_mb_per_hour, finding.smallest_visible_slope_mb_per_hour
    words = "the readings are too noisy"
    # What has grown so far leaves less room below the threshold.
    room = threshold - max(finding.slope_mb_per_hour or 0.0, 0.0)
    if visible is None or threshold <= 0.0 or room <= 0.0:
        return Waiting(words=f"{words}: less noise is needed, not more time")
    needed = finding.duration_hours * max(visible / room, 1.0) ** _NOISE_POWER
    if needed > finding.policy.look_back_hours:
        return Waiting(
            words=(
                f"{words}: growth at the threshold does not show in the {finding.policy.look_back_hours:g} h that "
                "are looked back over"
            )
        )
    return _ready(words, "growth at the threshold shows", end, needed - finding.duration_hours, earliest=True)


def _ready(words: str, what: str, end: datetime | None, hours: float, *, earliest: bool = False) -> Waiting:
    if end is None:
        return Waiting(words=words)
    at = end + timedelta(hours=max(hours, 0.0))
    when = f"at {local_time(at)} at the earliest" if earliest else f"at about {local_time(at)}"
    return Waiting(words=f"{words}: {what} {when}", ready_at=at)


def _step_hours(history: History) -> float | None:
    """Return how far the samples of the newest run lie apart; None for a first one."""
    runs = list(history.per_run())
    if not runs:
        return None
    newest = max(runs, key=lambda run: float(run.at_seconds[-1]))
    if len(newest) < 2:  # noqa: PLR2004 -- a step
        return None
    return float(newest.uptime_seconds[-1] - newest.uptime_seconds[0]) / SECONDS_PER_HOUR / (len(newest) - 1)


def _for_date(finding: LeakFinding, forecast: Forecast, history: History) -> Waiting:
    """Return what a date waits for where there is a verdict."""
    if forecast.ready_at is not None:
        what = "a date" if finding.verdict.may_reach_limit else "whether the limit is in reach can be said"
        words = f"more readings are needed: {what} from {local_time(forecast.ready_at)} on"
        return Waiting(words=words, ready_at=forecast.ready_at)
    if forecast.plateau_bytes is not None:
        return Waiting(
            words="where it levels off is not sure enough for a date: readings nearer to that level are needed"
        )
    if forecast.counts == "used" and _grows_into_swap(history):
        return Waiting(words="it is swapped out, which this limit leaves out, so that waiting brings no date")
    return Waiting(words=finding.verdict.row.dateless or _NO_PACE)


def _grows_into_swap(history: History) -> bool:
    swapped = history.swap_bytes
    return swapped is not None and bool(swapped[-1] > swapped[0])


_NO_PACE = "the growth since the last change is too short for a date: readings of some hours more at one pace are needed"
