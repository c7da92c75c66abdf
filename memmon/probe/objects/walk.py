"""The walk over the objects of this process: depth first, several times, each time deeper, in small steps.

Each object is counted at the place (see `places`) by which it is met first. That shall be a short way, as
one would write it: so the walk goes several times, each time deeper, the program's own objects before those
of libraries, and goes again only where there was more below.

The program must not feel it. No method of the program's is called. A step ends after 1 ms, or with what it is at: so it stays under 2.
Between two steps, while the program's threads run, the walk holds none of their objects: it keeps the
way by which it came (`path`) and goes it again. And it makes next to no objects that Python's
collector tracks: what was met is a dict of plain numbers, what waits are a few lists.
"""

from __future__ import annotations

import gc
import sys
from itertools import islice, repeat
from types import FunctionType
from typing import TYPE_CHECKING, Any

from memmon.probe.objects.contents import LISTED_COUNT, contents
from memmon.probe.objects.kept_by_python import thread_roots
from memmon.probe.objects.kinds import IS_NUMBER, IS_OPEN, Kind
from memmon.probe.objects.labels import Labels
from memmon.probe.objects.own_size import measured
from memmon.probe.objects.path import LONGEST_DEPTH, OF_CLASS, OF_CONTAINER, OF_INSTANCE, Path
from memmon.probe.objects.places import PASSED_OVER
from memmon.probe.objects.plain import module_at, module_values
from memmon.probe.objects.roots import (
    MADE_MODULES,
    class_roots,
    is_made_module,
    is_own_module,
    large_roots,
    library_roots,
    module_names,
    near_roots,
    own_roots,
    running_roots,
    task_roots,
    variable_roots,
    waiting_roots,
)
from memmon.probe.objects.tally import Tally
from memmon.probe.objects.variables import KEPT, LARGE_COUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memmon.probe.objects.roots import Root

SAMPLE_COUNT = 40
SLICE_SECONDS = 0.001
PASSES = (
    (variable_roots, 0, 28_000),
    (near_roots, 2, 28_000),
    (waiting_roots, 0, 3_000),
    (waiting_roots, 2, 6_000),
    (running_roots, 6, 1_500),
    (library_roots, 4, 8_000),
    (own_roots, 7, 30_000),
    (task_roots, 0, 6_000),
    (task_roots, 7, 6_000),
    (own_roots, LONGEST_DEPTH, 12_000),
    (large_roots, LONGEST_DEPTH, 4_000),
    (library_roots, LONGEST_DEPTH, 4_000),
    (class_roots, 3, 3_000),
    (thread_roots, 6, 3_000),
)
"""Where to begin, how many levels to go down, and how many objects are visited at most; going into one again is a visit too."""

_OF_VARIABLES = (near_roots, own_roots, library_roots)
_LARGE_SHARE = 250
"""So many visits gets a variable that holds very many entries, however many variables there are."""

_FEWER = 3
"""Where small variables are left out, the later passes have so many times fewer visits: they go on below the others."""

_FAR_LIMIT = 40_000
"""Visits up to which the program's own objects may be followed as far as they lead: in a small program the others took few."""

_LIBRARY_SHARE = 250
"""Visits that one of the libraries' variables may take before the last pass: there are thousands, and some lead to very much."""

_LEAST_SAMPLE_COUNT = 12
_KEPT_VISITS = 50  # for each sibling that waits, while one of them leads to very much
_DEEP_LIMIT = 1_000
_BETWEEN_CLOCKS_COUNT = 16
_LONG_WAY = 20
"""Levels down to which going the way again takes next to no time; of a longer one a step has half its time for what is new."""

_SMALL_COUNT = 16
_MANY_MET, _VERY_MANY_MET = 60, 400
_FEW_OF_MANY, _LEAST_OF_MANY = 8, 4


