"""When a part of memory is an alarm: the rule of the whole, with a margin that pays for the choice among several."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memmon.analysis.leak.evidence import of_trend, since_onset
from memmon.analysis.leak.garbage_rule import rule_beyond_garbage
from memmon.analysis.leak.recent import first_alarm, recent_trends
from memmon.analysis.leak.rules import margin_for
from memmon.analysis.leak.short import KNOWN_HOURS, SHORT_MARGIN, short_alarm
from memmon.analysis.leak.signals.margin import paid_margin
from memmon.analysis.leak.trend import fit_trend

if TYPE_CHECKING:
    from memmon.analysis.leak.evidence import Evidence
    from memmon.analysis.leak.series import RunSeries

YOUNG_MARGIN, YOUNG_FROM_HOURS = 8.0, 2.9
"""Standard errors, and hours of history from which they hold, where the whole must be nearly noiseless still."""


def part_evidence(run: RunSeries, threshold_mb_per_hour: float, *, signal_count: int) -> Evidence | None:
    """Return what all of a part says, None where it is too short for a trend."""
    trend = fit_trend(run.hours, run.mb)
    if trend is None:
        return None
    margin = margin_for(run.history_hours)
    if margin is None and run.history_hours >= YOUNG_FROM_HOURS:
        margin = YOUNG_MARGIN
    if margin is None:
        return of_trend("whole", run, trend, is_alarm=False, failed="margin")
    paid = paid_margin(margin, signal_count)
    ruling = rule_beyond_garbage(run, trend, threshold_mb_per_hour, margin=paid)
    return of_trend("whole", run, trend, is_alarm=ruling.is_alarm, failed=ruling.failed)


def recent_evidence(run: RunSeries, threshold_mb_per_hour: float, *, signal_count: int) -> Evidence | None:
    """Return the alarm that the last hours of a part are, None where they are none."""
    lately = [
        replace(recent, margin=paid_margin(recent.margin, signal_count))
        for recent in recent_trends(run, at_least=threshold_mb_per_hour)
    ]
    found = first_alarm(run, lately, threshold_mb_per_hour)
    if found is None:
        return None
    return of_trend(f"last {found.hours:g} h", run, found.trend, is_alarm=True, failed="")


def short_evidence(run: RunSeries, threshold_mb_per_hour: float, *, signal_count: int) -> Evidence | None:
    """Return the alarm that the last few hours of one of several signals are, None where they are none."""
    margin = paid_margin(SHORT_MARGIN, signal_count)
    found = short_alarm(run, threshold_mb_per_hour, margin=margin, known_hours=KNOWN_HOURS)
    if found is None:
        return None
    return of_trend(f"last {found.hours:g} h", run, found.trend, is_alarm=True, failed="")


def alarm_of(whole: Evidence, threshold_mb_per_hour: float, *, signal_count: int) -> Evidence | None:
    """Return the alarm of a part of which `whole` is what all of it says, measured from its onset on; else None."""
    if whole.is_alarm:
        alarm: Evidence | None = whole
    else:
        alarm = recent_evidence(
            whole.series, threshold_mb_per_hour, signal_count=signal_count
        ) or short_evidence(whole.series, threshold_mb_per_hour, signal_count=signal_count)
    return None if alarm is None else since_onset(alarm, at_least=threshold_mb_per_hour)
