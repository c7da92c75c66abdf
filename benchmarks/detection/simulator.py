"""Seeded RSS histories with known truth: leak-free backgrounds, and leaks on each of them.

A background returns a `Track`: times, MB and whatever else a recorder would know (run numbers, bytes
of registered deques, work counts). A leak adds MB on top. Amplitudes are drawn widely, log-uniformly
where a scale is unknown. Seeds of the two purposes can't meet: the purpose is the first word of the
seed's entropy.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from memmon.history import History
from memmon.units import MIB, SECONDS_PER_HOUR

Purpose = Literal["tuning", "evaluation"]
ORIGIN_SECONDS = 1_767_225_600.0  # 2026-01-01 UTC
STEP_HOURS = 1 / 12
STRENGTH = (0.7, 4.0)


@dataclass(slots=True, kw_only=True)
class Track:
    """A history in the making: hours since its start, MB, and optional companions.

    `leak_hours`: when its leak begins. `held_mb`: what of it is in a container that fills, registered or not.
    """

    hours: np.ndarray
    mb: np.ndarray
    run: np.ndarray
    deque_mb: np.ndarray | None = None
    capacity_mb: np.ndarray | None = None
    work: np.ndarray | None = None
    origin_seconds: float = ORIGIN_SECONDS
    leak_hours: float = np.inf
    held_mb: np.ndarray | None = None

    @property
    def uptime(self) -> np.ndarray:
        """Hours since each sample's run began."""
        starts = np.concatenate([[True], np.diff(self.run) != 0])
        return self.hours - self.hours[starts][np.cumsum(starts) - 1]

    def history(self) -> History:
        """Return what memmon would have recorded."""
        columns = {}
        if self.deque_mb is not None:
            columns["deque_bytes"] = self.deque_mb * MIB
            columns["deque_capacity_bytes"] = self.capacity_mb * MIB
        if self.work is not None:
            columns["work_count"] = self.work
        return History.from_arrays(
            at_seconds=self.origin_seconds + self.hours * SECONDS_PER_HOUR,
            rss_bytes=np.round(np.maximum(self.mb, 5.0) * 256) * 4096,
            run_id=self.run,
            uptime_seconds=self.uptime * SECONDS_PER_HOUR,
            **columns,
        )


Background = Callable[[np.random.Generator, float], Track]


def rng_for(purpose: Purpose, name: str, hours: float, index: int) -> np.random.Generator:
    """Return the generator of one case: purpose, class, length and index decide it, nothing else."""
    words = [zlib.crc32(purpose.encode()), zlib.crc32(name.encode()), round(hours * 10), index]
    return np.random.default_rng(np.random.SeedSequence(words))


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def blank(rng: np.random.Generator, hours: float, *, noise_mb: float | None = None) -> Track:
    """Return a level with white reading noise on a slightly irregular 5 minute grid."""
    times = np.arange(0, hours + 1e-9, STEP_HOURS)
    times = times + rng.uniform(0, 0.02, times.size) * STEP_HOURS
    sd = log_uniform(rng, 0.02, 0.6) if noise_mb is None else noise_mb
    level = log_uniform(rng, 60, 800)
    return Track(hours=times, mb=level + rng.normal(0, sd, times.size), run=np.zeros(times.size, int))


def ar1(rng: np.random.Generator, n: int, phi: float, sd: float) -> np.ndarray:
    """Return a stationary AR(1) with standard deviation `sd`."""
    shocks = rng.normal(0, sd * np.sqrt(1 - phi**2), n)
    shocks[0] = rng.normal(0, sd)
    out = np.empty(n)
    value = 0.0
    for i, shock in enumerate(shocks.tolist()):
        value = phi * value + shock
        out[i] = value
    return out


# --- backgrounds: leak-free -----------------------------------------------------------------


def white(rng, hours):
    return blank(rng, hours, noise_mb=log_uniform(rng, 0.1, 8))


