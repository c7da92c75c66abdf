"""How sure a leak must be, among many processes that are looked at every hour, for so many false alarms a month.

The constants of the verdict are those of one process. A thousand of them, each looked at 720 times a month, need a bar
that grows with their number. An *e-value* is evidence whose mean is one at most where nothing grows, so that it reaches
1/a with a chance of a at most (Markov), however the looks and the processes depend on one another. That of a slope is
its t statistic averaged over slopes about as large as the threshold (the anytime-valid t test of Lindon, Ham, Tingley
& Bojinov 2022). Over the processes the bar is the e-value form of Benjamini and Hochberg's rule (Wang & Ramdas 2022),
at one look's share of the month's budget.

Growth that is real and ends is no noise: start-ups, caches that fill, the first day's load. No slope tells it from a leak,
its length does. Where such growth goes on after *h* hours in one process of S(h), 1/S(h) while it goes on and nothing after
is an e-value against it, whenever one looks. A leak must be told from both, so the smaller of the two counts. What fills
for longer than S allows for is covered by neither: so the bar comes on top of all that the verdict demands.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from memmon.analysis.leak.envelope import BLOCK_COUNT, SAMPLES_PER_BLOCK
from memmon.analysis.leak.floor import FEWEST_SHARE, FLOOR, FLOORS
from memmon.analysis.leak.rules import RECENT_MARGINS
from memmon.analysis.leak.short import BLOCKS as SHORT_BLOCKS
from memmon.analysis.leak.short import SHORT_WINDOWS_HOURS
from memmon.facts.signals import Signal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.analysis.leak.finding import LeakFinding

LOOKS_PER_MONTH = 720
"""Hourly looks in 30 days. By definition."""
TERMS = 3
"""What a trend takes of the independent values: level, slope, and the memory of its noise. By definition."""
LEAST_FREEDOM = 2
"""Degrees of freedom, at least. Chosen: below it a t statistic says nothing."""
MIXED_SLOPE_SHARE = 2.0
"""Standard deviation of the slopes averaged over, in thresholds. Chosen: leaks that matter are of that size."""
VISIBLE_ERRORS = 2.84
"""Standard errors in the smallest visible slope, about: 2 and 0.84. By definition; of few blocks they are more, and the error comes out larger."""
WORK_CLOCKS = 2
"""Clocks of work beside which a signal is judged: of an average hour, and of an hour at its pace. By definition."""
CHOICE_COUNT = (
    len(Signal) * (len(RECENT_MARGINS) + len(SHORT_WINDOWS_HOURS) + 3 + WORK_CLOCKS) + len(FLOORS) + 1
)
"""Ways in which a verdict may come to a leak, of each signal: all, recent, short, since the onset, all runs, beside work; the floors; and a week apart. By definition."""
SETTLING_HOURS = 1.65
"""Hours after which e times fewer starts, caches and first days still grow. Chosen: a day is long enough for 1,000 processes at three a month."""
LEAST_ERROR_SHARE = 1e-3
"""Standard error, in thresholds, at least. Chosen: readings are whole pages."""


def log_e_value(finding: LeakFinding) -> float:
    """Return the natural logarithm of the e-value against "no growth, or a start's"; minus infinity where nothing grows.

    It is the smaller of that against noise and that against growth that a young process ends by itself.
    """
    risen = finding.risen_after_hours
    age_hours = finding.duration_hours if risen is None else risen
    return min(log_e_value_of_slope(finding), age_hours / SETTLING_HOURS)


def log_e_value_of_slope(finding: LeakFinding) -> float:
    """Return the natural logarithm of the e-value against "memory does not grow"; minus infinity where it does not.

    With slope *b*, standard error *s*, z = b/s, n degrees of freedom and g = (2 threshold/s)^2 that is
    -ln(1 + g)/2 + (n + 1)/2 ln((1 + z^2/n) / (1 + z^2/(n (1 + g)))), less the logarithm of the stretches chosen from:
    the mean of their e-values is one as well.
    """
    slope, threshold = finding.slope_mb_per_hour, finding.policy.threshold_mb_per_hour
    visible = (
        finding.smallest_visible_slope_mb_per_hour
    )  # the interval knows more than noise: when growth began
    if slope is None or visible is None or slope <= 0:
        return -math.inf
    error = max(visible / VISIBLE_ERRORS, LEAST_ERROR_SHARE * threshold, 1e-9)
    squared, freedom = (slope / error) ** 2, _freedom(finding)
    mixed = (MIXED_SLOPE_SHARE * threshold / error) ** 2
    ratio = math.log1p(squared / freedom) - math.log1p(squared / (freedom * (1 + mixed)))
    return (freedom + 1) / 2 * ratio - math.log1p(mixed) / 2 - math.log(CHOICE_COUNT)


def _freedom(finding: LeakFinding) -> int:
    """Return the degrees of freedom of the slope: those of the blocks it was fitted to, of pooled runs their number's."""
    if finding.window.run_count > 1:
        return max(min(finding.window.run_count, BLOCK_COUNT) - 1, LEAST_FREEDOM)
    is_short = finding.duration_hours <= SHORT_WINDOWS_HOURS[0]
    most = SHORT_BLOCKS if is_short else BLOCK_COUNT
    if finding.window.kind == FLOOR:  # what lies on it is not told: as many as must
        most = int(FEWEST_SHARE * most)
    return max(min(most, finding.sample_count // SAMPLES_PER_BLOCK) - TERMS, LEAST_FREEDOM)


def within_budget(
    log_e_values: Sequence[float], false_alarms_per_month: float, *, process_count: int | None = None
) -> tuple[bool, ...]:
    """Tell which of the processes are surely enough no noise, by their e-values' logarithms.

    The largest k of which the k-th largest e-value, times k, reaches the number of processes over one look's share of the
    budget: those k. `process_count`: how many there are, where they are more (the others then say nothing).
    Raises ValueError where the budget is not above zero.
    """
    if not (math.isfinite(false_alarms_per_month) and false_alarms_per_month > 0):
        raise ValueError(
            f"false_alarms_per_month must be a finite number above zero, not {false_alarms_per_month!r}"
        )
    count = max(len(log_e_values), process_count or 0, 1)
    bar = math.log(count) + math.log(LOOKS_PER_MONTH / false_alarms_per_month)
    ordered = sorted(log_e_values, reverse=True)
    enough = [value for rank, value in enumerate(ordered, start=1) if value + math.log(rank) >= bar]
    least = min(enough, default=math.inf)
    return tuple(value >= least for value in log_e_values)
