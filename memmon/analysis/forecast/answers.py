"""Forecasts that rest on no course: the limit is reached, nothing can be said, or the growth has an end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.forecast.finding import Forecast
from memmon.analysis.forecast.levelling import fit_approach
from memmon.units import MIB, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from memmon.analysis.forecast.levelling import Approach
    from memmon.analysis.forecast.stretch import Counts, Stretch
    from memmon.analysis.leak.finding import LeakFinding
    from memmon.history import History

NEXT_LOOK_HOURS = 1.0
"""Hours after which it is worth asking again where nothing is known better: the next hourly check."""
ENOUGH_HOURS = 19.5
"""Hours of history that the verdict no longer calls young."""
DEQUE_SIZE_ERROR_SHARE = 0.3
"""Part of the deques' room by which it may be wrong: sizes of items come from sampling."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """What is asked: when `run` makes the limit be met. `beside_bytes`: what counts beside the quantity carried on."""

    source: str
    run: History | None
    counts: Counts
    used_bytes: float | None
    beside_bytes: float
    limit_bytes: float
    level: float
    now: datetime | None

    @property
    def as_of(self) -> datetime | None:
        """The moment that hours count from."""
        if self.now is not None or self.run is None:
            return self.now
        return datetime.fromtimestamp(float(self.run.at_seconds[-1]), UTC)

    @property
    def stale_hours(self) -> float:
        """Hours between the last sample and the moment that hours count from."""
        if self.run is None or self.as_of is None:
            return 0.0
        return max(0.0, self.as_of.timestamp() - float(self.run.at_seconds[-1])) / SECONDS_PER_HOUR

    @property
    def limit_mb(self) -> float:
        """The limit in the quantity that is carried on: less what else counts against it."""
        return (self.limit_bytes - self.beside_bytes) / MIB


def plain_answer(question: Question) -> Forecast:
    """Answer without a course: the limit is passed already, or there is too little to go by."""
    run, used = question.run, question.used_bytes
    reached = used is not None and used >= question.limit_bytes
    hours, moment = (0.0, question.as_of) if reached else (None, None)
    return Forecast(
        source=question.source,
        limit_bytes=round(question.limit_bytes),
        level=question.level,
        state="reached" if reached else "cannot_say",
        hours_to_limit=hours,
        hours_to_limit_low=hours,
        hours_to_limit_high=hours,
        hours_to_limit_low_90=hours,
        hours_to_limit_high_90=hours,
        at=moment,
        at_low=moment,
        at_high=moment,
        as_of=question.as_of,
        horizon_hours=0.0,
        current_bytes=None if used is None else round(used),
        headroom_bytes=None if used is None else round(question.limit_bytes - used),
        slope_mb_per_hour=None,
        slope_low_mb_per_hour=None,
        slope_high_mb_per_hour=None,
        window_hours=0.0 if run is None else run.duration_hours,
        sample_count=0 if run is None else len(run),
        deques_full_hours=None,
        summary="",
        details=(),
    )


def dated(plain: Forecast, hours: tuple[float | None, ...]) -> Forecast:
    """Return `plain` with a date: median, both ends of the interval, and both of the 90 % one."""
    middle, low, high, low_90, high_90 = hours
    return replace(
        plain,
        state="dated",
        hours_to_limit=middle,
        hours_to_limit_low=low,
        hours_to_limit_high=high,
        hours_to_limit_low_90=low_90,
        hours_to_limit_high_90=high_90,
        at=_moment(plain.as_of, middle),
        at_low=_moment(plain.as_of, low),
        at_high=_moment(plain.as_of, high),
    )


def _moment(as_of: datetime | None, hours: float | None) -> datetime | None:
    return None if hours is None or as_of is None else as_of + timedelta(hours=hours)


def silent(plain: Forecast, finding: LeakFinding, run: History | None) -> Forecast:
    """Say that nothing can be said, and from when on it may be."""
    return replace(plain, state="cannot_say", can_say_from=_can_say_from(finding, run, plain.as_of))


