"""The place that grew between two looks: the topmost whose entries grew while its own number did not.

What hangs below it grew because of it; what leads to it grew with it. Where a container grows, the class
of which more and more objects are in it is told too: the nearest of the program's own classes below.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from memmon.probe.objects.places import (
    ANY_KEY,
    IN_CELL,
    IS_CONTAINER,
    IS_CUT,
    IS_OF_PROGRAM,
    TOGETHER,
    Places,
)
from memmon.probe.objects.roots import is_own_module

if TYPE_CHECKING:
    from collections.abc import Callable

CULPRIT_COUNT = 3
SMALLEST_GROWTH_BYTES = 64 * 1024
_MISSING = -2
_BETWEEN_PAUSES = 400
_LEAST_ENTRIES = 8
_OWN_SHARE = (
    0.2  # a place whose number grew by a fifth of what its entries did, in proportion, grew with its holder
)
_EXPLAINED_SHARE = 0.5
"""Of what all places grew by: where those that are told grew by less, growth may be spread over places alike."""

_NOISE_SHARE = 0.1  # of what is estimated from a sample
_CLASS_SHARE = 0.4
_CLASS_DEPTH = 5
_PASSED_THROUGH = frozenset({IN_CELL, ".__closure__", ".__func__", ".__self__", ".func", ".args"})
"""Steps inside a function, a method or a partial: what it is to be called with is as near as itself."""

_CHAIN_FACTOR = 2.0
"""Above so many times a container's entries what hangs on it can be no error of a sample."""

