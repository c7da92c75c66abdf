"""Histories in which threads and open files are counted too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from consistency_kit.histories import BOX, HOST, Run, Story, flat, leak

if TYPE_CHECKING:
    from collections.abc import Iterator


def resources() -> Iterator[Story]:
    """Yield threads and open files that grow, keep their level, and of which little or nothing is known."""
    day, late = leak(24.0, 25.0, machine=BOX), flat(72.0, machine=HOST)
    yield Story(name="resources-files-grow-far", runs=(counted(flat(24.0, machine=BOX), files=2.0),))
    yield Story(name="resources-files-grow-near", runs=(counted(flat(24.0, machine=BOX), files=30.0),))
    yield Story(name="resources-and-memory-grow", runs=(counted(day, files=6.0, threads=1.0),))
    yield Story(name="resources-threads-grow-late", runs=(counted(late, threads=2.0, from_hours=-36.0),))
    yield Story(name="resources-steady", runs=(counted(flat(30.0, machine=BOX)),))
    yield Story(name="resources-young", runs=(counted(flat(6.0, machine=BOX), files=30.0),))
    ended = replace(counted(flat(24.0, machine=BOX), files=6.0), end="stopped")
    yield Story(name="resources-ended", runs=(ended,), age_seconds=7200.0)
    unread = counted(flat(24.0, machine=BOX), files=6.0)
    nothing = np.full(unread.hours.size, np.nan)
    yield Story(
        name="resources-unread", runs=(replace(unread, counts={**unread.counts, "fd_count": nothing}),)
    )
    yield Story(
        name="resources-beside",
        runs=(
            counted(day),
            counted(flat(24.0, machine=BOX, seed=2), files=6.0),
            flat(24.0, machine=BOX, seed=3),
        ),
    )


def counted(run: Run, *, files: float = 0.0, threads: float = 0.0, from_hours: float = -1e9) -> Run:
    """Return a run with threads and open files that grow by so many an hour, from a moment on."""
    grown = np.maximum(run.hours - max(run.hours[0], from_hours), 0.0)
    noise = np.random.default_rng(7).poisson(3.0, run.hours.size)
    return replace(
        run,
        counts={
            "thread_count": 12 + np.floor(threads * grown),
            "fd_count": 40 + noise + np.floor(files * grown),
        },
    )
