"""The fleet: every source of a store judged, the most urgent first, with the leaks by release and host.

Histories are read in batches by this process; judging them is mapped over any executor. Only a few
batches are on their way at any time, so that memory does not grow with the fleet.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from concurrent.futures import (
    FIRST_COMPLETED,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from memmon.analysis.leak.budget import within_budget
from memmon.analysis.leak.finding import LeakPolicy
from memmon.assessment.gather import WEEK, file_limits_of
from memmon.assessment.newest import read_standings
from memmon.clock import SystemClock
from memmon.many.ahead import ahead_results
from memmon.many.kept import kept_results
from memmon.many.series import SeriesResult, SeriesTask, analyse_batch, series_task, worst_first
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from memmon.assessment.present import Present
    from memmon.history import History
    from memmon.store.read import SourceInfo, Store

BATCH_COUNT = 16
"""Series in one unit of work: about 2 MB to send and 0.2 s to judge."""

_DEFAULT_POLICY = LeakPolicy()
_ON_THEIR_WAY = 3
_SERVER_CONNECTIONS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakGroup:
    """How many sources of a release or host leak."""

    name: str | None
    source_count: int
    leak_count: int
    new_leak_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """All sources of a store, the most urgent first, and where the leaks are."""

    results: tuple[SeriesResult, ...]
    by_release: tuple[LeakGroup, ...]
    """Releases with leaks, most new leaks first."""
    by_host: tuple[LeakGroup, ...]
    false_alarms_per_month: float | None = None
    """The budget that alarms were held to; None: each leak is one."""

    @property
    def leak_count(self) -> int:
        """Sources that leak."""
        return sum(one.is_leak for one in self.results)

    @property
    def alarm_count(self) -> int:
        """Sources that leak, surely enough for the budget."""
        return sum(one.is_alarm for one in self.results)

    @property
    def new_leak_count(self) -> int:
        """Sources that leak and did not a day earlier."""
        return sum(one.is_new for one in self.results)


def fleet(
    database_url: str | os.PathLike[str] | None = None,
    *,
    executor: Executor | None = None,
    jobs: int | None = None,
    policy: LeakPolicy = _DEFAULT_POLICY,
    since: datetime | None = None,
    now: datetime | None = None,
    false_alarms_per_month: float | None = None,
) -> Fleet:
    """Judge every source of a store and return one table, the most urgent first.

    A source all of whose samples lie in the future has a row too (`ahead_until`); one without any sample has none.
    What an hourly check has kept is taken where it still holds at `now` (aware; default: the machine's clock).

    `executor`: any `concurrent.futures.Executor`, such as a Dask client's (`client.get_executor()`);
    it is not shut down. `jobs`: a process pool of that many (the calling script then needs the
    usual `if __name__ == "__main__":`). With neither, all is done in this process. The result is the same.
    `since` (aware): begin of what is judged; default `policy.look_back_hours` before each
    source's own last sample.
    `false_alarms_per_month`: how many false alarms the whole fleet may give in 30 days of hourly looks; `is_alarm` of a
    row then asks for evidence in proportion (docs/fleet.md). Verdicts and their order are the same with it and without.
    Raises ValueError for wrong arguments, and the store's errors.
    """
    if false_alarms_per_month is not None:
        within_budget((), false_alarms_per_month)  # a wrong one is refused before a thousand are judged
    if executor is not None and jobs is not None:
        msg = "give executor= or jobs=, not both"
        raise ValueError(msg)
    if jobs is not None and jobs < 1:
        msg = f"jobs must be at least 1, not {jobs!r}"
        raise ValueError(msg)
    from memmon.store.read import open_store

    moment = now or SystemClock().now()
    with open_store(database_url) as opened, _executor(executor, jobs) as chosen:
        store = opened.as_of(moment)
        every = store.sources()
        sources = [one for one in every if one.last_at is not None]
        standings = read_standings(store, now=moment, policy=policy)
        kept = {} if since is not None else kept_results(store, standings, policy=policy, now=moment)
        left = [one for one in sources if one.name not in kept]
        presents = {standing.source: standing.present for standing in standings}
        judged_hours = None if since is not None else policy.look_back_hours
        task = partial(_task, presents=presents, policy=policy, now=moment, judged_hours=judged_hours)
        look_back = timedelta(hours=policy.look_back_hours) + WEEK
        tasks = _tasks(store, left, task, look_back=look_back, since=since)
        judged = _mapped(chosen, tasks, width=jobs or _width(chosen)) if left else []
        undated = [one for one in every if one.last_at is None]
        ahead = ahead_results(store, undated, policy=policy, now=moment)
        results = [*kept.values(), *judged, *ahead]
        return summarised(results, false_alarms_per_month=false_alarms_per_month)


def _task(
    history: History,
    *,
    presents: Mapping[str, Present],
    policy: LeakPolicy,
    now: datetime,
    judged_hours: float | None,
) -> SeriesTask:
    present = presents.get(history.source)
    if present is not None:
        # Only this machine can tell, wherever the task is done.
        present = replace(present, file_limits=dict(file_limits_of(present.runs)))
    judged_seconds = None if judged_hours is None else judged_hours * SECONDS_PER_HOUR
    return series_task(history, policy, present=present, now=now, judged_seconds=judged_seconds)


def summarised(results: Sequence[SeriesResult], *, false_alarms_per_month: float | None = None) -> Fleet:
    """Return the table and the groups of some results, the alarms of all of them within the budget, if there is one."""
    if false_alarms_per_month is not None:
        results = _within(results, false_alarms_per_month)
    return Fleet(
        results=worst_first(results),
        by_release=_groups(results, "release"),
        by_host=_groups(results, "host"),
        false_alarms_per_month=false_alarms_per_month,
    )


def _within(results: Sequence[SeriesResult], false_alarms_per_month: float) -> list[SeriesResult]:
    """Return the rows with alarms for those leaks alone that are sure enough."""
    sure = within_budget(
        [-math.inf if one.log_e_value is None else one.log_e_value for one in results],
        false_alarms_per_month,
    )
    return [
        replace(one, is_alarm=one.is_leak and is_sure) for one, is_sure in zip(results, sure, strict=True)
    ]


def _executor(given: Executor | None, jobs: int | None) -> AbstractContextManager[Executor | None]:
    if jobs is None or jobs == 1:
        return nullcontext(given)
    # Forking a process whose threads hold locks can dead-lock the child.
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))


def _width(executor: Executor | None) -> int:
    """Return how many units of work an executor does at once, as far as it tells."""
    client = getattr(executor, "_client", None)
    if client is not None and hasattr(client, "nthreads"):
        return max(int(sum(client.nthreads().values())), 1)
    return int(getattr(executor, "_max_workers", None) or 4)


def _tasks(
    store: Store,
    sources: Sequence[SourceInfo],
    task: Callable[[History], SeriesTask],
    *,
    look_back: timedelta,
    since: datetime | None,
) -> Iterator[list[SeriesTask]]:
    """Yield batches of tasks in the order of the sources; a server is read over several connections."""

    def read(start: int) -> list[SeriesTask]:
        histories = store.histories(sources[start : start + BATCH_COUNT], look_back=look_back, since=since)
        return [task(one) for one in histories]

    starts = range(0, len(sources), BATCH_COUNT)
    if store.database.is_sqlite:
        yield from map(read, starts)
        return
    with ThreadPoolExecutor(_SERVER_CONNECTIONS) as readers:
        ahead: deque[Future[list[SeriesTask]]] = deque()
        for start in starts:
            ahead.append(readers.submit(read, start))
            if len(ahead) > _SERVER_CONNECTIONS:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _mapped(
    executor: Executor | None, batches: Iterator[list[SeriesTask]], *, width: int
) -> list[SeriesResult]:
    if executor is None:
        return [result for batch in batches for result in analyse_batch(batch)]
    found: list[SeriesResult] = []
    running: set[Future[list[SeriesResult]]] = set()
    try:
        for batch in batches:
            running.add(executor.submit(analyse_batch, batch))
            if len(running) >= _ON_THEIR_WAY * width:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                found += [result for future in done for result in future.result()]
        found += [result for future in running for result in future.result()]
    except BaseException:
        for future in running:
            future.cancel()
        raise
    return found


def _groups(results: Sequence[SeriesResult], attribute: str) -> tuple[LeakGroup, ...]:
    total: Counter[Any] = Counter(getattr(one, attribute) for one in results)
    leaks: Counter[Any] = Counter(getattr(one, attribute) for one in results if one.is_leak)
    new: Counter[Any] = Counter(getattr(one, attribute) for one in results if one.is_new)
    groups = [
        LeakGroup(name=name, source_count=total[name], leak_count=count, new_leak_count=new[name])
        for name, count in leaks.items()
    ]
    return tuple(sorted(groups, key=lambda one: (-one.new_leak_count, -one.leak_count, one.name or "")))
