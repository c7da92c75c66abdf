"""A leak that follows the work, measured while work is done: by its pace a young one is heard, and one that rests most of the day.

The threshold is asked of an hour at the pace at which the average unit of work is done; where nothing is done the clock
stands nearly still. In the first hours a warm-up is as straight beside the work as a leak: so growth must last beside an
approach to a level in time, which goes on when the work pauses, and a leak does not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import block_minima
from memmon.analysis.leak.evidence import newest_run, of_trend
from memmon.analysis.leak.hold import GIVEN_BACK_SHARE, hours_of
from memmon.analysis.leak.judgement import Judgement
from memmon.analysis.leak.load import without_rate
from memmon.analysis.leak.rules import DEMANDS
from memmon.analysis.leak.series import more_filled
from memmon.analysis.leak.shape import lasting_slope
from memmon.analysis.leak.signals.alarm import part_evidence
from memmon.analysis.leak.signals.by_work import WORK_SHARE, clearest_alarm
from memmon.analysis.leak.trend import fit_trend
from memmon.arrays import median_of
from memmon.facts.signals import Signal
from memmon.facts.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memmon.analysis.leak.evidence import Evidence
    from memmon.analysis.leak.series import RunSeries
    from memmon.history import History

    FloatArray = NDArray[np.float64]

WORKING_PACE = "working_pace"
"""The reason of such a leak."""
PACE_HOURS = 0.5
"""Hours over which the pace of work is taken. Chosen: as a block of a day."""
MOST_WORKED_SHARE = 0.9
"""Hours worked, over those passed, from which the clock tells no more than time does. Chosen."""

LAST_HOURS = 3
"""Hourly floors at the end whose middle is the level. Chosen, as of what is held."""


def leak_at_working_pace(
    history: History,
    runs: Sequence[RunSeries],
    judgement: Judgement,
    *,
    warm_up_hours: float,
    threshold_mb_per_hour: float,
) -> Judgement | None:
    """Return the leak that the newest run shows while it works, None where it shows none, or works evenly.

    The evidence's rate is that of an average hour, rests included; `worked_slope` that of an hour of work.
    """
    newest = newest_run(runs)
    clock = working_clock(newest) if judgement.verdict.row.may_be_pause else None
    if clock is None or clock[-1] - clock[0] > MOST_WORKED_SHARE * newest.span_hours:
        return None
    found = clearest_alarm(
        history, newest, threshold_mb_per_hour, _while_working, warm_up_hours=warm_up_hours
    )
    if found is None:
        return None
    signal, series, worked = found
    average = _on_average(worked, series)
    return Judgement(
        verdict=Verdict.LEAKING,
        reason=WORKING_PACE,
        evidence=average,
        signal=signal,
        measured=signal,
        carrier=None if signal is Signal.FOOTPRINT else average,
        worked_slope=worked.slope,
    )


def working_clock(run: RunSeries) -> FloatArray | None:
    """Return hours that pass as work is done, at the pace at which the average unit was done, and a little with time.

    None where no work was counted, or the count fell back.
    """
    if run.work is None or run.work[-1] <= run.work[0] or float(np.diff(run.work).min()) < 0:
        return None
    edges = np.arange(run.hours[0], run.hours[-1] + PACE_HOURS, PACE_HOURS)
    made = np.diff(np.interp(edges, run.hours, run.work))
    pace = float(made @ made) / float(made.sum()) / PACE_HOURS
    passed = run.hours - run.hours[0]
    worked = (run.work - run.work[0]) / pace
    return np.asarray(run.hours[0] + WORK_SHARE * worked + (1.0 - WORK_SHARE) * passed)


def _while_working(run: RunSeries, threshold_mb_per_hour: float, *, signal_count: int) -> Evidence | None:
    """Return the alarm that a series gives in hours of work, None where it gives none or a level in time may be ahead."""
    plain = more_filled(run)
    clock = working_clock(plain)
    if clock is None:
        return None
    known_hours = plain.history_hours - plain.span_hours + float(clock[-1] - clock[0])
    freed = replace(plain, mb=without_rate(plain, clock), hours=clock, work=None, history_hours=known_hours)
    evidence = part_evidence(freed, threshold_mb_per_hour, signal_count=signal_count)
    if evidence is None or evidence.trend is None or not evidence.is_alarm:
        return None
    if _is_given_back(replace(plain, mb=freed.mb)):
        return None
    # Blocks of time: what memory does while nothing is done weighs as much as what it does at work.
    blocks = block_minima(plain.hours, freed.mb)
    worked = np.interp(blocks.hours, plain.hours, clock)
    lasts = lasting_slope(worked, blocks.mb, times=blocks.hours)
    enough = max(DEMANDS.lasting_share * threshold_mb_per_hour, DEMANDS.young_ahead_share * evidence.slope)
    return evidence if lasts >= enough else None


def _is_given_back(run: RunSeries) -> bool:
    """Tell whether the last hours lie lower than the highest by a third of what memory had grown by: the clock hardly sees a rest."""
    known = hours_of(run)
    if known is None:
        return True
    level, highest = median_of(known.floors[-LAST_HOURS:]), float(known.floors.max())
    return highest - level > GIVEN_BACK_SHARE * (highest - float(known.floors[0]))


def _on_average(worked: Evidence, run: RunSeries) -> Evidence:
    """Return the same evidence per hour of time: its clock stretched to as many hours as passed."""
    share = worked.series.span_hours / run.span_hours
    stretched = run.hours[0] + (worked.series.hours - worked.series.hours[0]) / share
    series = replace(worked.series, hours=stretched, history_hours=run.history_hours)
    trend = fit_trend(series.hours, series.mb)
    return worked if trend is None else of_trend("whole", series, trend, is_alarm=True, failed="")
