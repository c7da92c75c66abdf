"""When a trend is an alarm: one rule for every window, stricter the less history there is.

The lower 95 % end alone would alarm on every warm-up: its growth is real. What tells a leak is that the
growth goes on. So besides its size the growth must be spread over the whole window, be there still at
its end, and, where it bends, promise to last.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.analysis.leak.shape import find_steps, is_stepped, lasting_slope

if TYPE_CHECKING:
    from memmon.analysis.leak.trend import Trend


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What growth that goes on must show; each was chosen by leaving data sets out in turn, unless it says otherwise."""

    tail_share: float = 0.3
    """Slope of the last 30 %, over the whole slope, at least."""
    third_share: float = 0.1
    """Rise between thirds, over the threshold, above which each is."""
    order: float = 0.4
    """Kendall's tau of the minima with time, at least."""
    floor_share: float = 0.0
    """Floor of the last third over the first, in growths, at least."""
    widest_share: float = math.inf
    """Largest distance of a block from the line, in growths, at most: none, since the order tells the same."""
    bends_below: float = -1.0
    """Bend, in standard errors, below which enough must be ahead."""
    ahead_share: float = 0.5
    """Parabola's slope half a window ahead, over the threshold, at least."""
    clearly_bent: float = -2.0
    """Bend, in standard errors, below which growth must last beside an approach."""
    clear: float = 1.5
    """Slope over its standard error, a day's doubt included, at least. Tuned on random walks of hundreds of MB."""
    rising_share: float = 0.8
    """Part of the floors that lie above the one before, from which growth is sure, whatever its error is."""
    by_floors_share: float = 1.5
    """Slope, over the threshold, at least, where its floors alone make it sure. Chosen: leaks of half the threshold stay quiet."""
    lasting_share: float = 0.5
    """Slope beside an approach, over the threshold, that lasts, at least."""
    young_ahead_share: float = 0.5
    """Parabola's slope half a window ahead, over the whole slope, at least, where young growth is clearly bent: what fills slows down."""
    light_lasting_share: float = 0.0
    """The same where growth bends less than clearly and its parabola ends: then it goes on after a day."""


DEMANDS = Demands()
"""The demands of the verdict."""

ENOUGH_HOURS = 19.5
"""Hours of history that are no longer young: there the margin is the lowest, and floors that rise are enough. Tuned."""
MARGINS = ((ENOUGH_HOURS, 0.25), (11.5, 2.0), (5.5, 3.5), (3.9, 5.0))
"""(hours of history, standard errors that the slope must stand above the threshold). Chosen as the demands."""
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


def rule(
    trend: Trend,
    threshold_mb_per_hour: float,
    *,
    margin: float | None,
    demands: Demands = DEMANDS,
    known_hours: float | None = None,
) -> Ruling:
    """Apply the alarm rule to `trend`; `margin` None asks for nearly noiseless, straight growth.

    `known_hours`: of history, where `trend` is that of all of it. While it is young clearly bent growth must not have slowed
    down much. When it no longer is, growth whose floors rise nearly throughout needs no margin, for its error may be that of
    a few jumps, and what bends a little is no end where a line beside an approach goes on.
    """
    is_old = known_hours is not None and known_hours >= ENOUGH_HOURS
    failed = _failed_in_size(trend, threshold_mb_per_hour, margin)
    if not failed and margin is not None and trend.slope < demands.clear * trend.spread:
        failed = "margin"
    if failed == "margin" and is_old and _is_sure_by_floors(trend, threshold_mb_per_hour, demands):
        failed = ""
    if not failed and margin is not None:
        failed = _failed_in_going_on(trend, threshold_mb_per_hour, demands, is_old=is_old)
    is_young = margin is not None and known_hours is not None and not is_old
    if not failed and is_young and _slows_down(trend, demands):
        failed = "bend"
    return Ruling(is_alarm=not failed, failed=failed)


def _is_sure_by_floors(trend: Trend, threshold_mb_per_hour: float, demands: Demands) -> bool:
    is_clear = trend.slope >= demands.by_floors_share * threshold_mb_per_hour
    return is_clear and trend.rising_share >= demands.rising_share


def _failed_in_size(trend: Trend, threshold_mb_per_hour: float, margin: float | None) -> str:
    """Return the demand on size that fails: at the threshold, and surely so (`""` when none)."""
    slope = trend.slope
    if slope < threshold_mb_per_hour or slope <= 0:
        return "slope"
    if margin is None:
        return "" if is_straight(trend) else "margin"
    return "margin" if slope - margin * trend.error < threshold_mb_per_hour else ""


def _failed_in_going_on(trend: Trend, threshold_mb_per_hour: float, demands: Demands, *, is_old: bool) -> str:
    """Return the demand that fails of those that tell growth that goes on (`""` when none)."""
    if trend.tail_slope < demands.tail_share * trend.slope:
        return "tail"
    if trend.least_third_slope <= demands.third_share * threshold_mb_per_hour:
        return "thirds"
    if not is_orderly(trend, demands):
        return "order"
    if _bends_to_an_end(trend, threshold_mb_per_hour, demands, is_old=is_old):
        return "bend"
    steps, rest = find_steps(trend)
    return "steps" if is_stepped(trend, steps, rest) else ""


def _bends_to_an_end(trend: Trend, threshold_mb_per_hour: float, demands: Demands, *, is_old: bool) -> bool:
    """Tell growth that bends so that too little of it is ahead, or would last."""
    ends = (
        trend.bend < demands.bends_below and trend.ahead_slope < demands.ahead_share * threshold_mb_per_hour
    )
    is_clearly_bent = trend.bend < demands.clearly_bent
    if ends and (is_clearly_bent or not is_old):
        return True
    if not ends and not is_clearly_bent:
        return False
    share = demands.lasting_share if is_clearly_bent else demands.light_lasting_share
    return lasting_slope(trend.blocks.hours, trend.blocks.mb) < share * threshold_mb_per_hour


def _slows_down(trend: Trend, demands: Demands) -> bool:
    """Tell clearly bent growth that is much slower ahead than it was: so fills a cache, however fast it still does."""
    return trend.bend < demands.clearly_bent and trend.ahead_slope < demands.young_ahead_share * trend.slope


def is_orderly(trend: Trend, demands: Demands = DEMANDS) -> bool:
    """Tell whether later is higher nearly throughout: memory that leaked away does not come back."""
    growth_mb = trend.slope * trend.span_hours
    return (
        trend.order >= demands.order
        and trend.floor_mb >= demands.floor_share * growth_mb
        and trend.widest_mb <= demands.widest_share * growth_mb
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
