"""How many bytes an object holds, estimated within a bounded time.

What an object refers to is walked by objsize; packages that add up per-type sizes do not descend
into deques. Three bounds keep the walk harmless in a living program: large containers are sampled
and not walked, a walk stops after a number of objects, and it stops when its time is over.
"""

from __future__ import annotations

import gc
from types import BuiltinFunctionType, FrameType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from memmon.guest.shielding import attempt
from memmon.probe.objects.container_sample import (
    SAMPLE_COUNT,
    base_of,
    different_count,
    is_large,
    length_of,
    sample_items,
)
from memmon.probe.objects.contents import leads_to_few
from memmon.probe.objects.items_estimate import (
    ItemsEstimate,
    SampledItem,
    allocated_bytes,
    estimate_of,
    is_lasting,
    reference_counts,
)
from memmon.probe.objects.own_size import OwnSizes, own_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from objsize.traverse import TraversalContext

SPARED_SHARE = 0.2
"""A second, larger sample is looked at when the first one took no more than this part of the time."""
CLEAR_ERROR_SHARE = 0.1
"""An estimate with a smaller error needs no larger sample."""
LARGER_SAMPLE_COUNT = 12 * SAMPLE_COUNT

_MAX_OBJECT_COUNT = 5_000
_MAX_LARGE_COUNT = 64
_LARGEST_BYTES = 2**62
_ATOMIC_KINDS = frozenset(id(kind) for kind in (int, float, complex, str, bytes, bytearray, bool))
_SHARED_KINDS = (type, ModuleType, FrameType, BuiltinFunctionType, FunctionType)


T = TypeVar("T")
W = TypeVar("W", bound="_SizeWalk")


class SizeEstimator:
    """Estimates deep sizes.

    `monotonic`: seconds that never step back. `budget_seconds`: a walk stops when they are used
    up; what it has seen until then is extrapolated where a sample allows it.
    """

    def __init__(self, monotonic: Callable[[], float], *, budget_seconds: float = 0.005) -> None:
        """Keep the bounds; objsize is loaded with the first object that leads to others."""
        self._monotonic = monotonic
        self._budget_seconds = budget_seconds

    def size_bytes(self, target: object) -> int | None:
        """Return the bytes that `target` and all that it leads to hold; None when it can't be told.

        Types, modules, functions and frames are not walked: they are shared by the whole program.
        """
        size = self._walk(_SizeWalk, lambda walk: walk.total(target))
        return size if size is not None and 0 <= size <= _LARGEST_BYTES else None

    def items_bytes(self, items: Sequence[object], count: int) -> float | None:
        """Return the mean bytes of an item among `count`, judged from the sample `items`.

        What the items share (a symbol's string, a schema) is counted once and not once an item.
        """
        if not items or count < 1:
            return None
        total = self._walk(_SizeWalk, lambda walk: walk.sampled(items, count))
        return None if total is None else total / count

    def entry_estimate(self, target: object) -> ItemsEstimate | None:
        """Return what an entry of a built-in container takes beside its place in it, with the ends; None when unknown.

        Where sizes differ much, and looking is cheap, a larger sample is looked at.
        """
        if base_of(target) is None:
            return None
        return self.sampled_estimate(
            lambda wanted: sample_items(target, wanted_count=wanted), length_of(target)
        )

    def sampled_estimate(
        self, sample: Callable[[int], tuple[list[Any], int]], length: int
    ) -> ItemsEstimate | None:
        """Return the same of what has `length` entries; `sample`: some items, about as many as wanted, and how many make an entry."""
        begun = self._monotonic()
        found = self._sampled_estimate(sample, length, SAMPLE_COUNT)
        is_cheap = self._monotonic() - begun <= SPARED_SHARE * self._budget_seconds
        if found is not None and found.sampling_share > CLEAR_ERROR_SHARE and is_cheap:
            return self._sampled_estimate(sample, length, LARGER_SAMPLE_COUNT) or found
        return found

    def _sampled_estimate(
        self, sample: Callable[[int], tuple[list[Any], int]], length: int, wanted_count: int
    ) -> ItemsEstimate | None:
        items, weight = sample(wanted_count)
        if not items:
            return None
        known_count = max(length * weight, len(items))
        found = self._walk(_EstimateWalk, lambda walk: walk.estimated(items, known_count))
        return None if found is None else found.times(weight)

    def _walk(self, kind: type[W], work: Callable[[W], T]) -> T | None:
        """Return what `work` makes of a new walk; None when it fails."""
        walk = attempt(kind, self._monotonic, self._budget_seconds)
        if walk is None:
            return None
        try:
            return attempt(work, walk)
        finally:
            walk.let_go()