def heavy_tails(rng, hours):
    track = blank(rng, hours)
    track.mb += log_uniform(rng, 0.2, 4) * rng.standard_t(2.2, track.mb.size)
    return track


def ar_fast(rng, hours):
    track = blank(rng, hours)
    track.mb += ar1(rng, track.mb.size, rng.uniform(0.3, 0.9), log_uniform(rng, 0.3, 15))
    return track


def ar_slow(rng, hours):
    track = blank(rng, hours)
    track.mb += ar1(rng, track.mb.size, rng.uniform(0.93, 0.99), log_uniform(rng, 0.5, 30))
    return track


def bounded_walk(rng, hours):
    track = blank(rng, hours)
    band = log_uniform(rng, 5, 120)
    walk = rng.uniform(0, band) + np.cumsum(rng.normal(0, log_uniform(rng, 0.1, 5), track.mb.size))
    folded = np.mod(walk, 2 * band)
    track.mb += np.minimum(folded, 2 * band - folded)
    return track


def day_shape(rng, hours_of_day):
    """Return a smooth or a flat-topped day, 0 to 1."""
    peak, sharpness = rng.uniform(0, 24), log_uniform(rng, 0.3, 6)
    wave = np.cos(2 * np.pi * (hours_of_day - peak) / 24)
    second = rng.uniform(0, 0.35) * np.cos(4 * np.pi * (hours_of_day - rng.uniform(0, 24)) / 24)
    shaped = np.tanh(sharpness * (wave + second)) / np.tanh(sharpness)
    return (shaped + 1) / 2


def daily(rng, hours):
    track = ar_fast(rng, hours)
    track.mb += log_uniform(rng, 3, 250) * day_shape(rng, track.hours)
    return track


def weekly(rng, hours):
    track = ar_fast(rng, hours)
    day = (np.floor(track.hours / 24) + rng.integers(0, 7)) % 7
    weekend = rng.uniform(0.1, 0.8)
    weight = np.where(day >= 5, weekend, 1.0)
    track.mb += log_uniform(rng, 3, 250) * day_shape(rng, track.hours) * weight
    return track


def gc_sawtooth(rng, hours):
    track = blank(rng, hours)
    period = log_uniform(rng, 0.3, 8)
    wobble = np.cumsum(np.abs(rng.normal(1, 0.15, int(hours / period) + 8))) * period
    phase = track.hours + rng.uniform(0, period)
    tooth = np.searchsorted(wobble, phase, side="right")
    begins = np.concatenate([[0], wobble])[tooth]
    track.mb += log_uniform(rng, 4, 150) * (phase - begins) / period
    return track


def arena_sawtooth(rng, hours):
    """Add irregular growth that is given back in part, to the same floor in the long run."""
    track = blank(rng, hours)
    n = track.mb.size
    held, out = 0.0, np.empty(n)
    rate, size, chance = log_uniform(rng, 0.1, 3), log_uniform(rng, 10, 80), rng.uniform(0.01, 0.08)
    for i in range(n):
        held += rng.exponential(rate)
        if held > size or rng.random() < chance:
            held *= rng.uniform(0, 0.4)
        out[i] = held
    track.mb += out
    return track


def warm_up(rng, hours):
    track = ar_fast(rng, hours) if rng.random() < 0.5 else blank(rng, hours)
    tau = log_uniform(rng, 0.2, 12)
    track.mb += log_uniform(rng, 15, 600) * (1 - np.exp(-track.hours / tau))
    return track


def cache_fill(rng, hours):
    """Add a straight rise until the cache is full, early in the window."""
    track = ar_fast(rng, hours) if rng.random() < 0.5 else blank(rng, hours)
    full = rng.uniform(0.05, 0.7) * min(hours, 36)
    track.mb += log_uniform(rng, 15, 300) * np.minimum(track.hours / full, 1)
    return track


