"""A report from the store: the window's figures, the verdict over a longer look-back, and the rest.

Numpy and the read side only; statsmodels and pandas stay out, so that a 24-hour report costs little, unless
the caller brings them in for the second trend (`least_squares`), as `memmon report` does.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.analysis.leak.finding import LeakPolicy
from memmon.analysis.stats.newey_west import ols_newey_west
from memmon.assessment.freshness import freshness_of, is_running, set_aside, set_aside_sentence
from memmon.assessment.gather import Question, judge, widened
from memmon.assessment.lives import history_lanes, run_lanes
from memmon.assessment.own_cost import read_own_cost
from memmon.assessment.present import Bounds
from memmon.assessment.together import together
from memmon.facts.children import CHILDREN_KIND
from memmon.facts.recording_order import newest_recorded
from memmon.facts.suspicion import GROWTH_EVENTS
from memmon.model import OWN_COST_EVENT, RUN_START_EVENT
from memmon.report.data import (
    EventRow,
    HistorySection,
    MemorySection,
    ReadingRow,
    Report,
    RunRow,
    StoredSections,
    SystemSection,
)
from memmon.report.forecast_section import cause_section, comparison_section, forecast_section
from memmon.report.sections import deque_section, leak_section, memory_section
from memmon.report.words import window_title
from memmon.units import MIB, SECONDS_PER_HOUR, mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from memmon.analysis.stats.newey_west import LeastSquares
    from memmon.assessment.assessment import Assessment
    from memmon.assessment.gather import Judged
    from memmon.store.read import EventInfo, ReadingStatistics, RunInfo, Store, WindowStatistics

DEFAULT_HOURS = 24.0
SHOWN_RUN_COUNT = 200
SHOWN_EVENT_COUNT = 200
_JUST_AFTER = timedelta(milliseconds=1)
"""A day of 5-minute samples is 288 of them: the sample exactly a day ago is yesterday's."""

LIFECYCLE_KINDS = frozenset({RUN_START_EVENT, "run_end", CHILDREN_KIND, OWN_COST_EVENT})
"""Events that are told elsewhere already."""


def build_report(
    store: Store,
    source: str | None = None,
    *,
    now: datetime,
    since: datetime | None = None,
    until: datetime | None = None,
    policy: LeakPolicy | None = None,
    run_id: int | None = None,
    least_squares: LeastSquares = ols_newey_west,
) -> Report:
    """Return the report on a source, as `now` (aware) sees it.

    The window ends at `until` (default: the last sample) and begins at `since` (default: 24 hours
    earlier). The verdict looks back over `policy.look_back_hours` (7 days) from the window's end; with
    `since` given it rests on the window itself. `run_id` narrows all figures to one run.
    `least_squares`: how the second trend is fitted; the closed form, the default, gives statsmodels' numbers.

    Raises UnknownSourceError, NoDataError (nothing was ever recorded) and the store's own errors. A window
    without a sample gives a report whose `is_empty` is True.
    """
    store = store.as_of(now)
    found = store.resolve_source(source)
    name, runs = found.name, store.runs(found.name)
    end = until or last_at_of(runs, run_id)
    start = since or (end - timedelta(hours=DEFAULT_HOURS) + _JUST_AFTER if end else None)
    stats = store.window_statistics(name, start, end, run_id=run_id)
    rules = _policy(policy or LeakPolicy(), since, end)
    from_at = since or (end - timedelta(hours=rules.look_back_hours) if end else None)
    bounds = Bounds(since=from_at, until=end, run_id=run_id)
    question = Question(
        bounds=bounds, policy=rules, least_squares=least_squares, asks_week_before=since is None
    )
    judged = judge(store, found, question, now=now, stats=stats, runs=runs)
    assessed = judged.assessment
    finding = None if judged.history.is_empty else assessed.finding
    stored = stored_sections(store, name, runs=runs, since=start, until=end, now=now, run_id=run_id)
    hours = (end - start).total_seconds() / SECONDS_PER_HOUR if start and end else None
    return Report(
        title=window_title(hours),
        source=name,
        since=start,
        until=end,
        generated_at=now,
        memory=memory_of_all(judged, stats, since=start, until=end),
        leak=leak_section(
            finding,
            threshold_mb_per_hour=rules.threshold_mb_per_hour,
            missing_reason="no sample to judge" if finding is None else None,
        ),
        deques=deque_section(assessed.deques),
        database=stored.database,
        history=stored.history,
        forecast=forecast_section(assessed),
        cause=cause_section(assessed),
        events=stored.events,
        evidence=stored.evidence,
        own_cost=stored.own_cost,
        staleness=stored.staleness,
        system=system_of(stats, assessed),
        comparison=comparison_section(store, name, runs, end) if run_id is None else None,
        judged_from=from_at,
        assessment=None if finding is None else assessed,
        readings=reading_rows(store.reading_statistics(name, start, end, run_id=run_id)),
    )


