"""The lives of runs, as the rule of processes side by side takes them: from a history's samples, or from stored runs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from memmon.arrays import median_of
from memmon.facts.side_by_side import Life, lanes, living

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from memmon.facts.side_by_side import Lane
    from memmon.history import History
    from memmon.store.read import RunInfo

NEWEST_STEPS = 12
"""An interval is told by so many of the newest samples. Chosen: older ones may be folded into hours."""
MOST_PAUSES = 4.0
"""A run has so many times fewer samples than its length would have, at the most: else a clock was set meanwhile. Chosen."""

LONGEST_SILENCE = timedelta(days=4)
"""A run of which nothing was heard for so long lives no more, whatever its interval: three days at most."""


def lives_of_history(history: History) -> tuple[Life, ...]:
    """Return the life of each run of a history, as it was known at its last sample."""
    if history.is_empty:
        return ()
    return tuple(_lives(history, float(history.at_seconds.max())))


def _lives(history: History, at_seconds: float) -> Iterator[Life]:
    known = {run.run_id: run for run in history.runs}
    for samples in history.per_run():
        run = known[int(samples.run_id[0])]
        end = float(samples.at_seconds[-1])
        interval = _interval_seconds(samples)
        # What ended after the history's last sample had not ended then.
        has_ended = end < at_seconds and (run.ended_at_seconds or end) <= at_seconds
        yield Life(
            run_id=run.run_id,
            # By uptime: a wall clock may have been set meanwhile.
            begin_seconds=end - float(np.ptp(samples.uptime_seconds)),
            end_seconds=end,
            end_reason=run.end_reason if has_ended else None,
            interval_seconds=interval,
            host=run.host,
            boot_id=run.boot_id,
            pid=run.pid,
            born_seconds=run.born_at_seconds,
        )


def _interval_seconds(samples: History) -> float | None:
    steps = np.diff(samples.uptime_seconds[-NEWEST_STEPS:])
    return median_of(steps) if steps.size else None


def history_lanes(history: History) -> tuple[Lane, ...]:
    """Return the processes of a history side by side, each with its restarts; none in an empty one."""
    return lanes(lives_of_history(history))


def run_lanes(runs: Iterable[RunInfo], *, at: datetime | None = None) -> tuple[Lane, ...]:
    """Return the processes that some stored runs are of, each with its restarts, as known at `at` (default: the newest sample)."""
    at_seconds = None if at is None else at.timestamp()
    return lanes(filter(None, (life_of_run(run, at=at) for run in runs)), at_seconds=at_seconds)


def life_of_run(run: RunInfo, *, at: datetime | None = None) -> Life | None:
    """Return the life of a stored run as known at `at`, after which nothing is known; None of one without a sample."""
    if run.last_at is None:
        return None
    begin = (run.clock_start_at or run.first_at or run.started_at).timestamp()
    end = (run.last_at if at is None else min(run.last_at, at)).timestamp()
    has_ended = at is None or ((run.ended_at or run.last_at) <= at and run.last_at < at)
    if run.snapshot_count and run.interval_seconds:
        begin = max(begin, end - MOST_PAUSES * run.snapshot_count * run.interval_seconds)
    return Life(
        run_id=run.run_id,
        begin_seconds=min(begin, end),
        end_seconds=end,
        end_reason=run.end_reason if has_ended else None,
        interval_seconds=run.interval_seconds or _mean_step_seconds(run),
        host=run.host,
        boot_id=run.boot_id,
        pid=run.pid,
        born_seconds=None if run.process_started_at is None else run.process_started_at.timestamp(),
    )


def _mean_step_seconds(run: RunInfo) -> float | None:
    """Return how far the samples of a run lie apart that does not say; None where that is not known."""
    if run.first_at is None or run.last_at is None or run.snapshot_count < 2:  # noqa: PLR2004 -- one has no step
        return None
    return (run.last_at - run.first_at).total_seconds() / (run.snapshot_count - 1) or None


def living_runs(runs: Iterable[RunInfo], at: datetime) -> tuple[RunInfo, ...]:
    """Return the processes that were alive at a moment: the newest run of each lane then."""
    begun = [
        run
        for run in runs
        if not run.is_clock_ahead
        and (run.clock_start_at or run.started_at) <= at
        and run.last_at is not None
        and run.last_at >= at - LONGEST_SILENCE
    ]
    there = {lane[-1].run_id for lane in living(run_lanes(begun, at=at), at_seconds=at.timestamp())}
    return tuple(run for run in begun if run.run_id in there)
