"""Looking for what grows: a bounded walk over the objects of this process, in small steps.

`gc.get_objects()` builds a list of everything in one call, which at three million objects holds
every other thread up for 40 to 90 ms; and it shows no strings or bytes. Here the objects are
walked from the modules, frames and tasks down, a container of many entries by a sample whose
share stands for the rest, so that counts and bytes are estimates (as in Knuth's estimate of a
tree's size from few probes; Knuth 1975, "Estimating the efficiency of backtrack programs").

The program must not feel it. No method of the program's is called. A step ends after a millisecond.
Between two steps, while the program's threads run, the walk holds none of their objects: it keeps the
way by which it came (`path`) and goes it again. And it makes next to no objects that Python's
collector tracks: what was met is a set of plain numbers, what waits are a few lists.
"""

from __future__ import annotations

import heapq
import itertools
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memmon.clock import SystemClock
from memmon.probe.objects.contents import contents
from memmon.probe.objects.kinds import IS_NUMBER, IS_OPEN, Kinds
from memmon.probe.objects.own_size import measured
from memmon.probe.objects.path import LONGEST_DEPTH, OF_CLASS, OF_CONTAINER, OF_INSTANCE, Path
from memmon.probe.objects.plain import is_module, module_values
from memmon.probe.objects.roots import module_at, module_names, roots

if TYPE_CHECKING:
    from collections.abc import Callable

