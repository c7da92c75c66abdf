"""Back-test on the user's own history: forecast from past moments, compare with what came (rolling origin)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.forecast.finding import Backtest
from memmon.analysis.forecast.fit import Course, fit_course
from memmon.analysis.forecast.paths import expectation
from memmon.analysis.forecast.stretch import FEWEST_SAMPLES, SHORTEST_HOURS, Stretch
from memmon.analysis.stats.quantiles import normal_quantile
from memmon.arrays import median_of
from memmon.facts.medians import median

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ORIGIN_SHARES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Parts of the stretch known at each past moment (rolling origin, Tashman 2000). Chosen: six moments."""
HORIZON_SHARES = (1 / 3, 2 / 3, 1.0)
"""Ways from a moment to the end that are compared. Chosen: a third, two thirds, all."""
PRIOR_WEIGHT = 3.0
"""Past moments that trust in the model counts for. Tuned: coverage of simulated histories."""
OUTLYING_DEVIATION = 4.0
"""Standard deviations at which a miss is cut. Chosen: one odd moment does not decide."""
SMALLEST_FACTOR, LARGEST_FACTOR = 1.0, 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comparison:
    error_mb: float
    deviation: float
    hours: float


def backtest_stretch(
    stretch: Stretch, *, level: float, fit: Callable[[Stretch], Course | None] = fit_course
) -> Backtest | None:
    """Forecast from up to six moments of `stretch`; None where not one of them had enough history.

    From each moment the whole procedure (`fit`) is repeated on what was known then, and the medians of three later blocks
    are compared with it. The errors, in predicted standard deviations, rescale the interval: their mean square is
    shrunk towards one with the weight of three comparisons, since those of one history resemble each other.
    """
    begin, end = float(stretch.hours[0]), float(stretch.hours[-1])
    found: list[_Comparison] = []
    origin_count = 0
    for share in ORIGIN_SHARES:
        origin = begin + share * (end - begin)
        known = stretch.between(begin, origin)
        if known.hours.size < FEWEST_SAMPLES or origin - begin < SHORTEST_HOURS:
            continue
        course = fit(known)
        if course is not None:
            later = _compare(stretch, course, end)
            origin_count += bool(later)
            found.extend(later)
    if not found:
        return None
    deviations = np.minimum([abs(one.deviation) for one in found], OUTLYING_DEVIATION)
    per_origin = len(HORIZON_SHARES)
    weight = len(found) / per_origin
    mean_square = (PRIOR_WEIGHT + weight * float(np.mean(deviations**2))) / (PRIOR_WEIGHT + weight)
    reach = normal_quantile(0.5 + level / 2.0)
    return Backtest(
        origin_count=origin_count,
        comparison_count=len(found),
        longest_hours=max(one.hours for one in found),
        median_error_mb=median(abs(one.error_mb) for one in found),
        coverage=float(np.mean([abs(one.deviation) <= reach for one in found])),
        level=level,
        spread_factor=float(min(max(math.sqrt(mean_square), SMALLEST_FACTOR), LARGEST_FACTOR)),
    )


def _compare(stretch: Stretch, course: Course, end_hours: float) -> list[_Comparison]:
    """Compare block medians at a third, two thirds and all of the way from the origin to the end."""
    found = []
    for share in HORIZON_SHARES:
        target = course.end_hours + share * (end_hours - course.end_hours)
        block = stretch.between(target - course.block_hours, target)
        if not block.hours.size or target - course.block_hours < course.end_hours - 1e-9:
            continue
        middle_hours = median_of(block.hours)
        ahead = np.array([middle_hours - course.end_hours])
        mean, error = expectation(course, course.middle, ahead)
        miss = median_of(block.mb) - float(mean[0])
        deviation = miss / float(error[0]) if error[0] > 0.0 else math.copysign(OUTLYING_DEVIATION, miss)
        if abs(miss) < 1e-6:  # noqa: PLR2004 - one byte: a noiseless history
            deviation = 0.0
        found.append(_Comparison(error_mb=miss, deviation=deviation, hours=float(ahead[0])))
    return found
