"""The course of growth that was found: from its onset on, with its slope, and the noise round it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.analysis.forecast.fit import FEWEST_BLOCKS, Course, KnownSlope, fit_part
from memmon.analysis.forecast.stretch import Stretch, stretch_of_quantity
from memmon.analysis.forecast.unseen import as_if_seen, is_unseen
from memmon.formatting import rate, span
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from memmon.analysis.forecast.quantity import Quantity
    from memmon.analysis.leak.finding import LeakFinding

SHORTEST_GROWTH_HOURS = 0.5
"""Hours since the onset that a course rests on, at least. Chosen: six samples of five minutes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Continued:
    """A course, and the samples that it rests on."""

    stretch: Stretch
    course: Course


def since_hours_of(quantity: Quantity, finding: LeakFinding) -> float:
    """Return the uptime (hours) from which on the finding's growth, or its window, lies in the present run."""
    begin = finding.since or finding.window.start
    first = float(quantity.hours[0])
    return first if begin is None else max(quantity.uptime_at(begin), first)


def continue_finding(quantity: Quantity, finding: LeakFinding) -> Continued | None:
    """Return the course that goes on as the finding says; None where the present run has too few samples.

    The slope and its interval are the finding's, where the quantity is the one that was judged; what is charged has
    a slope of its own since the same onset, unless it is a part of memory that grows.
    """
    whole = stretch_of_quantity(as_if_seen(quantity, finding, since_hours_of(quantity, finding)))
    if whole is None or finding.slope_mb_per_hour is None:
        return None
    end = float(whole.hours[-1])
    since = min(since_hours_of(quantity, finding), end - SHORTEST_GROWTH_HOURS)
    part = whole.between(since, end)
    if part.hours.size < 2 * FEWEST_BLOCKS:
        part = whole.between(float(whole.hours[-min(2 * FEWEST_BLOCKS, whole.hours.size)]), end)
    known = None if quantity.counts == "charged" and not is_unseen(finding) else _known_slope(finding)
    course = fit_part(part, known)
    return None if course is None else Continued(stretch=part, course=course)


def _known_slope(finding: LeakFinding) -> KnownSlope:
    slope, low, high = (
        finding.slope_mb_per_hour or 0.0,
        finding.slope_low_mb_per_hour,
        finding.slope_high_mb_per_hour,
    )
    reach = 0.0 if low is None or high is None else (high - low) / 2.0
    return KnownSlope(slope=slope * _active_share(finding), reach=reach)


def counted_pause(finding: LeakFinding) -> tuple[str, ...]:
    """Return why what goes on is slower than what leaks, in a sentence, where growth has paused."""
    if finding.paused_hours is None or finding.slope_mb_per_hour is None:
        return ()
    paused = span(finding.paused_hours)
    return (
        f"The pause of {paused} is counted in: while memory grew it was by {rate(finding.slope_mb_per_hour)}.",
    )


def _active_share(finding: LeakFinding) -> float:
    """Return for how much of the time since its onset memory grew: what pauses goes on as slowly as it did with its pause."""
    begin, end = finding.since or finding.window.start, finding.window.end
    if finding.paused_hours is None or begin is None or end is None:
        return 1.0
    active = max((end - begin).total_seconds() / SECONDS_PER_HOUR, SHORTEST_GROWTH_HOURS)
    return active / (active + finding.paused_hours)