def steps(rng, hours):
    track = ar_fast(rng, hours)
    for _ in range(rng.integers(1, 4)):
        size = log_uniform(rng, 4, 250) * (1 if rng.random() < 0.65 else -0.6)
        track.mb += size * (track.hours >= rng.uniform(0, hours))
    return track


def bursts(rng, hours):
    track = ar_fast(rng, hours)
    for _ in range(rng.poisson(hours * log_uniform(rng, 0.05, 1.0)) + 1):
        start, length = rng.uniform(0, hours), log_uniform(rng, 0.08, 2)
        track.mb += log_uniform(rng, 10, 300) * ((track.hours >= start) & (track.hours < start + length))
    return track


def staircase(rng, hours):
    """Add arenas, one after the other, until all threads have theirs."""
    track = blank(rng, hours)
    ends = rng.uniform(0.15, 0.7) * min(hours, 48)
    times = np.sort(rng.uniform(0, ends, rng.integers(3, 16)))
    sizes = log_uniform(rng, 2, 25) * rng.uniform(0.5, 1.5, times.size)
    track.mb += np.concatenate([[0], np.cumsum(sizes)])[np.searchsorted(times, track.hours, side="right")]
    return track


def restarts(rng, hours):
    """Make several runs, each with its own warm-up and a slightly different level."""
    track = ar_fast(rng, hours)
    every = log_uniform(rng, min(4.0, hours / 3), max(hours / 2, 3.0))
    track.run = np.floor((track.hours + rng.uniform(0, every)) / every).astype(int)
    size, tau = log_uniform(rng, 10, 250), log_uniform(rng, 0.1, 3)
    level = rng.normal(0, log_uniform(rng, 0.5, 20), track.run.max() + 1)
    track.mb += size * (1 - np.exp(-track.uptime / tau)) + level[track.run]
    return track


def gaps(rng, hours):
    track = ar_fast(rng, hours) if rng.random() < 0.5 else ar_slow(rng, hours)
    keep = np.ones(track.hours.size, bool)
    for _ in range(rng.integers(1, 5)):
        start = rng.uniform(0, hours)
        keep &= (track.hours < start) | (track.hours > start + rng.uniform(0.02, 0.15) * hours)
    keep &= rng.random(keep.size) > rng.uniform(0, 0.3)
    keep[[0, -1]] = True
    return Track(hours=track.hours[keep], mb=track.mb[keep], run=track.run[keep])


def filling_deque(rng, hours):
    """Fill registered bounded deques through the window, sizes known to +-30 %."""
    track = ar_fast(rng, hours)
    end = rng.uniform(0.3, 3.0) * hours
    full = log_uniform(rng, 8, 60) * end
    true = full * np.minimum(track.hours / end, 1)
    error = rng.uniform(0.7, 1.3)
    track.mb += true
    track.deque_mb = true * error
    track.capacity_mb = np.full(track.hours.size, full * error)
    return track


def load_following(rng, hours):
    """Let memory follow the work done per hour, which rises through the window."""
    track = ar_fast(rng, hours)
    load = 1 + rng.uniform(0.2, 2.0) * track.hours / hours
    load = load * (1 + rng.uniform(0.1, 0.5) * day_shape(rng, track.hours))
    load *= np.exp(ar1(rng, load.size, 0.9, 0.15))
    track.work = np.cumsum(load * 1000)
    track.mb += log_uniform(rng, 10, 150) * load
    return track


def mixed_service(rng, hours):
    """Mix a bit of everything, as services do: warm-up, day, sawtooth, bursts, slow noise."""
    track = ar_slow(rng, hours)
    for other in (warm_up, daily, gc_sawtooth, bursts, steps):
        if rng.random() < 0.45:
            extra = other(rng, hours)
            track.mb += (extra.mb - np.median(extra.mb)) * 0.6
    return track


