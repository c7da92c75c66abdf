"""One verdict from several signals: a part that leaks carries it, and one that clearly rises lets nothing calm be said.

No part exonerates: blocks are blind to native memory, the heap to small objects.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.evidence import newest_run, of_trend, since_onset
from memmon.analysis.leak.judgement import Judgement
from memmon.analysis.leak.rules import ENOUGH_HOURS
from memmon.analysis.leak.signals.alarm import alarm_of, part_evidence, short_evidence
from memmon.analysis.leak.signals.held import held_part
from memmon.analysis.leak.signals.in_use import level_in_use
from memmon.analysis.leak.signals.known import beside_harmless, counts_parts, judged_parts, known_parts
from memmon.analysis.leak.states import judged_alone
from memmon.analysis.leak.trend import fit_trend
from memmon.facts.signals import Signal
from memmon.facts.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.analysis.leak.evidence import Evidence
    from memmon.analysis.leak.series import RunSeries
    from memmon.analysis.leak.signals.known import Parts
    from memmon.history import History

NOTABLE_SHARE = 0.1
"""Share of the threshold from which a part that rises is worth a word. Chosen: as of the last hours."""


def carried_by_parts(
    history: History,
    runs: Sequence[RunSeries],
    judgement: Judgement,
    *,
    warm_up_hours: float,
    threshold_mb_per_hour: float,
) -> Judgement:
    """Return the verdict with what the parts of the newest run add to it: `judgement` itself where they add nothing.

    A leak of the whole, and what registered deques explain, stand as they are.
    """
    is_told = judgement.verdict is Verdict.LEAKING or judgement.reason == "deques_explain"
    if is_told or not counts_parts(history):
        return judgement
    newest = newest_run(runs)
    run = history.of_runs([newest.run_id])
    parts = known_parts(run, warm_up_hours=warm_up_hours)
    judged = judged_parts(parts)
    whole = {
        signal: found
        for signal, part in judged.items()
        if (found := part_evidence(part, threshold_mb_per_hour, signal_count=len(judged) + 1)) is not None
    }
    carrier = _strongest(whole, threshold_mb_per_hour, signal_count=len(judged) + 1)
    if carrier is not None:
        return _leaking(carrier, newest, parts, threshold_mb_per_hour)
    lately = _whole_lately(newest, parts, threshold_mb_per_hour, signal_count=len(judged) + 1)
    if lately is not None:
        return lately
    held = _held(judgement, whole, newest, parts, threshold_mb_per_hour)
    if held is not None:
        return held
    is_calm = judgement.verdict.row.needs_all_parts
    rising = _rising(whole, threshold_mb_per_hour) if is_calm else None
    return rising or level_in_use(judgement, parts, threshold_mb_per_hour) or judgement


def _strongest(
    whole: dict[Signal, Evidence], threshold_mb_per_hour: float, *, signal_count: int
) -> tuple[Signal, Evidence] | None:
    """Return the part whose alarm stands the most standard errors above the threshold."""
    alarms = [
        (signal, alarm)
        for signal, evidence in whole.items()
        if (alarm := alarm_of(evidence, threshold_mb_per_hour, signal_count=signal_count)) is not None
    ]
    return max(
        alarms,
        key=lambda found: (found[1].slope - threshold_mb_per_hour) / max(found[1].error, 1e-9),
        default=None,
    )


def _whole_lately(
    newest: RunSeries, parts: Parts, threshold_mb_per_hour: float, *, signal_count: int
) -> Judgement | None:
    """Return the leak that the last few hours of all memory are, where what is in use may grow as fast; else None.

    Without its parts memory needs a day to be known: what arenas take is not in use.
    """
    if Signal.IN_USE not in parts:
        return None
    alarm = short_evidence(beside_harmless(newest), threshold_mb_per_hour, signal_count=signal_count)
    used = None if alarm is None else _over_the_same(alarm, parts[Signal.IN_USE])
    if alarm is None or used is None or used.high < threshold_mb_per_hour:
        return None
    return Judgement(
        verdict=Verdict.LEAKING, reason="trend", evidence=since_onset(alarm, at_least=threshold_mb_per_hour)
    )


def _leaking(
    carrier: tuple[Signal, Evidence], newest: RunSeries, parts: Parts, threshold_mb_per_hour: float
) -> Judgement:
    """Return the leak that a part tells.

    Its rate is the whole's where that grows as fast for sure; else that of what is in use, which fills holes; else the part's.
    """
    signal, evidence = carrier
    measured = ((Signal.FOOTPRINT, newest), (Signal.IN_USE, parts.get(Signal.IN_USE)))
    for name, series in measured:
        rate = None if series is None else _over_the_same(evidence, series)
        if rate is not None and rate.slope >= threshold_mb_per_hour and rate.low > 0:
            return _leak(signal, evidence, name, rate)
    return _leak(signal, evidence, signal, evidence)


def _held(
    judgement: Judgement,
    whole: dict[Signal, Evidence],
    newest: RunSeries,
    parts: Parts,
    threshold_mb_per_hour: float,
) -> Judgement | None:
    """Return the leak of a part that pauses, where the verdict on the whole may be a pause too; else None."""
    if not judgement.verdict.row.may_be_pause:
        return None
    found = held_part(whole, newest, threshold_mb_per_hour, signal_count=len(whole) + 1)
    if found is None:
        return None
    signal, held = found
    if held.verdict is not Verdict.LEAKING:
        is_calm = judgement.verdict.row.needs_all_parts
        paused = replace(judgement, verdict=held.verdict, reason=held.reason, paused_hours=held.paused_hours)
        return paused if is_calm else None
    end_seconds = held.evidence.to_seconds
    then = {name: _until(part, end_seconds) for name, part in parts.items()}
    seen = _leaking((signal, held.evidence), _until(newest, end_seconds), then, threshold_mb_per_hour)
    return replace(
        seen,
        reason=held.reason,
        paused_hours=held.paused_hours,
        work_pause=held.work_pause,
        went_on=held.went_on,
    )


def _until(series: RunSeries, end_seconds: float) -> RunSeries:
    return series.until(int(np.searchsorted(series.at_seconds, end_seconds, side="right")))


def _leak(signal: Signal, carrier: Evidence, measured: Signal, rate: Evidence) -> Judgement:
    return Judgement(
        verdict=Verdict.LEAKING,
        reason="trend",
        evidence=rate,
        signal=signal,
        measured=measured,
        carrier=carrier,
    )


def _over_the_same(carrier: Evidence, series: RunSeries) -> Evidence | None:
    """Return the trend of another series over the stretch that the carrier speaks of."""
    assert carrier.trend is not None
    begin = float(carrier.series.hours[-1]) - carrier.trend.span_hours
    cut = int(np.searchsorted(series.hours, begin - 1e-6))
    trend = fit_trend(series.hours[cut:], series.mb[cut:])
    if trend is None:
        return None
    found = of_trend(carrier.kind, series, trend, is_alarm=True, failed="")
    return replace(found, from_seconds=carrier.from_seconds, hours=carrier.hours)


def _rising(whole: dict[Signal, Evidence], threshold_mb_per_hour: float) -> Judgement | None:
    """Return what is said instead of a calm word where a part clearly rises and does not slow down; else None."""
    rising = [
        (signal, own)
        for signal, evidence in whole.items()
        if evidence.slope >= NOTABLE_SHARE * threshold_mb_per_hour
        and evidence.low > 0
        and not (own := judged_alone(evidence, threshold_mb_per_hour)).verdict.row.needs_all_parts
    ]
    if not rising:
        return None
    signal, own = max(rising, key=lambda found: found[1].evidence.low)
    evidence = own.evidence
    is_fast = evidence.slope >= threshold_mb_per_hour
    verdict = Verdict.CANNOT_SAY if is_fast or evidence.hours < ENOUGH_HOURS else Verdict.GROWING
    return Judgement(
        verdict=verdict,
        reason="part_rises" if verdict is Verdict.CANNOT_SAY else "trend",
        evidence=evidence,
        signal=signal,
        measured=signal,
        carrier=evidence,
    )
