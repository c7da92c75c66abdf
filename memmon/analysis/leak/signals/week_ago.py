"""A second voice: what memory holds more than at the same hour a week before, whatever a day or a week does to it.

Load that comes and goes with the week hides growth from a trend, and makes a trend of no growth. Between two readings a
week apart it is the same. So where a week by itself does not tell, each hour is put beside the one a week before:
memory that leaks holds more by a week's growth at every hour. A step, or growth that has ended, does so as well for a
while: that is told apart by the days that the growth came on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import Blocks, block_starts, mean_of, median_slope
from memmon.analysis.leak.evidence import Evidence
from memmon.analysis.leak.hold import HOURS_PER_DAY
from memmon.analysis.leak.judgement import Judgement
from memmon.analysis.leak.weekday import HOURS_PER_WEEK
from memmon.analysis.stats.noise import fit_noise, t_quantile, weights_error
from memmon.arrays import median_of, medians_of
from memmon.facts.medians import SIGMA_PER_MAD
from memmon.facts.verdicts import Verdict
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.analysis.leak.series import RunSeries

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

LEAST_PAIRED_HOURS = 48
"""Hours beside which the ones a week before are known, at least. Given with the rule: 216 h of history."""
MOST_PAIRED_HOURS = 168
"""Hours that are put beside those a week before, at most. Chosen: each hour of the week once."""
PAIRED_SHARE = 0.6
"""Part of them that must have been read in both weeks. Chosen: a gap of a day and a half in two of four days may be."""
BLOCK_HOURS = 2
"""Hours of a block, whose mean counts. Chosen: as many blocks as an envelope has in four days."""
WEEK_MARGIN = 2.0
"""Standard errors that a week's growth stands above the threshold. Chosen: as of twelve hours of a trend."""
STRAYS_TIMES = 2.5
"""What a walk strays by in a week, over how far it strays within one, at most. Chosen: 1.7 in the mean, and half as much more."""
FALLING_SHARE = 0.15
"""Part of a week's growth by which the difference may fall over the hours: growth that ends makes it fall. Chosen."""
STEP_DAYS = 3
"""Days whose growth may be steps. Chosen: as many steps as may lie between level stretches."""
BESIDE_STEPS_SHARE = 0.2
"""Part of a week's growth that must have come on its other days. Chosen: half of what five equal days leave."""
LAST_DAYS = 3
"""Last days that must have grown too. Chosen: a weekend and a day that was worked."""
LAST_DAYS_SHARE = 0.1
"""Part of a week's growth that must have come on them. Chosen."""
KIND = "week apart"
"""The kind of stretch that it speaks of."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeekApart:
    """What the hours of a run hold more than those a week before: blocks of it (MB), and the growth of each day since (MB)."""

    blocks: Blocks
    daily_growth_mb: FloatArray
    first_hour: int


def leak_of_weeks(run: RunSeries, threshold_mb_per_hour: float) -> Judgement | None:
    """Return the leak that a run shows beside the week before, None where it shows none or is too short."""
    found = week_apart(run)
    if found is None:
        return None
    evidence = evidence_of(run, found)
    if not is_leak(found, evidence, threshold_mb_per_hour):
        return None
    return Judgement(verdict=Verdict.LEAKING, reason="week_ago", evidence=evidence)


def week_apart(run: RunSeries) -> WeekApart | None:
    """Return what the last hours of a run hold more than those a week before; None where too few have such an hour."""
    number = np.floor(run.at_seconds / SECONDS_PER_HOUR).astype(np.int64)
    if number[-1] - number[0] < LEAST_PAIRED_HOURS + HOURS_PER_WEEK or int(np.diff(number).min()) < 0:
        return None
    starts = block_starts(number)
    hours, floors = number[starts], np.minimum.reduceat(run.mb, starts)
    later = hours >= max(hours[0] + HOURS_PER_WEEK, hours[-1] - MOST_PAIRED_HOURS + 1)
    beside = np.searchsorted(hours, hours[later] - int(HOURS_PER_WEEK))
    is_paired = hours[beside] == hours[later] - int(HOURS_PER_WEEK)
    at = hours[later][is_paired]
    wanted = hours[-1] - max(hours[0] + HOURS_PER_WEEK, hours[-1] - MOST_PAIRED_HOURS + 1)
    if at.size < max(PAIRED_SHARE * wanted, PAIRED_SHARE * LEAST_PAIRED_HOURS):
        return None
    more = floors[later][is_paired] - floors[beside][is_paired]
    grown = _daily_growth(hours, floors)
    return (
        None
        if grown is None
        else WeekApart(
            blocks=_blocks(at, more), daily_growth_mb=grown, first_hour=int(at[0]) - int(HOURS_PER_WEEK)
        )
    )


def _blocks(at: IntArray, more: FloatArray) -> Blocks:
    number = at // BLOCK_HOURS
    starts = block_starts(number)
    size = np.append(starts[1:], at.size) - starts
    return Blocks(
        number=number[starts],
        hours=np.add.reduceat(at.astype(np.float64), starts) / size,
        mb=np.add.reduceat(more, starts) / size,
        length_hours=float(BLOCK_HOURS),
    )


def _daily_growth(hours: IntArray, floors: FloatArray) -> FloatArray | None:
    """Return by how much the floor of each of the last seven days lies above that of the day before, the newest first."""
    day = (hours[-1] - hours) // HOURS_PER_DAY
    days = int(HOURS_PER_WEEK) // HOURS_PER_DAY
    lowest = [floors[day == number] for number in range(days + 1)]
    if any(one.size == 0 for one in lowest):
        return None
    floor = np.array([one.min() for one in lowest])
    # A day of load by itself is no growth: it goes again.
    floor[1:-1] = medians_of(np.lib.stride_tricks.sliding_window_view(floor, 3))
    return np.asarray(floor[:-1] - floor[1:], dtype=np.float64)


def evidence_of(run: RunSeries, found: WeekApart) -> Evidence:
    """Return the growth of a week, over its hours, with its error: that of a level under the noise round it."""
    blocks = found.blocks
    n = blocks.mb.size
    slope = median_of(blocks.mb) / HOURS_PER_WEEK
    noise = fit_noise(blocks.mb - mean_of(blocks.mb), blocks.number, trend_terms=1)
    if noise.is_random_walk:
        # A walk has strayed for a week between the two; the difference of both weeks has twice its shocks.
        strayed = noise.shock_mb * math.sqrt(HOURS_PER_WEEK / BLOCK_HOURS / 2)
    else:
        strayed = weights_error(np.full(n, 1.0 / n), blocks.number, noise)
    # What strays between the weeks does so within the hours as well; bursts of some of them move no median.
    within = SIGMA_PER_MAD * median_of(np.abs(blocks.mb - median_of(blocks.mb)))
    within *= STRAYS_TIMES * math.sqrt(HOURS_PER_WEEK / (n * BLOCK_HOURS))
    error = min(strayed, within)
    begin = float(found.first_hour) * SECONDS_PER_HOUR
    return Evidence(
        kind=KIND,
        is_alarm=True,
        failed="",
        slope=slope,
        error=error / HOURS_PER_WEEK,
        quantile=t_quantile(0.975, n - 1),
        from_seconds=max(begin, run.first_at_seconds),
        to_seconds=float(run.at_seconds[-1]),
        hours=(float(run.at_seconds[-1]) - max(begin, run.first_at_seconds)) / SECONDS_PER_HOUR,
        run_count=1,
        trend=None,
        pool=None,
        series=run,
    )


def is_leak(found: WeekApart, evidence: Evidence, threshold_mb_per_hour: float) -> bool:
    """Tell whether every hour holds a leak's week more for sure, and that did not come in steps or come to an end."""
    if evidence.slope <= 0 or evidence.low <= 0:
        return False
    if evidence.slope - WEEK_MARGIN * evidence.error < threshold_mb_per_hour:
        return False
    more, week_mb = found.blocks.mb, evidence.slope * HOURS_PER_WEEK
    least = threshold_mb_per_hour * HOURS_PER_WEEK
    if min(median_of(third) for third in np.array_split(more, 3)) < least:
        return False
    fallen = -median_slope(found.blocks.hours, more) * float(found.blocks.hours[-1] - found.blocks.hours[0])
    if fallen > FALLING_SHARE * week_mb:
        return False
    grown = np.sort(found.daily_growth_mb)
    beside_steps = float(grown[:-STEP_DAYS].sum())
    late = float(found.daily_growth_mb[:LAST_DAYS].sum())
    return beside_steps >= BESIDE_STEPS_SHARE * week_mb and late >= LAST_DAYS_SHARE * week_mb
