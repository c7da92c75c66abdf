"""The course that goes on as a finding says: from its onset, with its slope, and the noise round it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.forecast.fit import FEWEST_BLOCKS, Course, NoisyLevel, fit_part
from memmon.analysis.leak.envelope import median_slope
from memmon.facts.verdicts import Verdict
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.analysis.forecast.stretch import Stretch
    from memmon.analysis.leak.finding import LeakFinding
    from memmon.history import History

FEWEST_SAMPLES = 2 * FEWEST_BLOCKS
"""Samples since the onset that a course rests on. Chosen: two a block, an hour of five minutes."""
MOST_ONSET_POINTS = 60
"""Points that show how the slope depends on the onset. Chosen: bounds the cost."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Continued:
    """A course, and the samples that it rests on."""

    stretch: Stretch
    course: Course


def uptime_at(run: History, moment: datetime) -> float:
    """Return the uptime, in hours, of `run` at a wall-clock time; of its first sample before that."""
    return float(np.interp(moment.timestamp(), run.at_seconds, run.uptime_seconds)) / SECONDS_PER_HOUR


def begins_at(run: History, finding: LeakFinding) -> float:
    """Return the uptime from which on the finding's growth, or the window of its level, lies in `run`."""
    begin = finding.since or finding.window.start
    return float(run.uptime_seconds[0]) / SECONDS_PER_HOUR if begin is None else uptime_at(run, begin)


def continue_finding(
    whole: Stretch, run: History, finding: LeakFinding, *, is_judged_quantity: bool
) -> Continued | None:
    """Return the course that goes on as the finding says; None where the present run has too few samples.

    The slope and its interval are the finding's where they were measured from the onset on, in the quantity that is
    carried forward; else they are measured here, from the same onset. Doubt about the onset is doubt about the slope.
    """
    end = float(whole.hours[-1])
    part = whole.between(begins_at(run, finding), end)
    if part.hours.size < FEWEST_SAMPLES:
        part = whole.between(float(whole.hours[-min(FEWEST_SAMPLES, whole.hours.size)]), end)
    course = fit_part(part)
    if course is None:
        return None
    if is_judged_quantity and _is_measured_since_onset(finding):
        course = _with_slope_of(finding, course)
    doubt = _onset_doubt(whole, run, finding)
    course = replace(course, slope_error=math.hypot(course.slope_error, doubt / course.quantile))
    return Continued(stretch=part, course=course)


def _is_measured_since_onset(finding: LeakFinding) -> bool:
    """Tell whether the finding's slope holds from its onset on, not for a window that begins before it."""
    if finding.slope_mb_per_hour is None or finding.verdict is Verdict.STEPPED:
        return False
    since = finding.since_earliest
    return since is None or finding.window.start is None or finding.window.start >= since


def _with_slope_of(finding: LeakFinding, course: Course) -> Course:
    """Return `course` turned round its own level at the end, so that it rises as the finding says."""
    slope, low, high = (
        finding.slope_mb_per_hour,
        finding.slope_low_mb_per_hour,
        finding.slope_high_mb_per_hour,
    )
    assert slope is not None
    reach = 0.0 if low is None or high is None else (high - low) / 2.0
    shift = (course.slope - slope) * course.end_hours
    return replace(
        course,
        slope=slope,
        slope_error=reach / course.quantile,
        middle=_shifted(course.middle, shift),
        peak=_shifted(course.peak, shift),
        replay_mb=course.replay_mb + shift,
    )


def _shifted(level: NoisyLevel, shift_mb: float) -> NoisyLevel:
    return replace(level, level_mb=level.level_mb + shift_mb, last_mb=level.last_mb + shift_mb)


def _onset_doubt(whole: Stretch, run: History, finding: LeakFinding) -> float:
    """Return how much the slope depends on where in its interval the growth began, in MB/h."""
    earliest, latest = finding.since_earliest, finding.since_latest
    if earliest is None or latest is None or earliest == latest or not finding.verdict.row.grows:
        return 0.0
    slopes = []
    for moment in (earliest, latest):
        part = whole.between(uptime_at(run, moment), float(whole.hours[-1]))
        if part.hours.size >= FEWEST_SAMPLES:
            step = max(1, part.hours.size // MOST_ONSET_POINTS)
            slopes.append(median_slope(part.hours[::step], part.mb[::step]))
    return abs(slopes[1] - slopes[0]) / 2.0 if len(slopes) > 1 else 0.0
