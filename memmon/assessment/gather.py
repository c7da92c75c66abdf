"""Read of a store what an assessment is made from; numpy and the reading side, nothing heavier."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.analysis.leak.detect import DEFAULT_POLICY
from memmon.analysis.leak.weekday import HOURS_PER_WEEK
from memmon.analysis.stats.newey_west import ols_newey_west
from memmon.assessment.assess import FORECAST_LEVEL, assess_finding
from memmon.assessment.by_process import judge_processes
from memmon.assessment.children import read_unrecorded
from memmon.assessment.elsewhere import held_elsewhere_bytes
from memmon.assessment.grown import read_grown
from memmon.assessment.limits import limit_of
from memmon.assessment.lives import living_runs
from memmon.assessment.present import Bounds, Present
from memmon.clock import SystemClock
from memmon.facts.staleness import stale_after_seconds
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from memmon.analysis.leak.detect import LeakPolicy
    from memmon.analysis.stats.newey_west import LeastSquares
    from memmon.assessment.assessment import Assessment
    from memmon.assessment.by_process import ByProcess
    from memmon.assessment.explainable import KnownGrowth
    from memmon.assessment.limits import Limit, LimitKind
    from memmon.history import History
    from memmon.model import DequeReading
    from memmon.store.read import (
        DequeStatus,
        RunInfo,
        SourceInfo,
        Store,
        WindowStatistics,
    )
    from memmon.store.read.shares import ProportionalShare

NEWEST_STRETCH = timedelta(minutes=1)
"""Figures over a whole look-back would cost ten times as much as the newest sample's values."""

CHECK_STEP = timedelta(hours=1)

WEEK = timedelta(hours=HOURS_PER_WEEK)

