"""When a trend is an alarm: one rule for every window, stricter the less history there is.

The lower 95 % end alone would alarm on every warm-up: its growth is real. What tells a leak is that the
growth goes on. So besides its size the growth must be spread over the whole window, be there still at
its end, and, where it bends, promise to last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.analysis.leak.shape import find_steps, is_stepped, lasting_slope

if TYPE_CHECKING:
    from memmon.analysis.leak.trend import Trend

LEAST_TAIL_SHARE = 0.3
"""Slope of the last 30 %, over the whole slope, that an alarm needs. Tuned."""
LEAST_THIRD_SHARE = 0.1
"""Rise between thirds, over the threshold, that an alarm needs. Tuned."""
LEAST_AHEAD_SHARE = 0.5
"""Parabola's slope half a window ahead, over the threshold. Tuned on warm-ups."""
CLEARLY_BENT = -1.5
"""Bend, in standard errors, below which growth must last beside an approach. Tuned on warm-ups."""
LEAST_LASTING_SHARE = 0.5
"""Slope beside an approach, over the threshold, that lasts. Tuned on warm-ups."""
LEAST_ORDER = 0.62
"""Kendall's tau of the minima with time. Tuned: false alarms on other people's machines 1.5 to 0.3 %."""
LEAST_FLOOR_SHARE = 0.1
"""Floor of the last third over the first, in growths. Tuned with the order."""
BENDS_BELOW = -1.0
"""Bend, in standard errors, below which it counts. Tuned on warm-ups."""

MARGINS = ((19.5, 0.75), (11.5, 2.0), (5.5, 3.5), (3.9, 5.0))
"""(hours of history, standard errors that the slope must stand above the threshold)."""
RECENT_MARGINS = {96.0: 1.0, 48.0: 1.0, 24.0: 1.0, 12.0: 2.0, 6.0: 4.0}
"""{hours of a recent window: standard errors above the threshold}. Tuned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """Whether a trend is an alarm, and if not, which demand it failed (`""` when none)."""

    is_alarm: bool
    failed: str = ""


def margin_for(span_hours: float) -> float | None:
    """Return the standard errors asked for at `span_hours`; None: too short for the ordinary rule."""
    return next((margin for hours, margin in MARGINS if span_hours >= hours), None)


def rule(trend: Trend, threshold_mb_per_hour: float, *, margin: float | None) -> Ruling:
    """Apply the alarm rule to `trend`; `margin` None asks for nearly noiseless, straight growth."""
    failed = _failed_in_size(trend, threshold_mb_per_hour, margin)
    if not failed and margin is not None:
        failed = _failed_in_going_on(trend, threshold_mb_per_hour)
    return Ruling(is_alarm=not failed, failed=failed)


def _failed_in_size(trend: Trend, threshold_mb_per_hour: float, margin: float | None) -> str:
    """Return the demand on size that fails: at the threshold, and surely so (`""` when none)."""
    slope = trend.slope
    if slope < threshold_mb_per_hour or slope <= 0:
        return "slope"
    if margin is None:
        return "" if is_straight(trend) else "margin"
    return "margin" if slope - margin * trend.error < threshold_mb_per_hour else ""


def _failed_in_going_on(trend: Trend, threshold_mb_per_hour: float) -> str:
    """Return the demand that fails of those that tell growth that goes on (`""` when none)."""
    if trend.tail_slope < LEAST_TAIL_SHARE * trend.slope:
        return "tail"
    if trend.least_third_slope <= LEAST_THIRD_SHARE * threshold_mb_per_hour:
        return "thirds"
    if not is_orderly(trend):
        return "order"
    if _bends_to_an_end(trend, threshold_mb_per_hour):
        return "bend"
    steps, rest = find_steps(trend)
    return "steps" if is_stepped(trend, steps, rest) else ""


def _bends_to_an_end(trend: Trend, threshold_mb_per_hour: float) -> bool:
    """Tell growth that bends so that too little of it is ahead, or would last."""
    if trend.bend < BENDS_BELOW and trend.ahead_slope < LEAST_AHEAD_SHARE * threshold_mb_per_hour:
        return True
    if not trend.bend < CLEARLY_BENT:
        return False
    lasting = lasting_slope(trend.blocks.hours, trend.blocks.mb)
    return lasting < LEAST_LASTING_SHARE * threshold_mb_per_hour


def is_orderly(trend: Trend) -> bool:
    """Tell whether later is higher nearly throughout: memory that leaked away does not come back."""
    growth_mb = trend.slope * trend.span_hours
    return (
        trend.order >= LEAST_ORDER
        and trend.floor_mb >= LEAST_FLOOR_SHARE * growth_mb
        and trend.widest_mb <= growth_mb
    )


def is_straight(trend: Trend) -> bool:
    """Tell growth that is nearly noiseless and as fast at its end as at its beginning."""
    growth_mb = trend.slope * trend.span_hours
    return (
        trend.low > 0
        and trend.widest_mb <= 0.05 * growth_mb
        and trend.tail_slope >= 0.75 * trend.slope
        and trend.end_slope >= 0.85 * trend.start_slope
    )
