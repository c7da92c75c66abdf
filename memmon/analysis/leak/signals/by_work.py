"""A leak that follows the work: each part of memory beside the work counted so far, in place of the time.

What leaks a little with each unit of work grows by day and pauses by night: beside time it comes to an end, beside the work
it is a straight line. The work done per hour, which load that comes and goes follows, is taken out beside that line.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

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

    class Judge(Protocol):
        """What a series says beside work: of one of so many signals, against a threshold in MB/h."""

        def __call__(
            self, run: RunSeries, threshold_mb_per_hour: float, *, signal_count: int
        ) -> Evidence | None:
            """Return what it says, None where no work tells."""


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
    if work_clock(newest) is None:
        return None
    found = clearest_alarm(history, newest, threshold_mb_per_hour, work_evidence, warm_up_hours=warm_up_hours)
    if found is None:
        return None
    signal, _, evidence = found
    return Judgement(
        verdict=Verdict.LEAKING,
        reason=BY_WORK,
        evidence=evidence,
        signal=signal,
        measured=signal,
        carrier=None if signal is Signal.FOOTPRINT else evidence,
    )


def clearest_alarm(
    history: History,
    newest: RunSeries,
    threshold_mb_per_hour: float,
    judge: Judge,
    *,
    warm_up_hours: float,
) -> tuple[Signal, RunSeries, Evidence] | None:
    """Return of the run's memory and its parts the alarm whose rate is surest, and its series; None without one.

    Each is judged by two clocks.
    """
    run = history.of_runs([newest.run_id])
    series = {Signal.FOOTPRINT: newest, **judged_parts(plain_parts(run, warm_up_hours=warm_up_hours))}
    judged = {
        signal: judge(one, threshold_mb_per_hour, signal_count=CLOCKS * len(series))
        for signal, one in series.items()
    }
    alarms = [
        (signal, series[signal], one) for signal, one in judged.items() if one is not None and one.is_alarm
    ]
    return max(alarms, key=lambda one: one[2].low, default=None)


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