def _can_say_from(finding: LeakFinding, run: History | None, as_of: datetime | None) -> datetime | None:
    """Return when the verdict's minima are met, or it is no longer young; the next look where neither is the reason."""
    if run is None or as_of is None:
        return None
    last = datetime.fromtimestamp(float(run.at_seconds[-1]), UTC)
    start = finding.window.start or last
    policy = finding.policy
    step_seconds = float(np.median(np.diff(run.at_seconds))) if len(run) > 1 else 0.0
    missing = max(policy.min_sample_count - finding.sample_count, 0)
    enough = max(
        start + timedelta(hours=policy.min_duration_hours), last + timedelta(seconds=missing * step_seconds)
    )
    if finding.reason == "too_early":
        enough = start + timedelta(hours=ENOUGH_HOURS)
    return enough if enough > as_of else as_of + timedelta(hours=NEXT_LOOK_HOURS)


def levelling_off(
    plain: Forecast, question: Question, stretch: Stretch, finding: LeakFinding, *, horizon_hours: float
) -> Forecast:
    """Answer for growth that slows down: its plateau, and a date only where that lies above the limit for sure."""
    approach = fit_approach(stretch)
    if approach is None:
        return silent(plain, finding, question.run)
    shown = with_plateau(plain, question, stretch, approach)
    limit_mb = question.limit_mb - stretch.filled_mb
    if approach.low_mb > limit_mb:
        met = approach.hours_to(limit_mb)
        if met is not None and met[0] <= horizon_hours:
            middle, low, high = (
                None if hours is None else max(0.0, hours - question.stale_hours) for hours in met
            )
            return replace(dated(shown, (middle, low, high, low, high)), horizon_hours=horizon_hours)
    if approach.high_mb is not None and approach.high_mb + approach.noise_mb < limit_mb:
        return replace(shown, state="never", horizon_hours=horizon_hours)
    return silent(shown, finding, question.run)


def with_plateau(plain: Forecast, question: Question, stretch: Stretch, approach: Approach) -> Forecast:
    """Return `plain` with the level that the curve approaches, in the quantity that the limit counts."""
    beside = question.beside_bytes + stretch.filled_mb * MIB
    return replace(
        plain,
        plateau_bytes=round(approach.plateau_mb * MIB + beside),
        plateau_low_bytes=round(approach.low_mb * MIB + beside),
        plateau_high_bytes=None if approach.high_mb is None else round(approach.high_mb * MIB + beside),
    )


def filling_up(
    plain: Forecast, question: Question, stretch: Stretch, finding: LeakFinding, *, horizon_hours: float
) -> Forecast:
    """Answer for deques that fill: they end at their capacity."""
    run = question.run
    if run is None or run.deque_capacity_bytes is None:
        return silent(plain, finding, run)
    tail = max(stretch.mb.size // 10, 1)
    rest = float(np.median(stretch.mb[-tail:]))
    noise = max(0.0, float(np.quantile(stretch.peak_mb[-5 * tail :] - rest, 0.95)))
    held = rest + stretch.filled_mb
    low, high = (held + (1.0 + sign * DEQUE_SIZE_ERROR_SHARE) * stretch.room_mb for sign in (-1, 1))
    shown = replace(
        plain,
        plateau_bytes=round((held + stretch.room_mb) * MIB + question.beside_bytes),
        plateau_low_bytes=round(low * MIB + question.beside_bytes),
        plateau_high_bytes=round(high * MIB + question.beside_bytes),
        deques_full_hours=hours_to_full(run, stretch),
        horizon_hours=horizon_hours,
    )
    rate = stretch.fill_rate_mb_per_hour
    if low > question.limit_mb and rate > 0.0:
        away = question.limit_mb - held
        ends = [
            max(0.0, max(away, 0.0) / (rate * (1.0 + sign * DEQUE_SIZE_ERROR_SHARE)) - question.stale_hours)
            for sign in (0, 1, -1, 1, -1)
        ]
        return dated(shown, tuple(ends))
    if high + noise < question.limit_mb:
        return replace(shown, state="never")
    return silent(replace(shown, horizon_hours=0.0), finding, run)


def hours_to_full(run: History, stretch: Stretch) -> float | None:
    """Return until the bounded deques are full at their present rate; None where none are, or they do not grow."""
    if run.deque_capacity_bytes is None:
        return None
    if stretch.room_mb <= 0.0:
        return 0.0
    rate = stretch.fill_rate_mb_per_hour
    return stretch.room_mb / rate if rate > 0.0 else None
