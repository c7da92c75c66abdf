"""A leak that follows the work: each part of memory beside the work counted so far, in place of the time.

What leaks a little with each unit of work grows by day and pauses by night: beside time it comes to an end, beside the work
it is a straight line. The work done per hour, which load that comes and goes follows, is taken out beside that line.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.evidence import newest_run
from memmon.analysis.leak.judgement import Judgement
from memmon.analysis.leak.load import without_rate
from memmon.analysis.leak.rules import ENOUGH_HOURS
from memmon.analysis.leak.series import more_filled
from memmon.analysis.leak.signals.alarm import part_evidence
from memmon.analysis.leak.signals.known import judged_parts, plain_parts
from memmon.facts.signals import Signal
from memmon.facts.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memmon.analysis.leak.evidence import Evidence
    from memmon.analysis.leak.series import RunSeries
    from memmon.history import History

    FloatArray = NDArray[np.float64]

WORK_SHARE = 0.95
"""Part of the clock that is work; the rest is time. Given with the rule."""
CLOCKS = 2
"""Time and work: the choice between them is paid for as that among signals. By definition."""
BY_WORK = "by_work"
"""The reason of such a leak."""


def leak_by_work(
    history: History,
    runs: Sequence[RunSeries],
    judgement: Judgement,
    *,
    warm_up_hours: float,
    threshold_mb_per_hour: float,
) -> Judgement | None:
    """Return the leak that the newest run shows beside the work it counted, None where it shows none or is young.

    What explains growth otherwise stands: deques, load and mapped files. What is held gives way: this is of the present.
    """
    newest = newest_run(runs)
    is_open = judgement.verdict.row.may_be_pause or judgement.work_pause is not None
    if not is_open or newest.history_hours < ENOUGH_HOURS:
        return None
    clock = work_clock(newest)
    if clock is None:
        return None
    run = history.of_runs([newest.run_id])
    series = {Signal.FOOTPRINT: newest, **judged_parts(plain_parts(run, warm_up_hours=warm_up_hours))}
    # Each signal is judged by two clocks.
    found = {
        signal: evidence
        for signal, one in series.items()
        if (evidence := work_evidence(one, threshold_mb_per_hour, signal_count=CLOCKS * len(series)))
        is not None
        and evidence.is_alarm
    }
    if not found:
        return None
    signal, evidence = max(found.items(), key=lambda one: one[1].low)
    return Judgement(
        verdict=Verdict.LEAKING,
        reason=BY_WORK,
        evidence=evidence,
        signal=signal,
        measured=signal,
        carrier=None if signal is Signal.FOOTPRINT else evidence,
    )


def work_evidence(run: RunSeries, threshold_mb_per_hour: float, *, signal_count: int) -> Evidence | None:
    """Return what a series says beside the work counted: MB per average hour; None where no work tells."""
    plain = more_filled(run)
    clock = work_clock(plain)
    if clock is None:
        return None
    freed = replace(plain, mb=without_rate(plain, clock), hours=clock, work=None)
    return part_evidence(freed, threshold_mb_per_hour, signal_count=signal_count)


def work_clock(run: RunSeries) -> FloatArray | None:
    """Return hours that pass as work is done, as many in all as of time; None where none was counted, or the count fell back."""
    if run.work is None:
        return None
    done = run.work - run.work[0]
    if done[-1] <= 0 or float(np.diff(done).min()) < 0:
        return None
    passed = run.hours - run.hours[0]
    return np.asarray(
        run.hours[0] + WORK_SHARE * run.span_hours * done / done[-1] + (1.0 - WORK_SHARE) * passed
    )