FIRING = "firing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of a source: which stretch of it, by which policy, and against which limit.

    `is_brief`: verdict, memory and limit alone are asked for, neither the limit's date nor deques and alerts, nor
    the severity that rests on them. `has_cause`: the growth's cause is asked for. All of these cost time.
    """

    bounds: Bounds
    policy: LeakPolicy = DEFAULT_POLICY
    limit: LimitKind | int = "recorded"
    is_whole: bool = False
    """All of the stretch is judged, also what the policy would not look back to."""
    is_brief: bool = False
    has_cause: bool = True
    known_growth: KnownGrowth | None = None
    """What was read for the cause by an earlier look, for whoever looks again and again."""
    forecast_level: float = FORECAST_LEVEL
    is_cross_checked: bool = False
    """The forecast is compared with a second model's, which loads statsmodels."""
    asks_week_before: bool = True
    """Where the verdict would be `cannot_say` or `growing`, the week before the stretch is read to compare with."""
    least_squares: LeastSquares = ols_newey_west
    """How the second trend is fitted: the closed form, or statsmodels' own; the numbers are the same."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """A source, what was looked at, and what is said of it."""

    source: SourceInfo
    bounds: Bounds
    history: History
    assessment: Assessment
    known: History | None = None
    """The history with the week before it, where that was read."""


def assess_source(
    store: Store,
    source: str | None = None,
    *,
    policy: LeakPolicy = DEFAULT_POLICY,
    now: datetime | None = None,
) -> Assessment:
    """Return all that is to be said of a source as of `now` (aware; default: the machine's clock).

    The verdict looks back over `policy.look_back_hours` from the newest sample. `source` may be left out where
    the store has only one. Raises UnknownSourceError, NoDataError (nothing was ever recorded) and the store's errors.
    """
    moment = now or SystemClock().now()
    seen = store.as_of(moment)
    found = seen.resolve_source(source)
    question = Question(bounds=looked_back(found.last_at, policy), policy=policy)
    return judge(seen, found, question, now=moment).assessment


def judge(
    store: Store,
    source: SourceInfo,
    question: Question,
    *,
    now: datetime,
    stats: WindowStatistics | None = None,
    runs: tuple[RunInfo, ...] | None = None,
) -> Judged:
    """Return the answer to a question about one source, as of `now`; without a sample the verdict is `cannot_say`.

    What has been read already need not be read again: `stats` of a window with the same end, all `runs`.
    """
    bounds, store = question.bounds, store.as_of(now).of(source)
    history = store.history(source.name, bounds.since, bounds.until, run_id=bounds.run_id)
    rules = _policy(question, history)
    week = _WeekBefore(store, source, bounds)
    is_asked = question.asks_week_before and week.is_recorded(history)
    by_process = judge_processes(
        history, rules, least_squares=question.least_squares, known=week.read if is_asked else None
    )
    newest = stats or _newest_statistics(store, history, bounds)
    present = read_present(store, source, question, stats=newest, runs=runs)
    unrecorded = read_unrecorded(store.database, present.runs, at=_moment(source, bounds, now))
    present = replace(present, unrecorded=unrecorded)
    if question.has_cause:
        from memmon.assessment.explainable import KnownGrowth

        known = question.known_growth or KnownGrowth()
        growth = known.read(store, source.name, by_process.finding, present.runs)
        present = replace(present, growth=growth)
    grown = read_grown(store, by_process.finding, until=bounds.until, run_id=by_process.run_id)
    present = replace(present, grown=grown)
    present = replace(present, file_limits=dict(_file_limits(present.runs, by_process)))
    if by_process.are_several:
        present = replace(present, shares=_shares(store, by_process, history))
    assessed = assess_finding(
        history,
        by_process,
        present=present,
        now=now,
        is_brief=question.is_brief,
        forecast_level=question.forecast_level,
        is_cross_checked=question.is_cross_checked,
    )
    return Judged(source=source, bounds=bounds, history=history, assessment=assessed, known=week.known)


class _WeekBefore:
    """The history of a window with the week before it: read where it is asked for, once."""

    def __init__(self, store: Store, source: SourceInfo, bounds: Bounds) -> None:
        self._store, self._source, self._bounds = store, source, bounds
        self.known: History | None = None

    def is_recorded(self, history: History) -> bool:
        """Tell whether the window begins within a run, so that more of it may have been recorded before."""
        since = self._bounds.since
        if since is None or history.is_empty:
            return False
        return float(history.at_seconds[0] - history.uptime_seconds[0]) < since.timestamp()

    def read(self) -> History:
        """Return it."""
        bounds = self._bounds
        assert bounds.since is not None, "it is recorded"
        since = bounds.since - WEEK
        self.known = self._store.history(self._source.name, since, bounds.until, run_id=bounds.run_id)
        return self.known


def _file_limits(runs: Iterable[RunInfo], judged: ByProcess) -> Iterator[tuple[int, int]]:
    """Yield how many open files the processes may have that live on this machine and have counted theirs."""
    counted = {one.run_id for one in judged.processes if one.present.fd_count is not None}
    return file_limits_of(run for run in runs if run.run_id in counted)


def file_limits_of(runs: Iterable[RunInfo]) -> Iterator[tuple[int, int]]:
    """Yield how many open files the processes of runs may have that live on this machine, by the run."""
    for run in runs:
        if run.pid is None or run.end_reason is not None:
            continue
        from memmon.probe.process.file_limit import open_file_limit  # of what lives, here

        limit = open_file_limit(run.pid, started_at=run.process_started_at, host=run.host, boot=run.boot_id)
        if limit is not None:
            yield run.run_id, limit


def _moment(source: SourceInfo, bounds: Bounds, now: datetime) -> datetime:
    """Return the moment that the present of a window is of: now, where its end is the source's newest sample."""
    until = bounds.until
    is_newest = until is None or source.last_at is None or until >= source.last_at
    return now if is_newest or until is None else until


def _shares(store: Store, judged: ByProcess, history: History) -> dict[int, ProportionalShare]:
    from memmon.store.read.shares import newest_shares

    assert history.last_at is not None, "processes side by side have samples"
    return newest_shares(store.database, (one.run_id for one in judged.processes), until=history.last_at)


def is_confirmed(judged: Judged) -> bool:
    """Tell whether the check an hour before agrees that memory leaks; costs another judgement where it leaks."""
    from memmon.analysis.leak.sequential import confirmed

    history = judged.known or judged.history
    newest, last_at = judged.assessment.finding, history.last_at
    if not newest.is_leak or last_at is None:
        return False
    before = history.slice_time(None, last_at - CHECK_STEP)
    return confirmed((judge_processes(before, newest.policy).finding, newest))


def looked_back(last_at: datetime | None, policy: LeakPolicy) -> Bounds:
    """Return the stretch that a policy looks back over from the newest sample."""
    if last_at is None:
        return Bounds()
    return Bounds(since=last_at - timedelta(hours=policy.look_back_hours), until=last_at)


def widened(policy: LeakPolicy, hours: float) -> LeakPolicy:
    """Return the policy with its look-back widened to all of a stretch that was asked for by name."""
    return replace(policy, look_back_hours=max(hours + 1.0, policy.look_back_hours))


def _policy(question: Question, history: History) -> LeakPolicy:
    if not question.is_whole or history.is_empty:
        return question.policy
    span_seconds = float(history.at_seconds.max() - history.at_seconds.min())
    return widened(question.policy, span_seconds / SECONDS_PER_HOUR)


def read_present(
    store: Store,
    source: SourceInfo,
    question: Question,
    *,
    stats: WindowStatistics,
    runs: tuple[RunInfo, ...] | None = None,
) -> Present:
    """Return the newest readings: runs, memory and the limit meant; unless in brief, deques and alerts that fire."""
    bounds = question.bounds
    every = store.runs(source.name) if runs is None else runs
    present = Present(
        runs=every,
        rss_bytes=stats.last_rss_bytes,
        limit=limit_of(stats, runs_within(every, bounds), question.limit),
        database=store.database.shown,
    )
    if question.is_brief:
        return present
    return replace(
        present,
        limit=_with_elsewhere(store, present.limit, runs_within(every, bounds), stats),
        deques=tuple(deque_readings(store.deque_status(source.name, run_id=bounds.run_id))),
        alerts=tuple(alert for alert in store.alerts(source.name) if alert.state == FIRING),
    )


def _with_elsewhere(
    store: Store, limit: Limit | None, runs: Sequence[RunInfo], stats: WindowStatistics
) -> Limit | None:
    """Return the limit with what is held of it by nobody that is recorded: the processes beside one another count."""
    if limit is None or limit.counts != "charged" or not limit.is_group or stats.last_at is None:
        return limit
    at = stats.last_at
    living = living_runs(runs, at)
    here = {(run.host, run.limit_origin) for run in living if run.limit_origin == limit.origin}
    if len(here) != 1:
        return limit
    footprints = [stats.last_footprint_bytes]
    if len(living) > 1:
        footprints = [
            _footprint_bytes(store, run, at) for run in living if (run.host, run.limit_origin) in here
        ]
    return replace(limit, held_elsewhere_bytes=held_elsewhere_bytes(limit, footprints))


def _footprint_bytes(store: Store, run: RunInfo, at: datetime) -> int | None:
    since = at - timedelta(seconds=stale_after_seconds(run.interval_seconds))
    return store.window_statistics(run.source, since, at, run_id=run.run_id).last_footprint_bytes


def read_limit(
    store: Store, source: SourceInfo, bounds: Bounds, wanted: LimitKind | int = "recorded"
) -> Limit | None:
    """Return the limit meant, as of the window's last sample; None when nothing is known of it."""
    runs = runs_within(store.runs(source.name), bounds)
    stats = store.window_statistics(source.name, bounds.since, bounds.until, run_id=bounds.run_id)
    return limit_of(stats, runs, wanted)


def _newest_statistics(store: Store, history: History, bounds: Bounds) -> WindowStatistics:
    """Return the statistics of the last stretch that holds the newest sample: its values are what is wanted."""
    since = bounds.since if history.last_at is None else history.last_at - NEWEST_STRETCH
    return store.window_statistics(history.source, since, bounds.until, run_id=bounds.run_id)


def runs_within(runs: Iterable[RunInfo], bounds: Bounds) -> tuple[RunInfo, ...]:
    """Return the run asked for, else all."""
    return tuple(run for run in runs if bounds.run_id in {None, run.run_id})


def deque_readings(statuses: Iterable[DequeStatus]) -> list[DequeReading]:
    """Return the stored state of each deque as a reading."""
    return [_reading(status) for status in statuses]


def _reading(status: DequeStatus) -> DequeReading:
    from memmon.model import DequeReading  # many programs have none

    return DequeReading(
        name=status.name,
        length_count=status.length_count,
        maxlen_count=status.maxlen_count,
        size_bytes=status.size_bytes,
        dropped_count=status.dropped_count,
        expected_maxlen_count=status.expected_maxlen_count,
        is_alive=status.is_alive,
        item_bytes=status.item_bytes,
        item_low_bytes=status.item_low_bytes,
        item_high_bytes=status.item_high_bytes,
        is_component=status.is_component,
        is_found=status.is_found,
    )
