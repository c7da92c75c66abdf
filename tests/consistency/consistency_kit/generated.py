"""Histories beside those that are told one by one: of every kind of memory, and as many simulated ones as it takes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from consistency_kit.histories import BOX, GB, HOST, Machine, Story, flat, leak, runs_of, simulator
from memmon import DequeReading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consistency_kit.histories import Run

SEEDS = range(4)
_RATES = (5.0, 12.0, 20.0, 30.0, 50.0)
_SHAPES = ("linear", "late", "accelerating", "stepwise", "working_hours")
_LONG_HOURS = (6.0, 12.0, 24.0, 30.0, 48.0)


def kinds() -> Iterator[Story]:
    """Yield growth that RSS does not show, and such as only RSS shows: swapped, mapped, shared, and read of late."""
    box = Machine(limit_mb=2_048.0)
    grown = leak(24.0, 20.0, machine=box)
    yield Story(
        name="kind-swap-leak", runs=(_swapping(leak(30.0, 20.0, mb=120.0, machine=box), fits_mb=260.0),)
    )
    yield Story(name="kind-mapped-growth", runs=(_split(grown, file_mb=grown.mb - 290.0),))
    yield Story(name="kind-shared-growth", runs=(_split(grown, shmem_mb=grown.mb - 290.0),))
    yield Story(name="kind-anonymous-leak", runs=(_split(grown, file_mb=np.full(grown.mb.size, 40.0)),))
    level = flat(30.0, machine=box)
    yield Story(name="kind-swap-level", runs=(_swapping(level, fits_mb=250.0),))
    yield Story(name="kind-mapped-level", runs=(_split(level, file_mb=np.full(level.mb.size, 80.0)),))
    before = replace(flat(12.0, mb=310.0, machine=box), end="stopped")
    after = _split(flat(11.9, mb=310.0, machine=box), file_mb=np.full(flat(11.9).mb.size, 40.0))
    day = flat(33.0, machine=box)
    worked = np.clip(day.hours - day.hours[0] - 18.0, 0.0, 8.0)
    yield Story(name="kind-leak-that-pauses", runs=(replace(day, mb=day.mb + 40.0 * worked),))
    yield Story(name="kind-known-since-restart", runs=(replace(before, hours=before.hours - 12.0), after))


def examples() -> Iterator[Story]:
    """Yield situations that operators have met: each was once told in two ways."""
    sizes = (180.0, 180.0, 60.0, 180.0)
    workers = [leak(24.0, 25.0 if place == 1 else 0.0, mb=mb, seed=place) for place, mb in enumerate(sizes)]
    yield Story(name="example-4-workers-one-leaks", runs=tuple(workers))
    late = flat(24.0 * 7 + 10.0, machine=Machine(limit_mb=1_024.0))
    begun = np.maximum(late.hours + 10.0, 0.0)
    yield Story(name="example-leak-begins-late", runs=(replace(late, mb=late.mb + 30.0 * begun),))
    for hours, limit_mb in ((12.0, 800.0), (18.0, 800.0), (36.0, 800.0), (30.0, 650.0)):
        warm = flat(hours, machine=Machine(limit_mb=limit_mb))
        curve = 300.0 * (1.0 - np.exp(-(warm.hours - warm.hours[0]) / 6.0))
        yield Story(
            name=f"example-levels-off-{hours:g}-h-of-{limit_mb:g}", runs=(replace(warm, mb=warm.mb + curve),)
        )
    fast = leak(0.05, 480.0, mb=30.3, step_seconds=5.0, machine=Machine(limit_mb=60.0))
    yield Story(name="example-too-early-to-say", runs=(fast,), age_seconds=5.0)
    taken = [
        DequeReading(name=f"q{n:03}", length_count=480, maxlen_count=500, size_bytes=4_300)
        for n in range(100)
    ]
    yield Story(name="example-100-small-deques", runs=(leak(24.0, 14.4, deques=lambda _n, _c: taken),))
    short = [replace(flat(0.45, seed=n, machine=HOST), end="exit" if n else None) for n in range(40)]
    yield Story(
        name="example-restart-each-half-hour",
        runs=tuple(replace(run, hours=run.hours - 0.5 * n) for n, run in reversed(list(enumerate(short)))),
    )


def simulated() -> Iterator[Story]:
    """Yield every class of the simulator with other seeds, lengths, rates and limits."""
    for seed in SEEDS:
        rng = np.random.default_rng(90_000 + seed)
        names = [*simulator().BACKGROUNDS, "filling_deque"]
        for name in names:
            for _ in range(3):
                hours, index = float(rng.choice(_LONG_HOURS)), int(rng.integers(80_000, 90_000))
                track = simulator().background_case(name, hours, index, "tuning")
                yield Story(
                    name=f"sim-{seed}-{name}-{index}", runs=runs_of(track, machine=_machine(rng, track.mb))
                )
        for name in simulator().BACKGROUNDS:
            for _ in range(2):
                hours, index = float(rng.choice(_LONG_HOURS)), int(rng.integers(80_000, 90_000))
                shape, rate = str(rng.choice(_SHAPES)), float(rng.choice(_RATES))
                track = simulator().leak_case(name, shape, rate, hours, index, "tuning")
                yield Story(
                    name=f"sim-{seed}-{name}-{shape}-{rate:g}-{index}",
                    runs=runs_of(track, machine=_machine(rng, track.mb)),
                    age_seconds=float(rng.choice([60.0, 60.0, 600.0, 5_000.0])),
                )


def _machine(rng: np.random.Generator, mb: np.ndarray) -> Machine:
    """Return where a program runs: without a limit, on a host, in a container that is nearly full or far from it."""
    room = float(rng.choice([0.99, 1.03, 1.1, 1.3, 2.0, 8.0]))
    box = Machine(limit_mb=float(mb[-12:].mean()) * room, host_percent=float(rng.uniform(20.0, 75.0)))
    shared = replace(box, limit_mb=float(mb.max()) * 4.0, others_mb=float(mb.max()))
    unread = replace(box, others_mb=None)
    full = Machine(host_percent=float(rng.uniform(70.0, 98.0)))
    wide = Machine(limit_mb=16 * GB)
    choices = (box, box, box, shared, unread, full, HOST, BOX, wide, Machine(host_percent=None))
    return choices[int(rng.integers(len(choices)))]


def _swapping(run: Run, *, fits_mb: float) -> Run:
    """Return a run of which no more than `fits_mb` is resident, and the rest swapped out."""
    resident = np.minimum(run.mb, fits_mb)
    parts = {
        "rss_anon_bytes": resident - 20.0,
        "rss_file_bytes": np.full(run.mb.size, 20.0),
        "rss_shmem_bytes": np.zeros(run.mb.size),
        "swap_bytes": run.mb - resident,
    }
    return replace(run, mb=resident, parts_mb=parts)


def _split(run: Run, *, file_mb: np.ndarray | None = None, shmem_mb: np.ndarray | None = None) -> Run:
    """Return a run whose resident memory is told in its parts: mapped files, shared, the rest anonymous."""
    nothing = np.zeros(run.mb.size)
    files, shared = nothing if file_mb is None else file_mb, nothing if shmem_mb is None else shmem_mb
    parts = {
        "rss_anon_bytes": run.mb - files - shared,
        "rss_file_bytes": files,
        "rss_shmem_bytes": shared,
        "swap_bytes": nothing,
    }
    return replace(run, parts_mb=parts)
