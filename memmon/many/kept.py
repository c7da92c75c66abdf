"""The rows of a fleet that need not be judged: an hourly check has done it, and what it kept still holds."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.assessment.gather import WEEK
from memmon.assessment.kept import LONGEST_GAP
from memmon.assessment.newest import assessment_of
from memmon.facts.verdicts import Verdict
from memmon.many.series import NEW_WITHIN, leaked_before, series_result
from memmon.store.read.many_sources import newest_assessments

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memmon.analysis.leak.finding import LeakPolicy
    from memmon.assessment.assessment import Assessment
    from memmon.assessment.newest import Standing
    from memmon.many.series import SeriesResult
    from memmon.store.read import Store


def kept_results(
    store: Store, standings: Sequence[Standing], *, policy: LeakPolicy, now: datetime
) -> dict[str, SeriesResult]:
    """Return the rows of the sources whose kept assessment holds, by the source's name."""
    found = {}
    for standing in standings:
        if standing.kept is not None:
            assessed = assessment_of(standing, standing.kept, now=now)
            found[standing.source] = _result(store, standing, assessed, policy)
    return found


def _result(store: Store, standing: Standing, assessed: Assessment, policy: LeakPolicy) -> SeriesResult:
    last_at = standing.last_at
    assert last_at is not None, "nothing is kept of a source without a sample"
    since = last_at - timedelta(hours=policy.look_back_hours)
    runs = [run for run in standing.present.runs if run.last_at is not None and run.last_at >= since]
    newest = max(runs, key=lambda run: (run.last_at, run.run_id), default=None)
    return series_result(
        assessed,
        is_new=assessed.finding.is_leak and not _leaked_before(store, standing, policy),
        last_at=last_at,
        run_count=len(runs),
        release=None if newest is None else newest.release,
        host=None if newest is None else newest.host,
    )


def _leaked_before(store: Store, standing: Standing, policy: LeakPolicy) -> bool:
    """Tell whether a leak was there a day before: what was kept then tells it, else the history is judged."""
    last_at = standing.last_at
    assert last_at is not None
    before = last_at - NEW_WITHIN
    rows = newest_assessments(store.database, before, source_id=standing.read.source.source_id)
    if rows and rows[0].last_at is not None and before - rows[0].last_at <= LONGEST_GAP:
        return rows[0].verdict == Verdict.LEAKING
    since = last_at - timedelta(hours=policy.look_back_hours) - WEEK
    return leaked_before(store.history(standing.source, since, last_at), policy)
