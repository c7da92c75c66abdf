"""The evaluator keeps an assessment of each source every hour, unless the program's own check does."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.errors import MemmonError
from memmon.store.read.many_sources import newest_assessments

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.alerts.policy import AlertPolicy
    from memmon.clock import Clock
    from memmon.store.read import AssessmentRow, SourceInfo, Store

KEEP_EVERY = timedelta(hours=1)
_SLACK = timedelta(minutes=5)
"""Rounds come every few minutes: what is due within these is kept now and not late."""

_LONGEST_SECONDS = 20.0
"""What a round may take for it: alerts must not wait for a thousand assessments; the others follow the next time."""


def keep_hourly(store: Store, *, source: str | None, policy: AlertPolicy, clock: Clock) -> list[str]:
    """Assess and keep the sources (or one) that are due; returns those that could not be, and why."""
    from memmon.analysis.leak.finding import LeakPolicy
    from memmon.assessment.gather import assess_source
    from memmon.assessment.kept import record_of
    from memmon.store.write.assessments import keep_assessments

    now = clock.now()
    store = store.as_of(now)
    leak_policy = LeakPolicy(threshold_mb_per_hour=policy.leak_threshold_mb_per_hour)
    failed: list[str] = []
    started = clock.monotonic()
    for one in _due(store, source, now):
        if clock.monotonic() - started > _LONGEST_SECONDS:
            break
        try:
            assessed = assess_source(store, one.name, policy=leak_policy, now=now)
            # Each by itself: a recorder that waits for the lock waits for one row.
            keep_assessments(store.database, [record_of(assessed, writer="evaluator")])
        except MemmonError as error:
            failed.append(f"{one.name}: {error}")
    return failed


def _due(store: Store, source: str | None, now: datetime) -> list[SourceInfo]:
    """Return the sources with samples that no assessment was made of for an hour, the longest first."""
    sources = store.sources() if source is None else (store.resolve_source(source),)
    kept = {row.source_id: row for row in newest_assessments(store.database, now)}
    due = [one for one in sources if _is_due(one, kept.get(one.source_id), now)]
    return sorted(due, key=lambda one: kept[one.source_id].at.timestamp() if one.source_id in kept else 0.0)


def _is_due(source: SourceInfo, kept: AssessmentRow | None, now: datetime) -> bool:
    if source.last_at is None:
        return False
    return kept is None or (kept.last_at != source.last_at and now - kept.at >= KEEP_EVERY - _SLACK)
