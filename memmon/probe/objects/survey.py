"""Looking for what grows: a bounded walk over the objects of this process, in small steps.

`gc.get_objects()` builds a list of everything in one call, which at three million objects holds
every other thread up for 40 to 90 ms; and it shows no strings or bytes. Here the objects are
walked from the modules, frames and tasks down (see `walk`), a container of many entries by a sample whose
share stands for the rest, so that counts and bytes are estimates (as in Knuth's estimate of a
tree's size from few probes; Knuth 1975, "Estimating the efficiency of backtrack programs").
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from memmon.clock import SystemClock
from memmon.probe.objects.filling import BoundedPlace
from memmon.probe.objects.places import REST, Places
from memmon.probe.objects.program_code import is_program_module
from memmon.probe.objects.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Callable

_TOP_COUNT = 200
_BETWEEN_PAUSES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a walk found; counts and bytes are estimates."""

    object_count: int
    type_counts: dict[str, int]
    """Objects by the name of their type, the largest by bytes first."""
    type_bytes: dict[str, int]
    root_bytes: dict[str, int]
    """Bytes by the name under which they were reached: `module.attribute`, `local name of function()`."""
    container_lengths: dict[str, int]
    """Entries of the large containers, by the same names."""
    bounded: tuple[BoundedPlace, ...] = ()
    """Containers with a bound that were met each by itself."""
    places: Places = field(default_factory=Places)
    is_whole: bool = True
    """Whether everything was looked at; else the walk ended after so many objects."""
    one_of: int = 1
    """Of so many small containers among the modules' variables one was looked at: else there were too many."""


def survey(
    *, pause: Callable[[], object] = lambda: None, monotonic: Callable[[], float] | None = None
) -> Survey:
    """Walk the objects of this process and return what was found; `pause` is called between steps.

    `monotonic`: seconds that never step back, by which a step is ended. Never raises: an object
    that can't be looked into is counted and passed over.
    """
    is_program_module(
        "", "/"
    )  # finds out now where packages are installed: what Python loads for it didn't grow
    walk = Walk(pause, monotonic or SystemClock().monotonic)
    walk.run()
    walk.end()
    tally = walk.tally
    places, counts, sizes, roots = tally.places, dict(tally.numbers), dict[str, float](), dict[str, float]()
    for place, kind in enumerate(places.kinds):
        if place % _BETWEEN_PAUSES == 0:
            pause()
        counts[kind] = counts.get(kind, 0.0) + places.counts[place]
        sizes[kind] = sizes.get(kind, 0.0) + places.own_bytes[place]
        if places.parents[place] < 0 and places.total_bytes[place] and places.labels[place] is not REST:
            roots[places.labels[place]] = places.total_bytes[place]
    pause()
    names = sorted(counts, key=lambda name: -sizes.get(name, 0.0))[:_TOP_COUNT]
    root_bytes, lengths = _largest(roots, pause), _largest(tally.lengths, pause)
    return Survey(
        object_count=round(sum(counts.values())),
        type_counts={name: round(counts[name]) for name in names},
        type_bytes={name: round(sizes.get(name, 0.0)) for name in names},
        root_bytes=root_bytes,
        container_lengths=lengths,
        bounded=tuple(
            BoundedPlace(places.path_of(place), reference, length, maxlen)
            for reference, place, length, maxlen in tally.bounded
        ),
        places=places,
        is_whole=walk.is_whole and not tally.variables.thinning,
        one_of=tally.variables.thinning + 1,
    )


def _largest(values: dict[str, Any], pause: Callable[[], object]) -> dict[str, int]:
    """Return the largest, some thousands looked at in each step."""
    names, found = iter(values), list[str]()
    while some := list(islice(names, _BETWEEN_PAUSES)):
        pause()
        found = heapq.nlargest(_TOP_COUNT, [*found, *some], key=values.__getitem__)
    return {name: round(values[name]) for name in found}
