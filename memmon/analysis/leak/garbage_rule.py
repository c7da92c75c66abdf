"""The alarm rule beside garbage: growth that may be garbage which no collection has looked at is no evidence of a leak."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import block_minima, median_slope
from memmon.analysis.leak.rules import DEMANDS, Ruling, rule

if TYPE_CHECKING:
    from memmon.analysis.leak.rules import Demands
    from memmon.analysis.leak.series import RunSeries
    from memmon.analysis.leak.trend import Trend

GARBAGE = "garbage"
"""The demand that such growth fails, and the reason why nothing can be said of it."""


def rule_beyond_garbage(
    run: RunSeries,
    trend: Trend,
    threshold_mb_per_hour: float,
    *,
    margin: float | None,
    demands: Demands = DEMANDS,
    known_hours: float | None = None,
) -> Ruling:
    """Apply the alarm rule to the trend of the last part of a run: what grows beside garbage must be a leak by itself."""
    ruling = rule(trend, threshold_mb_per_hour, margin=margin, demands=demands, known_hours=known_hours)
    beyond = trend.slope - threshold_mb_per_hour
    return beyond_garbage(run, ruling, beyond_mb_per_hour=beyond, span_hours=trend.span_hours)


def beyond_garbage(run: RunSeries, ruling: Ruling, *, beyond_mb_per_hour: float, span_hours: float) -> Ruling:
    """Return a ruling, no alarm where what grows beyond the threshold may be garbage; `run`: the newest it speaks of."""
    if not ruling.is_alarm or _slope(run, span_hours) <= beyond_mb_per_hour:
        return ruling
    return replace(ruling, is_alarm=False, failed=GARBAGE)


def _slope(run: RunSeries, span_hours: float) -> float:
    """Return how fast garbage may grow in the last hours of a run, as the floor of memory is measured."""
    if run.garbage_mb is None:
        return 0.0
    first = int(np.searchsorted(run.hours, run.hours[-1] - span_hours - 1e-6))
    blocks = block_minima(run.hours[first:], run.garbage_mb[first:])
    return median_slope(blocks.hours, blocks.mb) if blocks.hours.size > 1 else 0.0
