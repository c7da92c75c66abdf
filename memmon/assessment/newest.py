"""What is to be said of many sources at once: of kept assessments where they still hold, else judged anew.

The kept verdict and forecast are taken as they are; memory, the limit's use, freshness and with them the severity are
of now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.alerts.pace import WINDOW_MINUTES
from memmon.analysis.leak.detect import DEFAULT_POLICY
from memmon.assessment.assessment import Assessment
from memmon.assessment.children import unrecorded_by_run
from memmon.assessment.freshness import CLOCK_TOLERANCE_SECONDS, FreshnessState, freshness_of
from memmon.assessment.gather import Question, deque_readings, judge, looked_back
from memmon.assessment.headline import headline_of
from memmon.assessment.held import Held, share_now, summed
from memmon.assessment.kept import read_kept, still_holds
from memmon.assessment.limits import limit_of
from memmon.assessment.lives import living_runs
from memmon.assessment.pace import beside_pace, present_pace
from memmon.assessment.present import Present
from memmon.assessment.process import SourceProcess
from memmon.assessment.severity import Severity
from memmon.store.read.many_sources import newest_assessments, presents
from memmon.store.read.shares import newest_shares
from memmon.units import SECONDS_PER_MINUTE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from memmon.alerts.pace import Pace
    from memmon.analysis.leak.detect import LeakPolicy
    from memmon.assessment.freshness import Freshness
    from memmon.assessment.kept import KeptAssessment
    from memmon.assessment.limits import Limit
    from memmon.history import History
    from memmon.store.read import (
        AssessmentRow,
        RunInfo,
        SourceInfo,
        SourcePresent,
        Store,
        WindowStatistics,
    )

_NEAR_MINUTES = 240.0
"""Growth that would take longer than this to the limit is not looked at. Chosen: far more than what is told."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standing:
    """A source, its newest readings, and the kept assessment of it that still holds (None: it is to be judged)."""

    read: SourcePresent
    present: Present
    freshness: Freshness
    kept: KeptAssessment | None
    pace: Pace | None = None
    """The present one, beside a kept assessment that has no date."""
    held: Held | None = None
    """What several processes side by side hold."""

    @property
    def source(self) -> str:
        """Its name."""
        return self.read.source.name

    @property
    def last_at(self) -> datetime | None:
        """When its newest sample was taken."""
        return self.read.source.last_at


def read_standings(
    store: Store, *, now: datetime, policy: LeakPolicy = DEFAULT_POLICY, only: SourceInfo | None = None
) -> tuple[Standing, ...]:
    """Return every source (or `only` one) as it stands at `now`, in the order of their names; two reads, however many there are.

    Of those that have grown much towards their limit since they were judged, the last hour is read besides.
    """
    source_id = None if only is None else only.source_id
    rows = {row.source_id: row for row in newest_rows(store, now=now, source_id=source_id)}
    known = presents(store.database, now, only=only)
    beside = {read.source.source_id: _beside(read) for read in known}
    unrecorded = _unrecorded(store, known, now=now)
    several = [run.run_id for runs in beside.values() for run in runs]
    shares = newest_shares(store.database, several, until=now) if several else {}
    found = []
    for read in known:
        row = rows.get(read.source.source_id)
        held = _held(read, beside[read.source.source_id], Present(shares=shares), now=now)
        left_out = tuple(unrecorded.get(read.source.source_id, ()))
        found.append(_standing(read, row, now=now, policy=policy, held=held, unrecorded=left_out))
    return _with_paces(store, found, rows)


def _unrecorded(
    store: Store, known: Sequence[SourcePresent], *, now: datetime
) -> dict[int, list[SourceProcess]]:
    """Return the children that nobody records, by the source of their parent."""
    source_of = {run.run_id: read.source.source_id for read in known for run in read.runs}
    found: dict[int, list[SourceProcess]] = {}
    runs = [run for read in known for run in read.runs]
    for run_id, process in unrecorded_by_run(store.database, runs, at=now):
        found.setdefault(source_of[run_id], []).append(process)
    return found


def _with_paces(
    store: Store, found: Sequence[Standing], rows: Mapping[int, AssessmentRow]
) -> tuple[Standing, ...]:
    """Return the same with the present pace of those that may be near their limit: their last hours in one read."""
    near = [one.read.source for one in found if _is_pace_asked(one, rows.get(one.read.source.source_id))]
    back = timedelta(minutes=WINDOW_MINUTES[0] + 5.0)
    histories = store.histories(near, look_back=back) if near else ()
    known = {source.name: history for source, history in zip(near, histories, strict=True)}
    return tuple(_with_pace(one, known.get(one.source)) for one in found)


def _is_pace_asked(standing: Standing, row: AssessmentRow | None) -> bool:
    last_at = standing.last_at
    if row is None or standing.kept is None or last_at is None:
        return False
    return _may_be_near(standing.present.limit, row, last_at)


def _with_pace(standing: Standing, history: History | None) -> Standing:
    kept = standing.kept
    if kept is None or history is None:
        return standing
    pace = present_pace(history, standing.present, freshness=standing.freshness, forecast=kept.forecast)
    return replace(standing, pace=pace)


def _may_be_near(limit: Limit | None, row: AssessmentRow, last_at: datetime) -> bool:
    """Tell whether the growth since a kept assessment could reach the limit within hours: only then it is looked at."""
    if limit is None or row.charged_bytes is None or row.last_at is None:
        return False
    passed_minutes = (last_at - row.last_at).total_seconds() / SECONDS_PER_MINUTE
    grown = max(limit.used_bytes - row.charged_bytes, 0)
    room = limit.limit_bytes - limit.used_bytes
    return row.severity == Severity.WARNING or grown * _NEAR_MINUTES > room * max(passed_minutes, 1.0)