VISIT_LIMIT = 60_000
SAMPLE_COUNT = 40
SLICE_SECONDS = 0.001
_LEAST_SAMPLE_COUNT = 12
_KEPT_VISITS = 50  # for each sibling that waits, while one of them leads to very much
_DEEP_LIMIT = 1_000
_BETWEEN_CLOCKS_COUNT = 24
_NAMED_CONTAINER_COUNT = 100
_TOP_COUNT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a walk found; counts and bytes are estimates."""

    object_count: int
    type_counts: dict[str, int]
    """Objects by the name of their type, the largest by bytes first."""
    type_bytes: dict[str, int]
    root_bytes: dict[str, int]
    """Bytes by the name under which they were reached: `module.attribute`, `frame of function`."""
    container_lengths: dict[str, int]
    """Entries of the large containers, by the same names."""


class _SurveyWalk:
    def __init__(self, pause: Callable[[], object], monotonic: Callable[[], float]) -> None:
        self._pause = pause
        self._monotonic = monotonic
        self._ends_at = monotonic() + SLICE_SECONDS
        self._ticks = self._asked_at = 0
        self._visits = 0
        self._end = VISIT_LIMIT
        self._seen: set[int] = set()
        self._kinds = Kinds()
        self._path = Path()
        self._deep: list[Any] = []
        self._deep_weights: list[float] = []
        self.counts: dict[str, float] = {}
        self.sizes: dict[str, float] = {}
        self.roots: dict[str, float] = {}
        self.lengths: dict[str, int] = {}

    def run(self) -> None:
        """Walk until nothing is left, or enough was seen."""
        self._pass_over_modules()
        for root in roots():
            if self._is_over():
                self._rest()
            if root is not None:
                self._root(*root)
            if self._visits >= VISIT_LIMIT:
                return

    def end(self) -> None:
        """Free what is large, in a step of its own."""
        self._rest()
        self._seen.clear()
        self._rest()

    def _pass_over_modules(self) -> None:
        """Mark the modules' variables as met: each function leads to those of its module."""
        self._seen |= {id(self._seen), id(self.__dict__), id(sys.modules)}
        for name in module_names():
            if self._is_over():
                self._rest()
            if is_module(module_at(name)):
                self._seen.add(id(module_values(module_at(name))))

    def _root(self, name: str, reach: Callable[[], object]) -> None:
        """Walk what hangs on one root."""
        self._first(reach(), 1.0, SAMPLE_COUNT, name)
        self._drain(name, reach)
        while self._deep and self._visits < VISIT_LIMIT:
            # So far from the root that the way back would be long: these few are held.
            reach = itertools.repeat(self._deep.pop()).__next__
            self._first(reach(), self._deep_weights.pop(), _LEAST_SAMPLE_COUNT, name)
            self._drain(name, reach)
        self._deep.clear()
        self._deep_weights.clear()
        self._path.cut(0)

    def _first(self, value: object, weight: float, sample_count: int, name: str) -> None:
        if id(value) not in self._seen:
            self._end = VISIT_LIMIT
            self._visit(value, weight, sample_count, name)

    def _drain(self, name: str, reach: Callable[[], object]) -> None:
        path, seen = self._path, self._seen
        siblings, places, ends = path.siblings, path.places, path.ends
        while places:
            if self._is_over():
                level = None  # nothing is held while the program's threads run
                self._rest(reach)
                continue
            level = siblings[-1]
            places[-1] = place = places[-1] + 1
            if place >= len(level) or self._visits >= ends[-1]:
                path.pop()
            elif id(level[place]) not in seen:
                self._end = self._end_of(ends[-1], len(level) - place)
                self._visit(level[place], self._weight_of(level[place]), path.samples[-1], name)

    def _weight_of(self, value: object) -> float:
        """Return for how many the next object stands: a class is one, however many instances lead to it."""
        is_class_of_one = self._path.holders[-1] != OF_CONTAINER and issubclass(type(value), type)
        return 1.0 if is_class_of_one else self._path.weights[-1]

    def _end_of(self, end: int, sibling_count: int) -> int:
        """Return at which count of visits the next of so many siblings must end: the others get theirs."""
        left_count = end - self._visits
        kept_count = min((sibling_count - 1) * _KEPT_VISITS, left_count - left_count // sibling_count)
        return end - kept_count

    def _is_over(self) -> bool:
        """Return whether the step has lasted long enough; the clock is asked now and then."""
        self._ticks += 1
        if self._ticks < self._asked_at:
            return False
        self._asked_at = self._ticks + _BETWEEN_CLOCKS_COUNT
        return self._monotonic() >= self._ends_at

    def _rest(self, reach: Callable[[], object] = lambda: None) -> None:
        """Let the program's threads run, and hold nothing of theirs meanwhile."""
        self._path.let_go()
        self._kinds.forget()
        self._pause()
        self._ends_at = self._monotonic() + SLICE_SECONDS
        self._path.find_again(reach, self._open_among)

    def _visit(self, value: Any, weight: float, sample_count: int, root: str) -> None:
        """Count an object that wasn't met yet, and go down into it."""
        kind = self._kinds.of(value)
        name = kind.name
        self.counts[name] = self.counts.get(name, 0.0) + weight
        if kind.role == IS_NUMBER:
            return
        self._seen.add(id(value))
        self._visits += 1
        own_bytes = measured(value, kind.method, kind.header)
        size = weight * own_bytes
        self.sizes[name] = self.sizes.get(name, 0.0) + size
        self.roots[root] = self.roots.get(root, 0.0) + size
        if kind.role == IS_OPEN:
            self._enter(value, kind.base, own_bytes, weight, sample_count, root)

    def _enter(self, value: Any, base: Any, own_bytes: int, weight: float, most: int, root: str) -> None:
        """Go down to what an object leads to; a sample stands for all the entries, and is thinner below."""
        # As many whatever is left of the visits: two looks must take the same samples.
        length, found = contents(value, base, most, own_bytes)
        taken_count = most
        if length >= _NAMED_CONTAINER_COUNT and weight == 1.0:
            self.lengths[root] = max(self.lengths.get(root, 0), length)
        if not found:
            return
        if length > len(found):
            if not self._is_namespace():  # of which each entry is another
                weight *= length / len(found)
            most = max(most // 2, _LEAST_SAMPLE_COUNT)
        self._count_closed(found, weight, root)
        found = self._open_among(found)
        if len(self._path.ids) < LONGEST_DEPTH:
            self._path.push(
                id(value),
                found,
                weight=weight,
                sample_count=most,
                taken_count=taken_count,
                end=self._end,
                holder=self._holder(value, base),
            )
        elif len(self._deep) < _DEEP_LIMIT:
            self._deep += found
            self._deep_weights += [weight] * len(found)

    def _is_namespace(self) -> bool:
        """Return whether what is entered is what a class defines."""
        return bool(self._path.holders) and self._path.holders[-1] == OF_CLASS

    @staticmethod
    def _holder(value: object, base: object) -> int:
        if base is not None:
            return OF_CONTAINER
        return OF_CLASS if issubclass(type(value), type) else OF_INSTANCE

    def _count_closed(self, found: list[Any], weight: float, root: str) -> None:
        """Count at once what leads nowhere."""
        self._ticks += len(found)
        for one in found:
            if self._kinds.of(one).role != IS_OPEN and id(one) not in self._seen:
                self._visit(one, weight, 0, root)

    def _open_among(self, found: list[Any]) -> list[Any]:
        return [one for one in found if self._kinds.of(one).role == IS_OPEN]


def survey(
    *, pause: Callable[[], object] = lambda: None, monotonic: Callable[[], float] | None = None
) -> Survey:
    """Walk the objects of this process and return what was found; `pause` is called between steps.

    `monotonic`: seconds that never step back, by which a step is ended. Never raises: an object
    that can't be looked into is counted and passed over.
    """
    walk = _SurveyWalk(pause, monotonic or SystemClock().monotonic)
    walk.run()
    walk.end()
    names = sorted(walk.counts, key=lambda name: -walk.sizes.get(name, 0.0))[:_TOP_COUNT]
    pause()
    return Survey(
        object_count=round(sum(walk.counts.values())),
        type_counts={name: round(walk.counts[name]) for name in names},
        type_bytes={name: round(walk.sizes.get(name, 0.0)) for name in names},
        root_bytes=_largest(walk.roots),
        container_lengths=_largest(walk.lengths),
    )


def _largest(values: dict[str, Any]) -> dict[str, int]:
    return {name: round(values[name]) for name in heapq.nlargest(_TOP_COUNT, values, key=values.__getitem__)}