class Walk:
    """One look: `run`, then `end`, then read the tally."""

    def __init__(self, pause: Callable[[], object], monotonic: Callable[[], float]) -> None:
        """Prepare; `pause` is called between steps, `monotonic` tells seconds."""
        self._pause = pause
        self._monotonic = monotonic
        self._ends_at = monotonic() + SLICE_SECONDS
        self._ticks = self._asked_at = self._end = self._limit = self._share = self._depth = 0
        self._is_near = False
        self._large: dict[str, Callable[[], object]] = {}
        self._turn = 0
        """Which of the passes it is, counted by twos: what a pass has gone into it doesn't go into again."""
        self._labels = Labels()
        self._path = Path()
        self._deep: list[Any] = []
        self._deep_weights: list[float] = []
        self._deep_nodes: list[int] = []
        self.tally = Tally()
        self.is_whole = True

    def run(self) -> None:
        """Walk until nothing is left, or enough was seen."""
        self._pass_over_modules()
        for begin, depth, most in PASSES:
            self._depth = depth
            self._limit, self._share = _bounds(begin, depth, most, self.tally)
            self._share //= _count_left(self._large, self.tally) if begin is large_roots else 1
            self._turn += 2
            self._is_near = begin is near_roots
            self._walk(begin(self._large) if begin is large_roots else _roots_of(begin, self.tally))
            self.is_whole = self.is_whole and self.tally.visits < self._limit

    def end(self) -> None:
        """Correct and add up, and free what is large in pieces."""
        self.tally.left.free(self.rest)
        self.rest()
        self.tally.places.finish(self.rest)
        self.tally.free(self.rest)
        self.rest()

    def rest(self, reach: Callable[[], object] = lambda: None) -> None:
        """Let the program's threads run, and hold nothing of theirs meanwhile."""
        self._path.let_go()
        self.tally.kinds.forget()
        self._pause()
        self._ends_at = self._monotonic() + SLICE_SECONDS
        self._path.find_again(reach, self.tally.kinds)
        if len(self._path.ids) > _LONG_WAY:
            self._ends_at = max(self._ends_at, self._monotonic() + SLICE_SECONDS / 2)

    def _walk(self, found: Iterator[Root | None]) -> None:
        for root in found:
            # Where there is none, some hundred variables were looked at to find none.
            self._ticks += 1 if root is not None else _BETWEEN_CLOCKS_COUNT
            if self._is_over():
                self.rest()
            if root is not None:
                self._root(*root)
            if self.tally.visits >= self._limit:
                return

    def _pass_over_modules(self) -> None:
        """Mark the modules' variables as met: each function leads to those of its module."""
        for passed in (*self.tally.met.tables, *self.tally.left.tables, self.__dict__, sys.modules):
            self.tally.pass_over(passed)
        for name in module_names():
            self._ticks += 1
            if self._is_over():
                self.rest()
            values = module_values(module_at(name))
            self.tally.pass_over(values)
            if is_own_module(name):
                self.tally.own_globals.add(id(values))
            elif is_made_module(name):
                self.tally.made_module(MADE_MODULES, dict.__sizeof__(values))

    def _root(self, name: str, reach: Callable[[], object]) -> None:
        """Walk what hangs on one root."""
        self._end = min(self._limit, self.tally.visits + self._share)
        self._begin(reach(), name)
        if not self._path.places:
            return
        self._drain(reach)
        while self._deep and self.tally.visits < self._limit:
            # So far from the root that the way back would be long: these few are held.
            reach = repeat(self._deep.pop()).__next__
            self._end = self._limit
            self._meet(reach(), self._deep_weights.pop(), _LEAST_SAMPLE_COUNT, self._deep_nodes.pop())
            self._drain(reach)
        self.tally.places.cut(self._deep_nodes)
        self._deep.clear()
        self._deep_weights.clear()
        self._deep_nodes.clear()
        self._path.cut(0)
        if self._share == _LIBRARY_SHARE and name in self.tally.lengths:
            self._large[name] = reach

    def _begin(self, value: object, name: str) -> None:
        identity = id(value)
        table = self.tally.met.table_of(identity)
        is_met = table.get(identity, KEPT) != KEPT
        if is_met and identity not in self.tally.left.table_of(identity):
            return
        self.tally.variables.kept_count -= table.get(identity) == KEPT
        kind = self.tally.kinds.of(value)
        if kind.is_no_root or self.tally.is_foreign_code(value):
            return
        if _is_foreign_class(value, self.tally) and self._depth < LONGEST_DEPTH:
            return
        if type(value) is FunctionType and not is_met and self.tally.leads_nowhere(value):
            self.tally.pass_over(value)
            return
        if self._is_near:
            is_large = kind.base is not None and kind.base.__len__(value) >= LARGE_COUNT
            if kind.base is not None and not is_large and self.tally.variables.is_left_out(name):
                self.tally.pass_over(value)
                return
            kept_count = self.tally.variables.kept_count
            self._end = max(self._limit - kept_count, self.tally.visits + is_large * _LARGE_SHARE)
        node = self.tally.root(name, kind, is_new=not is_met)
        self._meet(value, 1.0, SAMPLE_COUNT, node)

    def _drain(self, reach: Callable[[], object]) -> None:
        path, tally = self._path, self.tally
        siblings, places, ends, waiting = path.siblings, path.places, path.ends, path.waiting
        while places:
            self._ticks += 1
            if self._ticks >= self._asked_at and self._is_over():
                level = value = None  # nothing is held while the program's threads run
                self.rest(reach)
            elif not waiting[-1]:
                path.pop()
            elif tally.visits >= ends[-1]:
                self.tally.left.note_all(path.ids, self._turn)
                if self._depth == LONGEST_DEPTH:
                    waits = (one for one in path.nodes[-1][places[-1] + 1 :] if one != PASSED_OVER)
                    tally.places.cut(list(islice(waits, 1)))
                path.pop()
            else:
                level, nodes, place = siblings[-1], path.nodes[-1], places[-1] + 1
                count = min(len(level), len(nodes))
                while place < count and nodes[place] == PASSED_OVER:
                    place += 1
                places[-1] = place
                if place == count:
                    path.pop()
                    continue
                self._end = _end_of(ends[-1], tally.visits, waiting[-1])
                waiting[-1] -= 1
                value = level[place]
                self._meet(value, path.weight_of(value), path.samples[-1], nodes[place])
                value = None

    def _is_over(self) -> bool:
        """Return whether the step has lasted long enough; the clock is asked now and then."""
        if self._ticks < self._asked_at:
            return False
        self._asked_at = self._ticks + _BETWEEN_CLOCKS_COUNT
        return self._monotonic() >= self._ends_at

    def _meet(self, value: Any, weight: float, sample_count: int, node: int) -> None:
        """Count an object that wasn't met yet, and go down into it; into one that was, where more is below."""
        tally, identity = self.tally, id(value)
        known = tally.met_at(identity)
        if known is None or (known == KEPT and not self._path.ids):
            kind = tally.kinds.of(value)
            if kind.role == IS_NUMBER:
                return
            own_bytes = tally.first(value, identity, kind, weight, node)
            if kind.role == IS_OPEN:
                holders = self._path.holders
                if type(value) is FunctionType and not tally.counts_code(value, holders, weight, node):
                    return
                self._enter(value, identity, kind, own_bytes, weight, sample_count, node, is_new=True)
        elif known == node:
            if self.tally.left.table_of(identity).get(identity, self._turn) < self._turn:
                self._go_again(value, identity, weight, sample_count, node)
            elif node >= 0 and (not self._path.news or self._path.news[-1]):
                tally.again(identity, node)

    def _go_again(self, value: Any, identity: int, weight: float, sample_count: int, node: int) -> None:
        """Go down into what was met before, for what is further below."""
        self.tally.visits += 1
        is_new = bool(self.tally.left.table_of(identity).pop(identity) & 1)
        kind = self.tally.kinds.of(value)
        own_bytes = measured(value, kind.method, kind.header) if kind.base is None else 0
        self._enter(value, identity, kind, own_bytes, weight, sample_count, node, is_new=is_new)

    def _enter(
        self,
        value: Any,
        identity: int,
        kind: Kind,
        own_bytes: int,
        weight: float,
        most: int,
        node: int,
        *,
        is_new: bool,
    ) -> None:
        """Go down to what an object leads to; a sample stands for all the entries, and is thinner below."""
        path = self._path
        is_late = not path.ids and self.tally.visits >= self._end
        is_deep = len(path.ids) >= self._depth or (kind.is_class and _is_foreign_class(value, self.tally))
        if is_late or (is_deep and self._depth < LONGEST_DEPTH):
            self.tally.left.table_of(identity)[identity] = self._turn + is_new
            self.tally.left.note_all(self._path.ids, self._turn)
            return
        # As many whatever is left of the visits: two looks must take the same samples.
        wanted = _wanted(value, kind, most, self.tally.places.met[node] if node >= 0 else 0)
        length, found = 0, gc.get_referents(value) if kind.is_simple else []
        if not 0 < len(found) <= LISTED_COUNT:
            length, found = contents(value, kind.base, wanted, own_bytes)
        if is_new:
            self.tally.note_length(value, kind, length, weight, node)
        if not found:
            return
        of_class = bool(path.holders) and path.holders[-1] == OF_CLASS
        if length > len(found):
            weight *= 1.0 if of_class else length / len(found)  # of a class each entry is another
            most = max(most // 2, _LEAST_SAMPLE_COUNT)
        labels = self._labels.of(value, kind.base, wanted, found, is_namespace=node < 0)
        self.tally.values_of(kind, labels, weight, node, is_new=is_new)
        self._ticks += len(found)
        holder = node if node >= 0 else ~node
        nodes = self.tally.placed(found, labels, holder, weight, of_class=of_class, is_new=is_new)
        if nodes.count(PASSED_OVER) == len(nodes):
            return
        if len(path.ids) >= LONGEST_DEPTH:
            self._put_by(found, nodes, weight)
            return
        path.push(
            identity,
            found,
            weight=weight,
            sample_count=most,
            taken_count=wanted,
            end=self._end,
            holder=OF_CONTAINER if kind.base is not None else OF_CLASS if kind.is_class else OF_INSTANCE,
            nodes=nodes,
            is_new=is_new,
        )

    def _put_by(self, found: list[Any], nodes: list[int], weight: float) -> None:
        for one, node in zip(found, nodes, strict=True):
            if node != PASSED_OVER and len(self._deep) < _DEEP_LIMIT:
                self._deep.append(one)
                self._deep_weights.append(weight)
                self._deep_nodes.append(node)


def _is_foreign_class(value: Any, tally: Tally) -> bool:
    """Return whether it is a class of a library: there are many, of which few hold what grows."""
    return issubclass(type(value), type) and not tally.kinds.is_of_program(value)


def _wanted(value: Any, kind: Kind, most: int, met: int) -> int:
    """Return how many entries to look at: few, where many alike (`met` of them) were looked at."""
    if met < _MANY_MET or kind.base is None or kind.base.__len__(value) <= _SMALL_COUNT:
        return most
    return min(most, _FEW_OF_MANY if met < _VERY_MANY_MET else _LEAST_OF_MANY)


def _end_of(end: int, visits: int, sibling_count: int) -> int:
    """Return at which count of visits the next of so many siblings must end: the others get theirs."""
    if sibling_count <= 1:
        return end
    left_count = end - visits
    return end - min((sibling_count - 1) * _KEPT_VISITS, left_count - left_count // sibling_count)


def _bounds(begin: object, depth: int, most: int, tally: Tally) -> tuple[int, int]:
    """Return at which count of visits a pass ends, and how many one root may take."""
    visits = tally.visits
    if begin is near_roots:
        tally.variables.thin_out()
    if begin is own_roots and tally.variables.thinning:
        most //= _FEWER
    if begin is own_roots and depth == LONGEST_DEPTH:
        limit = max(visits + most, _FAR_LIMIT)
        return limit, limit - visits
    return visits + most, _LIBRARY_SHARE if begin is library_roots and depth < LONGEST_DEPTH else most


def _count_left(found: dict[str, Callable[[], object]], tally: Tally) -> int:
    """Return below how many of the libraries' large variables there is more than was met, at least 1."""
    identities = [id(reach()) for reach in found.values()]
    return max(1, sum(one in tally.left.table_of(one) for one in identities))


def _roots_of(begin: Callable[..., Iterator[Root | None]], tally: Tally) -> Iterator[Root | None]:
    variables = tally.variables
    if begin is variable_roots:
        return begin(variables.keep_among)
    if begin is near_roots:
        return begin(variables.near_among, variables.chosen)
    return begin(variables.left_among, variables.chosen) if begin in _OF_VARIABLES else begin()
