"""The present pace of a source: its newest readings, looked at as the program itself looks at them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from memmon.alerts.pace import WINDOW_MINUTES, Pace, PaceReading, PresentReadings, speaks_beside
from memmon.analysis.forecast.quantity import quantity_of
from memmon.analysis.forecast.wording import describe
from memmon.arrays import median_of
from memmon.assessment.freshness import FreshnessState
from memmon.facts.run_endings import IMPORTED
from memmon.units import MIB, SECONDS_PER_HOUR, SECONDS_PER_MINUTE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.analysis.forecast.finding import Forecast
    from memmon.assessment.freshness import Freshness
    from memmon.assessment.limits import Limit
    from memmon.assessment.present import Present
    from memmon.history import History

_LOOKED_AT_SECONDS = (WINDOW_MINUTES[0] + 5.0) * SECONDS_PER_MINUTE
"""Seconds of readings that are looked at. By definition: the longest stretch of a pace, and five minutes."""


def present_pace(
    history: History, present: Present | None, *, freshness: Freshness | None, forecast: Forecast | None
) -> Pace | None:
    """Return the pace at which the limit is reached soon; None where there is none, or nothing goes on.

    Where the forecast has a date within a day that one speaks; of what is silent or has ended nothing is said.
    """
    limit = None if present is None else present.limit
    if limit is None or present is None or history.is_empty or not _goes_on(present, freshness):
        return None
    if forecast is not None and not speaks_beside(forecast.hours_to_limit):
        return None
    run = _newest_run(history)
    interval_seconds = next(
        (one.interval_seconds for one in present.runs if one.run_id == int(run.run_id[-1])), None
    )
    return pace_of_run(run, limit, interval_seconds=interval_seconds)


def pace_of_run(run: History, limit: Limit, *, interval_seconds: float | None) -> Pace | None:
    """Return the pace at the end of one run."""
    first = int(np.searchsorted(run.uptime_seconds, run.uptime_seconds[-1] - _LOOKED_AT_SECONDS))
    since_hours = float(run.uptime_seconds[first]) / SECONDS_PER_HOUR
    quantity = quantity_of(run, counts=limit.counts, used_bytes=limit.used_bytes, since_hours=since_hours)
    filled_bytes, before = _filled_bytes(run), quantity.mb[: first + 1] * MIB
    held = PresentReadings(
        interval_seconds=interval_seconds or _usual_step(run.uptime_seconds[first:]),
        peak_bytes=float(np.minimum(before[1:], before[:-1]).max(initial=0.0)),
    )
    for row in range(first, len(run)):
        held.add(
            PaceReading(
                at=datetime.fromtimestamp(float(run.at_seconds[row]), UTC),
                uptime_seconds=float(run.uptime_seconds[row]),
                charged_bytes=float(quantity.mb[row]) * MIB,
                limit_bytes=limit.limit_bytes,
                limit_origin=limit.origin,
                filled_bytes=float(filled_bytes[row]),
            )
        )
    return held.pace()


def beside_pace(forecast: Forecast | None, pace: Pace | None) -> Forecast | None:
    """Return the forecast beside a pace: what is reached soon as things go is not reached never, or in weeks."""
    if forecast is None or pace is None or forecast.state == "cannot_say":
        return forecast
    open_ended = replace(
        forecast,
        state="cannot_say",
        curve=None,
        hours_to_limit=None,
        hours_to_limit_low=None,
        hours_to_limit_high=None,
        at=None,
        at_low=None,
        at_high=None,
        details=(),
        cross_check=None,
    )
    return replace(open_ended, summary=describe(open_ended).summary)


def _goes_on(present: Present, freshness: Freshness | None) -> bool:
    if freshness is not None and freshness.state is not FreshnessState.LIVE:
        return False
    known = [run for run in present.runs if run.last_at is not None]
    newest = max(known, key=lambda run: run.last_at or run.started_at, default=None)
    return newest is None or newest.end_reason in {None, IMPORTED}


def _newest_run(history: History) -> History:
    """Return the samples of the run that was sampled last."""
    runs = list(history.per_run())
    return max(runs, key=lambda run: float(run.at_seconds[-1]))


def _usual_step(uptime_seconds: NDArray[np.float64]) -> float | None:
    steps = np.diff(uptime_seconds)
    return median_of(steps) if steps.size else None


def _filled_bytes(run: History) -> NDArray[np.float64]:
    """Return what bounded deques have taken in at each sample, as far as it is known."""
    held, capacity = run.deque_bytes, run.deque_capacity_bytes
    if held is None or capacity is None:
        return np.zeros(len(run))
    # Unbounded ones have no room left, and fill nothing.
    room = np.maximum(capacity - held, 0.0)
    known = np.flatnonzero(np.isfinite(room))
    if not known.size:
        return np.zeros(len(run))
    return -np.asarray(np.interp(np.arange(len(run)), known, room[known]))
