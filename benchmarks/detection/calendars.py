"""Histories by the calendar: load on working days, deployments before a weekend, leaks in office hours, split runs.

A week is that of the wall clock, in a time zone that the judge does not know. What is drawn is the load of the
clock's hour and weekday, so that each class begins where its name says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection import simulator
from benchmarks.detection.simulator import ORIGIN_SECONDS, Track, ar_fast, log_uniform, rng_for

if TYPE_CHECKING:
    from benchmarks.detection.simulator import Purpose

ORIGIN_WEEKDAY = 3  # 2026-01-01 is a Thursday
DAYS = 5
OPEN, CLOSED = 9.0, 17.0
ZONES_HOURS = (-8, 10)
QUIET = (
    "white",
    "heavy_tails",
    "ar_fast",
    "ar_slow",
    "bounded_walk",
    "daily",
    "gc_sawtooth",
    "arena_sawtooth",
)
"""Backgrounds on which a leak of office hours is put: those without a trend, and the daily one."""


def begin_at(track: Track, weekday: int, hour: float, zone_hours: float = 0.0) -> Track:
    """Let a track begin on a weekday (Monday 0) at an hour of a time zone."""
    ahead = (weekday - ORIGIN_WEEKDAY) % 7 * 24.0 + hour - zone_hours
    track.origin_seconds = ORIGIN_SECONDS + ahead * 3600.0
    return track


def local_clock(hours: np.ndarray, weekday: int, hour: float) -> np.ndarray:
    """Return the hours since Monday 0:00 of each sample."""
    return hours + weekday * 24.0 + hour


def is_working_day(clock: np.ndarray) -> np.ndarray:
    return np.floor(clock / 24.0) % 7 < DAYS


def _office_day(rng: np.random.Generator, clock: np.ndarray) -> np.ndarray:
    """Return a day of an office, 0 to 1: up in the morning, down in the evening, at once or in hours."""
    up, down = rng.uniform(6, 10), rng.uniform(16, 20)
    rise, fall = log_uniform(rng, 0.2, 3), log_uniform(rng, 0.2, 3)
    hour = np.mod(clock, 24.0)
    return 1 / (1 + np.exp(-(hour - up) / rise)) - 1 / (1 + np.exp(-(hour - down) / fall))


def working_days(rng: np.random.Generator, hours: float, weekday: int, hour: float) -> Track:
    """Make load that comes on working days, at weekends hardly (seven of ten) or less."""
    track = ar_fast(rng, hours)
    clock = local_clock(track.hours, weekday, hour)
    weekend = rng.uniform(0, 0.1) if rng.random() < 0.7 else rng.uniform(0.1, 0.6)
    day = _office_day(rng, clock) if rng.random() < 0.7 else simulator.day_shape(rng, clock)
    track.mb += log_uniform(rng, 15, 250) * day * np.where(is_working_day(clock), 1.0, weekend)
    return track


def weekend_deploy(index: int, purpose: Purpose, *, hours: float = 168.0, leak: str = "") -> Track:
    """Return case `index` of what is deployed on a Friday evening; `leak`: none, `straight` or `monday`."""
    rng = rng_for(purpose, f"weekend deploy {leak}", hours, index)
    hour = rng.uniform(16, 22)
    track = simulator.strengthened(rng, working_days(rng, hours, 4, hour))
    zone = float(rng.integers(*ZONES_HOURS))
    since = {"": np.inf, "straight": 0.0, "monday": 72.0 - hour + rng.uniform(6, 12)}[leak]
    rate = log_uniform(rng, 20, 50)
    if leak:
        track.mb = track.mb + rate * np.maximum(track.hours - since, 0)
    track.leak_hours = since
    return begin_at(track, 4, hour, zone)


def office_leak(
    index: int,
    purpose: Purpose,
    *,
    background: str,
    hours: float = 336.0,
    days: int = DAYS,
    rates: tuple[float, float] = (20, 50),
    mended: float = np.inf,
) -> Track:
    """Return case `index` of a leak from 9 to 17 h on `days` of the week; the rate is the mean over such a day.

    It is deployed on a Monday before work begins, and leaks until it is `mended`, in hours since that Monday's 0:00.
    """
    rng = rng_for(purpose, f"office leak {background} {days}", hours, index)
    track = simulator.strengthened(rng, simulator.BACKGROUNDS[background](rng, hours))
    hour, rate = rng.uniform(0, 9), log_uniform(rng, *rates)
    clock = np.minimum(local_clock(track.hours, 0, hour), mended)
    day, of_day = np.floor(clock / 24.0), np.mod(clock, 24.0)
    worked = np.clip(of_day - OPEN, 0, CLOSED - OPEN) * (day % 7 < days)
    before = np.floor(day / 7) * days + np.minimum(day % 7, days)
    track.mb = track.mb + 24.0 / (CLOSED - OPEN) * rate * ((CLOSED - OPEN) * before + worked)
    track.leak_hours = OPEN - hour
    return begin_at(track, 0, hour, float(rng.integers(*ZONES_HOURS)))


def split(track: Track, every_hours: float = 6.0) -> Track:
    """Return the track as if the program had replaced itself every so many hours, its memory and its work going on."""
    return Track(
        hours=track.hours,
        mb=track.mb,
        run=np.floor(track.hours / every_hours + 1e-9).astype(int),
        work=track.work,
        origin_seconds=track.origin_seconds,
    )
