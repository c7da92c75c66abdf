"""The verdict on each source that lives: the kept one where it still holds, else one that is judged now."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.clock import SystemClock
from memmon.facts.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from memmon.analysis.leak.finding import LeakFinding
    from memmon.export.metric_values import SourceState
    from memmon.store.read import AssessmentRow, Store

_JUDGED_EVERY = timedelta(minutes=5)
"""A scrape every 15 s must not judge every time."""

_MAX_HELD = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricVerdict:
    """What the metrics tell of a verdict."""

    is_leak: bool
    slope_mb_per_hour: float | None
    at: datetime
    """When it was given."""
    limit_at: datetime | None = None
    """When the memory limit is reached by the forecast; None: no date is known."""
    limit_at_low: datetime | None = None
    """The same at the earliest."""


def read_verdicts(
    store: Store, states: Sequence[SourceState], *, now: datetime, judging_seconds: float | None
) -> Iterator[tuple[str, MetricVerdict]]:
    """Yield (source, verdict) of each source that is neither silent nor left out for want of time."""
    from memmon.assessment.newest import newest_rows

    clock = SystemClock()
    started = clock.monotonic()
    rows = {row.source: row for row in newest_rows(store, now=now)}
    for state in states:
        if not state.is_fresh or state.last_at is None:
            continue
        row = rows.get(state.source)
        found = None if row is None else _kept(row, state.last_at)
        found = found or _judged.held(store, state.source, state.last_at)
        is_in_time = judging_seconds is None or clock.monotonic() - started <= judging_seconds
        if found is None and is_in_time:
            found = _judge(store, state.source, state.last_at, now=now)
        if found is not None:
            yield state.source, found


def _kept(row: AssessmentRow, last_at: datetime) -> MetricVerdict | None:
    from memmon.analysis.leak.detect import DEFAULT_POLICY
    from memmon.assessment.kept import read_kept, still_holds

    kept = read_kept(row)
    if kept is None or not still_holds(row, kept, policy=DEFAULT_POLICY, last_at=last_at, is_checked=True):
        return None
    found = _verdict(kept.finding, row.at)
    forecast = kept.forecast
    if forecast is None or kept.finding.verdict is Verdict.CANNOT_SAY:
        return found
    return replace(found, limit_at=forecast.at, limit_at_low=forecast.at_low)


def _judge(store: Store, source: str, last_at: datetime, *, now: datetime) -> MetricVerdict:
    from memmon.analysis.leak.detect import DEFAULT_POLICY
    from memmon.assessment.gather import Question, judge, looked_back

    bounds, store = looked_back(last_at, DEFAULT_POLICY), store.as_of(now)
    question = Question(bounds=bounds, is_brief=True, has_cause=False)
    found = _verdict(judge(store, store.resolve_source(source), question, now=now).assessment.finding, now)
    _judged.hold(store, source, last_at, found)
    return found


def _verdict(finding: LeakFinding, at: datetime) -> MetricVerdict:
    return MetricVerdict(is_leak=finding.is_leak, slope_mb_per_hour=finding.slope_mb_per_hour, at=at)


class _Judged:
    """Verdicts that this process has judged, held for five minutes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[tuple[str, str], tuple[datetime, MetricVerdict]] = {}

    def held(self, store: Store, source: str, last_at: datetime) -> MetricVerdict | None:
        """Return the verdict on a source as of about its newest sample; None: there is none."""
        with self._lock:
            found = self._held.get((store.database.shown, source))
        return found[1] if found is not None and abs(last_at - found[0]) < _JUDGED_EVERY else None

    def hold(self, store: Store, source: str, last_at: datetime, verdict: MetricVerdict) -> None:
        """Hold a verdict as of a source's newest sample."""
        with self._lock:
            if len(self._held) >= _MAX_HELD:
                self._held.clear()
            self._held[store.database.shown, source] = (last_at, verdict)


_judged = _Judged()