class _SizeWalk:
    """One bounded traversal; what it has met once it does not count again."""

    def __init__(self, monotonic: Callable[[], float], budget_seconds: float) -> None:
        self._monotonic = monotonic
        self._deadline = monotonic() + budget_seconds
        self._object_count = 0
        self._depth = 0
        self._large: list[Any] = []
        self._own_sizes = OwnSizes()
        self._marked: set[int] = set()
        """Numbers of the objects that were met, those of `_context` too."""
        self._context: TraversalContext | None = None

    def let_go(self) -> None:
        """End it: it and the traversal refer to each other, and the program's collector shall not have to find them."""
        self._context = None

    def total(self, target: object) -> int:
        """Return the bytes reachable from one object and not met before."""
        marked = self._marked
        if id(type(target)) in _ATOMIC_KINDS:
            known = id(target) in marked
            marked.add(id(target))
            return 0 if known else self._met(target)
        if is_large(target):
            known = id(target) in marked
            marked.add(id(target))
            return 0 if known else self._met(target) + self._contents(target)
        outer, self._large = self._large, []
        total = self._walked(target)
        inner, self._large = self._large, outer
        return total + sum(self._contents(large) for large in inner[:_MAX_LARGE_COUNT])

    def sampled(self, items: Sequence[object], count: int) -> int:
        """Return the bytes of `count` items of which `items` is a sample.

        The second half of the sample tells what each further item adds, after the first half has
        paid for what they all share. Where the sample meets the same object twice, the number of
        different ones is estimated from how many were met once and twice.
        """
        sizes: list[int] = []
        for item in items:
            sizes.append(self.total(item))
            if self._is_over():
                break
        if len(sizes) < len(items) or len(sizes) == 1:
            return sum(sizes) * count // len(sizes)
        half = (len(sizes) + 1) // 2
        early, late = ({id(item) for item in part} for part in (items[:half], items[half:]))
        new_count = len(late - early)
        unseen_count = max(0.0, different_count(items, count) - len(early | late))
        added = sum(sizes[half:]) / new_count if new_count else 0.0
        return round(sum(sizes) + added * unseen_count)

    def _contents(self, target: Any) -> int:
        """Return the bytes of a large container's items; deeper ones are sampled more thinly."""
        items, weight = sample_items(target, thinned_by=4**self._depth)
        if not items or self._is_over():
            return 0
        self._depth += 1
        try:
            return self.sampled(items, length_of(target) * weight)
        finally:
            self._depth -= 1

    def _walked(self, target: object) -> int:
        """Return what objsize finds; what was found before the budget ran out counts."""
        total = 0
        try:
            for found in self._walker().traverse_bfs(target):
                total += self._met(found)
        except _OutOfBudgetError:
            pass
        return total

    def _walker(self) -> TraversalContext:
        """Return the context of the traversal; made, and objsize loaded, for the first object that leads on."""
        if self._context is None:
            begun = self._monotonic()
            from objsize.traverse import ObjSizeSettings, TraversalContext

            self._deadline += self._monotonic() - begun  # loading it is none of the walk's time
            settings = ObjSizeSettings(
                get_referents_func=self._referents,
                filter_func=_is_not_shared,
                get_size_func=shallow_bytes,
                exclude_modules_globals=False,
            )
            self._context = TraversalContext(settings)
            self._context.marked_set = self._marked
        return self._context

    def _met(self, found: object) -> int:
        """Return an object's own bytes, with those of its attributes that lie apart."""
        return self._own_sizes.own_bytes(found) + self._own_sizes.apart_bytes(found)

    def _referents(self, *found: Any) -> Iterable[Any]:
        self._object_count += len(found)
        if self._object_count > _MAX_OBJECT_COUNT or self._is_over():
            raise _OutOfBudgetError
        leading = []
        for one in found:
            if id(type(one)) in _ATOMIC_KINDS:
                continue  # leads to nothing
            if is_large(one):
                self._large.append(one)
            elif self._leads_to_few(one):
                leading.append(one)
        if not leading:
            return []
        return self._led_to(leading)

    def _led_to(self, leading: list[Any]) -> list[Any]:
        """Return the next level of objects."""
        # Not the instance's __dict__ attribute as well: asking for it would create one.
        return gc.get_referents(*leading)

    def _leads_to_few(self, target: object) -> bool:
        return leads_to_few(target, self._own_sizes.own_bytes(target))

    def _is_over(self) -> bool:
        return self._monotonic() > self._deadline


