"""Histories of several processes of one source: pools in which some leak or are replaced, rolling restarts, two hosts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from consistency_kit.histories import BOX, HOST, NOTHING, Machine, Run, Story, flat, leak

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SHARED = Machine(limit_mb=4_000.0, others_mb=900.0)
"""A container of several processes."""


def _at(run: Run, place: int, *, end_hours: float = 0.0, **more: Any) -> Run:
    """Return a run as the `place`-th of several that are read a moment after one another."""
    return replace(run, hours=run.hours + end_hours + 0.001 * (place - 8), **more)


def _pool(
    count: int, *, rates: Mapping[int, float], hours: float = 20.0, machine: Machine = SHARED
) -> list[Run]:
    """Return processes that start together, the first of them small; some grow, by MB/hour."""
    made = (
        leak(hours, rates.get(n, 0.0), mb=250.0 if n else 60.0, machine=machine, seed=n) for n in range(count)
    )
    return [_at(run, n) for n, run in enumerate(made)]


def _worker(slot: int, turn: int) -> Run:
    """Return a worker of a pool of four that lives an hour and is then replaced; the last of each slot lives."""
    age_hours = 0.2 + 0.25 * slot
    run = flat(
        age_hours if turn == 0 else 0.95, step_seconds=60.0, mb=200.0, machine=SHARED, seed=10 * slot + turn
    )
    end_hours = 0.0 if turn == 0 else 1.0 - turn - age_hours - 0.03
    return _at(run, 3 - slot, end_hours=end_hours, end="exit" if turn else None)


def pools() -> Iterator[Story]:
    """Yield several processes of one source: pools in which some leak or are replaced, rolling restarts, two hosts."""
    yield Story(name="pool-1-of-4-leaks", runs=tuple(_pool(4, rates={2: 25.0})))
    yield Story(name="pool-all-leak", runs=tuple(_pool(4, rates=dict.fromkeys(range(4), 20.0))))
    yield Story(name="pool-1-of-8-leaks-no-limit", runs=tuple(_pool(8, rates={5: 30.0}, machine=NOTHING)))
    yield Story(name="pool-level", runs=tuple(_pool(4, rates={}, machine=HOST)))
    gone = _at(flat(9.0, mb=240.0, machine=SHARED, seed=8), 3, end_hours=-8.0, end="sigterm")
    new = _at(flat(7.9, mb=240.0, machine=SHARED, seed=9), 3)
    yield Story(name="pool-one-replaced", runs=(gone, *_pool(3, rates={1: 15.0}), new))
    old = _at(flat(12.0, mb=300.0, machine=BOX, seed=3), 0, end_hours=-10.0, end="sigterm")
    yield Story(name="rolling-restart", runs=(old, flat(10.0 + 1 / 60, mb=300.0, machine=BOX, seed=4)))
    boxes = [
        replace(run, host=f"web-{n % 2}") for n, run in enumerate(_pool(4, rates={3: 25.0}, machine=BOX))
    ]
    yield Story(name="pool-on-two-hosts", runs=tuple(boxes))
    workers = [_worker(slot, turn) for turn in reversed(range(8)) for slot in (3, 2, 1, 0)]
    yield Story(name="pool-recycled", runs=tuple(workers))
    moving = _pool(3, rates={})
    hours = moving[0].hours
    turn = np.floor((hours - hours[0]) / 2.0).astype(int) % 3
    added = 20.0 * np.diff(hours, prepend=hours[0])
    moved = [
        replace(run, mb=run.mb + np.cumsum(np.where(turn == n, added, 0.0))) for n, run in enumerate(moving)
    ]
    yield Story(name="pool-work-moves", runs=tuple(moved))
    young = [
        _at(leak(hours, 0.0, mb=200.0, machine=SHARED, seed=n), n)
        for n, hours in enumerate((30.0, 11.0, 1.0))
    ]
    ended = _at(flat(6.0, mb=500.0, machine=SHARED, seed=7), 0, end_hours=-4.0, end="oom")
    yield Story(name="pool-of-different-age", runs=(ended, *young))
    silent = tuple(_pool(3, rates={1: 25.0}))
    yield Story(name="pool-silent", runs=silent, age_seconds=7_200.0)
