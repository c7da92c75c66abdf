"""The rules that others use, beside memmon's: each takes a History, says alarm or not, and an interval.

All rivals see the whole series as one, as their authors' tools do. Each alarms when its slope reaches the
threshold and its own test calls the slope significant at 5 %.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.detect import LeakPolicy, detect_leak
from memmon.analysis.robust import hamed_rao, mann_kendall, median_slope, theil_sen
from memmon.analysis.stats.newey_west import ols_newey_west
from memmon.units import MIB, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from memmon.history import History


@dataclass(frozen=True, slots=True)
class Opinion:
    """Alarm or not; the 95 % interval where the rule has one; the verdict and its confidence where they are memmon's."""

    alarm: bool
    low: float | None = None
    high: float | None = None
    verdict: str = ""
    confidence: str = ""


Rule = Callable[["History", float], Opinion]


def _series(history: History) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(history.at_seconds, kind="stable")
    hours = history.at_seconds[order] / SECONDS_PER_HOUR
    return hours - hours[0], history.rss_bytes[order] / MIB


def memmon(history: History, threshold: float) -> Opinion:
    found = detect_leak(history, LeakPolicy(threshold_mb_per_hour=threshold))
    low, high = found.slope_low_mb_per_hour, found.slope_high_mb_per_hour
    return Opinion(found.is_leak, low, high, found.verdict, found.confidence)


def end_points(history: History, threshold: float) -> Opinion:
    """Apply the original rule: growth between the end points, and more than 60 % of the steps rising."""
    hours, mb = _series(history)
    rate = (mb[-1] - mb[0]) / max(hours[-1], 1e-9)
    rising = float(np.mean(np.diff(mb) > 0))
    return Opinion(bool(rate >= threshold and rising > 0.6))


def ols_p_value(history: History, threshold: float) -> Opinion:
    """Fit ordinary least squares, errors taken for independent."""
    fit = ols_newey_west(*_series(history), max_lags=0)
    low, high = fit.slope_low_mb_per_hour, fit.slope_high_mb_per_hour
    return Opinion(fit.slope_mb_per_hour >= threshold and low > 0, low, high)


def ols_hac(history: History, threshold: float) -> Opinion:
    """Fit least squares with Newey-West errors."""
    fit = ols_newey_west(*_series(history))
    low, high = fit.slope_low_mb_per_hour, fit.slope_high_mb_per_hour
    return Opinion(fit.slope_mb_per_hour >= threshold and low > 0, low, high)


def theil_sen_interval(history: History, threshold: float) -> Opinion:
    """Fit Theil-Sen with Sen's interval."""
    fit = theil_sen(*_series(history))
    return Opinion(fit.slope >= threshold and fit.slope_low > 0, fit.slope_low, fit.slope_high)


def theil_sen_plain(history: History, threshold: float) -> Opinion:
    """Alarm on Theil-Sen above the threshold after two hours."""
    return Opinion(median_slope(*_series(history)) > threshold)


def mann_kendall_sen(history: History, threshold: float) -> Opinion:
    hours, mb = _series(history)
    return Opinion(median_slope(hours, mb) >= threshold and mann_kendall(mb).p_value < 0.05)


def hamed_rao_sen(history: History, threshold: float) -> Opinion:
    hours, mb = _series(history)
    return Opinion(median_slope(hours, mb) >= threshold and hamed_rao(mb).p_value < 0.05)


def percent_with_tail(history: History, threshold: float) -> Opinion:
    """Apply a rule in per cent per hour with a tail condition, as cloud detectors do (cf. Precog, Jindal et al. 2021).

    A straight, positive fit (R2 of at least 0.8) of more than 1 % of the median an hour, that the last
    fifth keeps up to at least half.
    """
    del threshold
    hours, mb = _series(history)
    fit = ols_newey_west(hours, mb, max_lags=0)
    tail = ols_newey_west(hours[-len(hours) // 5 :], mb[-len(mb) // 5 :], max_lags=0)
    slope = fit.slope_mb_per_hour
    fast = slope >= 0.01 * float(np.median(mb))
    lasting = tail is not None and tail.slope_mb_per_hour >= 0.5 * slope
    return Opinion(bool(slope > 0 and fast and fit.r_squared >= 0.8 and lasting))


RULES: dict[str, Rule] = {
    "memmon": memmon,
    "original rule (end points, 60 % rising)": end_points,
    "OLS p-value": ols_p_value,
    "OLS + HAC": ols_hac,
    "Theil-Sen > threshold": theil_sen_plain,
    "Theil-Sen interval": theil_sen_interval,
    "Mann-Kendall + Sen": mann_kendall_sen,
    "Hamed-Rao + Sen": hamed_rao_sen,
    "per cent an hour + tail": percent_with_tail,
}