class _EstimateWalk(_SizeWalk):
    """A traversal that also notes how much of what it meets is one place's own, and what the allocators take for it."""

    def __init__(self, monotonic: Callable[[], float], budget_seconds: float) -> None:
        super().__init__(monotonic, budget_seconds)
        self._reference_counts: dict[int, int] = {}
        self._level_share = 1.0
        self._met_bytes = self._met_parts = self._met_allocated = 0.0

    def estimated(self, items: list[object], count: int) -> ItemsEstimate:
        """Return what one of `count` items takes, of which `items` is a sample."""
        sampled: list[SampledItem] = []
        parts: dict[int, float] = {}
        for item, references in zip(items, reference_counts(items), strict=True):
            size = 0
            if not is_lasting(item):
                met, own = self._met_bytes, self._met_parts
                size = self.total(item)
                share = (self._met_parts - own) / max(1.0, self._met_bytes - met)
                parts.setdefault(id(item), size * min(1.0, share) / references)
            sampled.append(SampledItem(id(item), size, parts.get(id(item), 0.0)))
            if self._is_over():
                break
        allocated = self._met_allocated / self._met_bytes if self._met_bytes else 1.0
        looked_at = items[: len(sampled)]
        are_bare = all(id(type(item)) in _ATOMIC_KINDS for item in looked_at)
        return estimate_of(sampled, looked_at, count, allocated_share=allocated, are_bare=are_bare)

    def _walked(self, target: object) -> int:
        self._level_share = 1.0
        return super()._walked(target)

    def _met(self, found: object) -> int:
        bare = self._own_sizes.own_bytes(found)
        own = bare + self._own_sizes.apart_bytes(found)
        is_told = id(type(found)) in _ATOMIC_KINDS or self._leads_to_few(found)
        self._met_bytes += own
        self._met_parts += own * self._level_share / self._reference_counts.get(id(found), 1)
        self._met_allocated += allocated_bytes(found, bare) if is_told else own
        return own

    def _led_to(self, leading: list[Any]) -> list[Any]:
        met = super()._led_to(leading)
        counts = self._reference_counts
        self._level_share *= sum(1 / counts.get(id(one), 1) for one in leading) / len(leading)
        counts.update(zip(map(id, met), reference_counts(met), strict=True))
        return met


class _OutOfBudgetError(Exception):
    """The walk has seen enough."""


def shallow_bytes(target: object) -> int:
    """Return the object's own bytes, without running a `__sizeof__` that is written in Python.

    (Such a method often adds up what it holds, which is then met a second time; and it is foreign
    code.)
    """
    return own_bytes(target)


def _is_not_shared(target: object) -> bool:
    """Return whether it is the object's own: types, modules, functions and frames are the whole program's."""
    return not issubclass(type(target), _SHARED_KINDS)