def stored_sections(
    store: Store,
    source: str,
    *,
    now: datetime,
    runs: Sequence[RunInfo] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    run_id: int | None = None,
) -> StoredSections:
    """Return what the store adds to a report: runs, events of the window, staleness."""
    known = store.runs(source) if runs is None else runs
    events = store.events(source, since, until, limit=SHOWN_EVENT_COUNT, run_id=run_id)
    found = store.events(source, since, until, kinds=GROWTH_EVENTS, limit=1, run_id=run_id)
    cost = read_own_cost(store, source, until=until, run_id=run_id)
    return StoredSections(
        database=store.database.shown,
        history=history_of(known, now=now),
        events=tuple(_event_row(event) for event in events if event.kind not in LIFECYCLE_KINDS),
        evidence=_event_row(found[0]) if found else None,
        own_cost=_event_row(cost) if cost is not None else None,
        staleness=freshness_of(known, now=now).staleness,
    )


def memory_of(stats: WindowStatistics) -> MemorySection:
    """Return the memory section of a window's statistics, those of one process."""
    return MemorySection(
        current_mb=_mb(stats.last_rss_bytes),
        average_mb=_mb(stats.average_rss_bytes),
        min_mb=_mb(stats.min_rss_bytes),
        max_mb=_mb(stats.max_rss_bytes),
        sample_count=stats.sample_count,
    )


def memory_of_all(
    judged: Judged, stats: WindowStatistics, *, since: datetime | None, until: datetime | None
) -> MemorySection:
    """Return the memory section of a window: of processes side by side their sum at each moment, never a mixture."""
    seen = judged.history.slice_time(since, until)
    found = history_lanes(seen)
    if len(found) < 2:  # noqa: PLR2004 -- one needs no sum
        return memory_of(stats)
    sums = memory_section((together(seen, found, quantity="rss").rss_bytes / MIB).tolist())
    return replace(
        sums,
        current_mb=_mb(judged.assessment.rss_bytes),
        sample_count=stats.sample_count,
        process_count=max(len(judged.assessment.recorded), 1),
    )


def reading_rows(statistics: Iterable[ReadingStatistics]) -> tuple[ReadingRow, ...]:
    """Return the rows of the readings that were made at all."""
    return tuple(
        ReadingRow(name=one.column, last=one.last, mean=one.mean, min=one.least, max=one.largest)
        for one in statistics
        if one.last is not None
    )


def system_of(stats: WindowStatistics, assessed: Assessment) -> SystemSection:
    """Return the host and the limit at the window's last sample."""
    return SystemSection(
        system_percent=stats.last_system_percent,
        available_mb=_mb(stats.last_available_bytes),
        limit_mb=_mb(assessed.limit_bytes),
        limit_origin=assessed.limit_origin,
        limit_used_mb=_mb(assessed.charged_bytes),
        held_elsewhere_mb=_mb(assessed.held_elsewhere_bytes),
        elsewhere=assessed.elsewhere,
    )


def history_of(runs: Sequence[RunInfo], *, now: datetime) -> HistorySection:
    """Return the history section over all runs of a source, as `now` sees it."""
    peaks = [run.peak_rss_bytes for run in runs if run.peak_rss_bytes is not None]
    return HistorySection(
        run_count=len(runs),
        first_at=min((run.first_at for run in runs if run.first_at), default=None),
        last_at=last_at_of(runs, None),
        set_aside=set_aside_sentence(*set_aside(runs)),
        runs=tuple(_run_row(run, now) for run in list(reversed(runs))[:SHOWN_RUN_COUNT]),
        sample_count=sum(run.snapshot_count for run in runs),
        max_mb=_mb(max(peaks, default=None)),
        process_count=max(len(run_lanes(runs)), 1),
    )


def _event_row(event: EventInfo) -> EventRow:
    return EventRow(at=event.at, kind=event.kind, text=event.text, run_id=event.run_id)


def _run_row(run: RunInfo, now: datetime) -> RunRow:
    return RunRow(
        run_id=run.run_id,
        started_at=run.started_at,
        ended_at=run.ended_at,
        last_at=run.last_at,
        end_reason=run.end_reason,
        end_detail=run.end_detail,
        release=run.release,
        host=run.host,
        pid=run.pid,
        sample_count=run.snapshot_count,
        first_mb=_mb(run.first_rss_bytes),
        last_mb=_mb(run.last_rss_bytes),
        max_mb=_mb(run.peak_rss_bytes),
        is_running=is_running(run, now=now),
    )


def last_at_of(runs: Sequence[RunInfo], run_id: int | None) -> datetime | None:
    """Return when the newest sample of a run, or of all, was taken."""
    newest = newest_recorded(run for run in runs if run_id in {None, run.run_id})
    return None if newest is None else newest.last_at


def _policy(policy: LeakPolicy, since: datetime | None, until: datetime | None) -> LeakPolicy:
    """Widen the look-back to a window that was asked for by name."""
    if since is None or until is None or since >= until:
        return policy
    return widened(policy, (until - since).total_seconds() / SECONDS_PER_HOUR)


def _mb(size_bytes: float | None) -> float | None:
    return None if size_bytes is None else mb_from_bytes(size_bytes)