BACKGROUNDS: dict[str, Background] = {
    f.__name__: f
    for f in (
        white, heavy_tails, ar_fast, ar_slow, bounded_walk, daily, weekly, gc_sawtooth, arena_sawtooth,
        warm_up, cache_fill, steps, bursts, staircase, restarts, gaps, load_following, mixed_service,
    )
}  # fmt: skip
SLOPE_IS_TRUE = (
    "white", "heavy_tails", "ar_fast", "ar_slow", "bounded_walk", "daily", "gc_sawtooth",
    "arena_sawtooth", "bursts", "gaps",
)  # fmt: skip
"""Backgrounds without a trend of their own: the leak's rate is the whole truth."""


# --- leaks ----------------------------------------------------------------------------------


def linear(_rng, hours, rate):
    return rate * hours


def accelerating(_rng, hours, rate):
    """Grow from a quarter of the rate to 1.75 times of it: `rate` is the mean."""
    end = max(float(hours[-1]), 1e-9)
    return rate * hours * (0.25 + 0.75 * hours / end)


def stepwise(rng, hours, rate):
    every = log_uniform(rng, 0.5, max(0.6, min(6.0, float(hours[-1]) / 6)))
    return rate * every * np.floor((hours + rng.uniform(0, every)) / every)


def working_hours(rng, hours, rate):
    """Grow eight hours a day; `rate` is the mean over the day."""
    phase = hours + rng.uniform(0, 24)
    done = 8 * np.floor(phase / 24) + np.minimum(np.mod(phase, 24), 8)
    return 3 * rate * (done - done[0])


def late(rng, hours, rate):
    """Begin in the last quarter to half of the history, at least 12 h before its end where possible."""
    end = float(hours[-1])
    start = end - max(rng.uniform(0.25, 0.5) * end, min(12.0, end))
    return rate * np.maximum(hours - start, 0)


def by_events(rng, hours, rate):
    """Grow by steps of any size that come at random; `rate` is the mean over the history."""
    end = float(hours[-1])
    times = np.sort(rng.uniform(0, end, max(rng.poisson(end / log_uniform(rng, 0.3, 3)), 1)))
    sizes = rng.gamma(log_uniform(rng, 1, 20), size=times.size)
    risen = np.concatenate([[0], np.cumsum(sizes)])[np.searchsorted(times, hours, side="right")]
    return rate * end * risen / sizes.sum()


LEAKS = {f.__name__: f for f in (linear, accelerating, stepwise, working_hours, late, by_events)}


def background_case(name: str, hours: float, index: int, purpose: Purpose) -> Track:
    """Return the leak-free case `index` of class `name`."""
    rng = rng_for(purpose, name, hours, index)
    made = (filling_deque if name == "filling_deque" else BACKGROUNDS[name])(rng, hours)
    return strengthened(rng, made)


def leak_case(name: str, shape: str, rate: float, hours: float, index: int, purpose: Purpose) -> Track:
    """Return case `index` of a leak of `rate` MB/h and `shape` on background `name`."""
    rng = rng_for(purpose, f"{name}/{shape}/{rate:g}", hours, index)
    track = strengthened(rng, BACKGROUNDS[name](rng, hours))
    clock = track.uptime if name == "restarts" else track.hours
    if name == "restarts" and shape != "linear":
        for run in np.unique(track.run):
            rows = track.run == run
            track.mb[rows] += LEAKS[shape](rng, clock[rows], rate)
        return track
    track.mb = track.mb + LEAKS[shape](rng, clock, rate)
    return track


def strengthened(rng: np.random.Generator, track: Track) -> Track:
    """Stretch all that a background does, noise included, by a factor of 0.7 to 4."""
    factor = log_uniform(rng, *STRENGTH)
    floor = float(track.mb.min())
    track.mb = floor + factor * (track.mb - floor)
    if track.deque_mb is not None and track.capacity_mb is not None:
        track.deque_mb, track.capacity_mb = factor * track.deque_mb, factor * track.capacity_mb
    return track