def _beside(read: SourcePresent) -> tuple[RunInfo, ...]:
    """Return the newest runs of the processes that live side by side; none where there is only one."""
    at = read.source.last_at
    living = () if at is None else living_runs(read.runs, at)
    return living if len(living) > 1 and all(run.run_id in read.by_run for run in living) else ()


def _held(read: SourcePresent, living: Sequence[RunInfo], present: Present, *, now: datetime) -> Held | None:
    """Return what the processes side by side hold at their newest samples; None where there is only one."""
    if not living:
        return None
    processes = tuple(_process(run, read.by_run[run.run_id], present, now=now) for run in living)
    return summed(processes, processes)


def _process(run: RunInfo, newest: WindowStatistics, present: Present, *, now: datetime) -> SourceProcess:
    footprint, last_at = newest.last_footprint_bytes or 0, newest.last_at
    return SourceProcess(
        pid=run.pid,
        run_id=run.run_id,
        host=run.host,
        name=run.role,
        rss_bytes=newest.last_rss_bytes,
        footprint_bytes=footprint,
        pss_bytes=share_now(run.run_id, footprint, present),
        last_at=last_at,
        age_seconds=None if last_at is None else max((now - last_at).total_seconds(), 0.0),
    )


def newest_rows(store: Store, *, now: datetime, source_id: int | None = None) -> tuple[AssessmentRow, ...]:
    """Return the newest assessment kept of each source (or one); one that a clock ahead has written is none of the present."""
    until = now + timedelta(seconds=CLOCK_TOLERANCE_SECONDS)
    return newest_assessments(store.database, until, now=now, source_id=source_id)


def _standing(
    read: SourcePresent,
    row: AssessmentRow | None,
    *,
    now: datetime,
    policy: LeakPolicy,
    held: Held | None,
    unrecorded: tuple[SourceProcess, ...] = (),
) -> Standing:
    fresh = freshness_of(read.runs, now=now)
    present = Present(
        runs=read.runs,
        rss_bytes=read.statistics.last_rss_bytes if held is None else held.rss_bytes,
        limit=limit_of(read.statistics, read.runs),
        deques=tuple(deque_readings(read.deques)),
        unrecorded=unrecorded,
    )
    kept = None if row is None else read_kept(row)
    if row is not None and kept is not None:
        is_checked = fresh.state is FreshnessState.LIVE
        holds = still_holds(row, kept, policy=policy, last_at=read.source.last_at, is_checked=is_checked)
        kept = kept if holds else None
    return Standing(read=read, present=present, freshness=fresh, kept=kept, held=held)


def assessment_of(standing: Standing, kept: KeptAssessment, *, now: datetime) -> Assessment:
    """Return what a kept verdict and the newest readings say together."""
    present, limit, held = standing.present, standing.present.limit, standing.held
    share = None if limit is None else limit.used_bytes / limit.limit_bytes
    # The limit may have come or gone since.
    forecast = None if limit is None else beside_pace(kept.forecast, standing.pace)
    footprint = standing.read.statistics.last_footprint_bytes if held is None else held.footprint_bytes
    processes = (*(() if held is None else _judged(held.processes, kept)), *present.unrecorded)
    found = Assessment(
        source=standing.source,
        at=now,
        freshness=standing.freshness,
        rss_bytes=present.rss_bytes,
        footprint_bytes=footprint,
        charged_bytes=None if limit is None else limit.used_bytes,
        limit_bytes=None if limit is None else limit.limit_bytes,
        limit_origin=None if limit is None else limit.origin,
        limit_share=share,
        held_elsewhere_bytes=None if limit is None else limit.held_elsewhere_bytes,
        finding=kept.finding,
        forecast=forecast,
        pace=standing.pace,
        deques=present.deques,
        processes=processes,
        is_sum_exact=held is None or held.is_exact,
        finding_run_id=None if held is None else kept.finding_run_id,
        resources=kept.resources,
        waits_for=kept.waits_for,
        ready_at=kept.ready_at,
        grown=kept.grown,
        before_restart=kept.before_restart,
        since_release=kept.since_release,
        release_before=kept.release_before,
    ).rated()
    return replace(found, headline=headline_of(found))


def _judged(processes: Sequence[SourceProcess], kept: KeptAssessment) -> tuple[SourceProcess, ...]:
    """Return the processes of now with what was said of each when they were judged, in the order that was kept."""
    known = {one.run_id: (place, one) for place, one in enumerate(kept.processes)}
    order = sorted(processes, key=lambda one: known[one.run_id][0] if one.run_id in known else len(known))
    return tuple(
        replace(
            one,
            verdict=said.verdict,
            confidence=said.confidence,
            slope_mb_per_hour=said.slope_mb_per_hour,
            since=said.since,
        )
        if (said := known.get(one.run_id, (0, None))[1]) is not None
        else one
        for one in order
    )


def assessment_as_of(found: Assessment, *, freshness: Freshness, now: datetime) -> Assessment:
    """Return what was judged before, of the same newest sample, with the age that it has now."""
    aged = replace(found, at=now, freshness=freshness)
    return replace(aged, headline=headline_of(aged))


def judge_anew(store: Store, standing: Standing, *, now: datetime, policy: LeakPolicy) -> Assessment:
    """Return what is said of a source whose kept assessment does not hold; the growth's cause is left out."""
    question = Question(bounds=looked_back(standing.last_at, policy), policy=policy, has_cause=False)
    read = standing.read
    return judge(store, read.source, question, now=now, stats=read.statistics, runs=read.runs).assessment