_STEP = re.compile(r"[.\[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class GrownPlace:
    """A place that grew; counts and bytes are estimates where it was sampled."""

    path: str
    """How it is reached: `module.name.attribute['key']`, `local name of function().attribute`."""
    kind: str
    """Its type."""
    grown_bytes: int
    """With all that hangs on it."""
    entry_count_before: int | None
    """None where it isn't a container that grew, but one object that got larger."""
    entry_count: int | None
    class_name: str | None = None
    """Of which objects there are more and more in it, with its module's name."""
    is_class_of_program: bool = False
    is_of_many: bool = False
    """Whether it is many places that differ by key alone, none of which grew by much."""
    is_cut: bool = False
    """Whether more hangs on it than was looked at: it may have grown unseen."""

    @property
    def item_bytes(self) -> int | None:
        """What one more entry takes."""
        if self.entry_count is None or self.entry_count_before is None:
            return None
        return round(self.grown_bytes / max(1, self.entry_count - self.entry_count_before))


def culprits(before: Places, after: Places, between: Callable[[], object]) -> tuple[GrownPlace, ...]:
    """Return the places that grew, the largest growth first; `between` is called now and then."""
    told = _told(before, after, between)
    told_bytes = sum(one.grown_bytes for one in told)
    if told_bytes < _EXPLAINED_SHARE * (_all_bytes(after) - _all_bytes(before)):
        alike = _told(before.without_keys(between), after.without_keys(between), between)
        if alike and alike[0].grown_bytes > told_bytes:
            told = [replace(alike[0], is_of_many=True), *told[: CULPRIT_COUNT - 1]]
    if not told:
        return ()
    # Where two places lead to the same objects, the program's own that leads there on the shorter way is their holder.
    same = [one for one in told if _leads_to_the_same(told[0], one)]
    nearest = min(same, key=lambda one: (not _is_own(one.path), len(_STEP.findall(one.path))), default=None)
    return tuple(sorted(told, key=lambda one: one is not nearest))


def _told(before: Places, after: Places, between: Callable[[], object]) -> list[GrownPlace]:
    growth = _Changes(before, after, between)
    found = sorted(((growth.score(place), place) for place in growth.candidates()), reverse=True)
    return [growth.culprit(place) for score, place in found[:CULPRIT_COUNT] if score >= SMALLEST_GROWTH_BYTES]


def _all_bytes(places: Places) -> float:
    """Return what all the places take together."""
    return sum(places.own_bytes[1:])


def _is_own(path: str) -> bool:
    """Return whether a way begins in a module of the program's or a running function."""
    parts = path.partition("[")[0].split(".")
    return path.startswith("local ") or any(
        is_own_module(".".join(parts[:count])) for count in range(1, len(parts))
    )


def _leads_to_the_same(first: GrownPlace, other: GrownPlace) -> bool:
    """Return whether as many objects of the same class came into two places, and take about as much there."""
    counts = [
        (one.entry_count or 0) - (one.entry_count_before or 0)
        for one in (first, other)
        if one.entry_count is not None
    ]
    return (
        first.class_name == other.class_name
        and first.class_name is not None
        and len(counts) == 2  # noqa: PLR2004 -- both
        and abs(counts[0] - counts[1]) <= _NOISE_SHARE * counts[0]
        and 2 * other.grown_bytes >= first.grown_bytes
    )


def grown_place(
    before: Places, after: Places, known: GrownPlace, between: Callable[[], object]
) -> GrownPlace | None:
    """Return how a place that grew before has changed since, also where it shrank; None where it is gone."""
    if known.is_of_many:
        before, after = before.without_keys(between), after.without_keys(between)
    for place, kind in enumerate(after.kinds):
        if place % _BETWEEN_PAUSES == 0:
            between()
        if (
            kind == known.kind
            and (after.labels[place] is IN_CELL or known.path.endswith(after.labels[place]))
            and after.path_of(place) == known.path
        ):
            return _Changes(before, after, between).culprit(place)
    return None


class _Changes:
    """What changed at each place of the later look."""

    def __init__(self, before: Places, after: Places, between: Callable[[], object]) -> None:
        self._before, self._after, self._between = before, after, between
        self._earlier = array("i", bytes(4 * len(after)))
        for place, (parent, label, kind) in enumerate(
            zip(after.parents, after.labels, after.kinds, strict=True)
        ):
            if place % _BETWEEN_PAUSES == 0:
                between()
            holder = self._earlier[parent] if parent >= 0 else parent
            earlier = before.at(holder, label, kind)
            self._earlier[place] = _MISSING if earlier is None else earlier

    def candidates(self) -> list[int]:
        """Return the places that may have grown by themselves."""
        found = []
        for place, flags in enumerate(self._after.flags):
            if place % _BETWEEN_PAUSES == 0:
                self._between()
            grown = self._grown(self._after.total_bytes, self._before.total_bytes, place)
            if place == TOGETHER or grown < SMALLEST_GROWTH_BYTES:
                continue
            grew = self._has_more_entries if flags & IS_CONTAINER else self._is_larger
            if grew(place) or self._are_more(place):
                found.append(place)
        return found

    def _are_more(self, place: int) -> bool:
        """Return whether ever more objects hang on as many holders as before, and those are no containers, or link to one another.

        A list linked by attributes, handlers each of which keeps the one before, what C code keeps in a container of its own.
        """
        parent = self._after.parents[place]
        if parent < 0 or self._earlier[parent] < 0:
            return False
        if self._after.flags[parent] & IS_CONTAINER and not self._is_chain(place):
            return False
        more = self._grown(self._after.counts, self._before.counts, place)
        if more < _LEAST_ENTRIES:
            return False
        held, held_before = self._after.counts[parent], self._before.counts[self._earlier[parent]]
        before = self._before.counts[self._earlier[place]] if self._earlier[place] >= 0 else 0.0
        return held - held_before <= _OWN_SHARE * more * held_before / max(1.0, before)

    def _is_chain(self, place: int) -> bool:
        """Return whether more objects hang on a container than it has entries: each holds the next, as in `rows = (row, rows)`."""
        entries = self._after.entries[self._after.parents[place]]
        return 0 < _CHAIN_FACTOR * entries < self._after.counts[place]

    def score(self, place: int) -> float:
        """Return by how many bytes a place grew, less what may be the sample's error."""
        after = self._after
        is_whole = bool(after.flags[place] & IS_CONTAINER) or self._are_more(place)
        grown = self._grown_bytes(place, is_container=is_whole)
        is_sampled = abs(after.counts[place] - after.met[place]) > 0.5  # noqa: PLR2004 -- a half: not the same number
        return grown - _NOISE_SHARE * after.total_bytes[place] * is_sampled

    def culprit(self, place: int) -> GrownPlace:
        """Return a place as it is told."""
        after, is_container = self._after, bool(self._after.flags[place] & IS_CONTAINER)
        is_many = self._are_more(place) and not (is_container and self._has_more_entries(place))
        class_place = self._class_below(place) if is_container or is_many else None
        if is_many and not (is_container or (class_place is not None and self._is_of_program(class_place))):
            class_place = place
        numbers = (after.counts, self._before.counts) if is_many else (after.entries, self._before.entries)
        entries = round(numbers[0][place])
        grown_entries = round(self._grown(*numbers, place))
        is_container |= is_many
        return GrownPlace(
            path=after.path_of(place),
            kind=after.kinds[place],
            grown_bytes=round(self._grown_bytes(place, is_container=is_container)),
            entry_count_before=entries - grown_entries if is_container else None,
            entry_count=entries if is_container else None,
            class_name=None if class_place is None else after.kinds[class_place],
            is_class_of_program=class_place is not None and self._is_of_program(class_place),
            is_cut=bool(after.flags[place] & IS_CUT),
        )

    def _grown_bytes(self, place: int, *, is_container: bool) -> float:
        """Return by how much a place grew, of a container with all that hangs on it."""
        numbers = "total_bytes" if is_container else "own_bytes"
        return self._grown(getattr(self._after, numbers), getattr(self._before, numbers), place)

    def _grown(self, after: array[float], before: array[float], place: int) -> float:
        earlier = self._earlier[place]
        return after[place] - (before[earlier] if earlier >= 0 else 0.0)

    def _has_more_entries(self, place: int) -> bool:
        grown = self._grown(self._after.entries, self._before.entries, place)
        if grown < _LEAST_ENTRIES:
            return False
        more = self._grown(self._after.counts, self._before.counts, place)
        if more <= 1:
            return True
        earlier = self._earlier[place]
        if earlier < 0:
            return False
        before = self._before
        return more / before.counts[earlier] < _OWN_SHARE * grown / max(1.0, before.entries[earlier])

    def _is_larger(self, place: int) -> bool:
        """Return whether as many objects as before take more by themselves: text, buffers, arrays."""
        earlier = self._earlier[place]
        if earlier < 0 or self._grown_bytes(place, is_container=False) < SMALLEST_GROWTH_BYTES:
            return False
        return (
            self._grown(self._after.counts, self._before.counts, place)
            <= _OWN_SHARE * self._before.counts[earlier]
        )

    def _class_below(self, place: int) -> int | None:
        """Return the place of what there is more and more of: the nearest of the program's, else the entries."""
        depths = {place: 0}
        numbers = (self._after.entries, self._before.entries)
        if not self._has_more_entries(place):
            numbers = (self._after.counts, self._before.counts)
        least = _CLASS_SHARE * self._grown(*numbers, place)
        own: list[tuple[int, int]] = []
        entries: list[tuple[bool, float, int]] = []
        for below in range(place + 1, len(self._after)):
            if below % _BETWEEN_PAUSES == 0:
                self._between()
            label = self._after.labels[below]
            depth = depths.get(self._after.parents[below], _CLASS_DEPTH) + (label not in _PASSED_THROUGH)
            if depth > _CLASS_DEPTH:
                continue
            depths[below] = depth
            more = self._grown(self._after.counts, self._before.counts, below)
            if more >= least and self._is_of_program(below):
                own.append((depth, below))
            if self._after.parents[below] == place:
                entries.append((label == ANY_KEY, -more, below))
        if own:
            return min(own)[1]
        return min(entries)[2] if entries else None

    def _is_of_program(self, place: int) -> bool:
        return bool(self._after.flags[place] & IS_OF_PROGRAM) or self._after.kinds[place].endswith("()")
