"""Where objects hang: ways from the roots, on which objects that differ by key or place alone are one.

A place is what holds it, a label (`.name`, `['key']`, `[*]`) and a type; how many objects are met there,
what they take and how many entries they have are added up. The numbers lie in flat arrays, in which
Python's collector has nothing to track.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from memmon.probe.objects.container_sample import estimated_distinct

if TYPE_CHECKING:
    from collections.abc import Callable

NO_PLACE = -1
PASSED_OVER = -(2**31)
ANY, ANY_KEY, ANY_MEMBER = "[*]", "{*}", ".*"
IN_CELL = ".cell_contents"
"""What a function's closure holds: written as the variable itself."""

REST = "[...]"
"""What is counted once there are very many places."""

TOGETHER = 0
"""The place of that, the first of all: what hangs on it is counted there too, and it is no place that grows."""

IS_CONTAINER, IS_OF_PROGRAM, IS_CODE, IS_CUT = 1, 2, 4, 8
"""What is true of a place; IS_CUT: there is more below than a look may visit."""

_ENTRIES = frozenset({ANY, ANY_KEY})
_RARE_COUNT, _RARE_AMONG = 2, 16
_PLACE_LIMIT = 15_000
_LIMIT_OF_ROOTS, _LIMIT_OF_MANY = 25_000, 30_000
"""Beyond the limit what grows still has a name: a root, and what lies in containers of many entries."""

_TABLE_COUNT = 8
_KEY_MASK = 2**60 - 1
"""Of a hash so many bits, as an integer of more takes half as much again: of 30,000 places two are taken for one once in two billion looks."""

_MANY = 100
_CHILD_LIMIT = 120
_ALIKE_LIMIT = 8
_FOLDED_DEPTH = 4
_FUNCTION = "function"
_BETWEEN_PAUSES = 400
_MADE_BETWEEN_PAUSES = 200


class Places:
    """A tree of places, each after the one that holds it."""

    __slots__ = (
        "_index", "again", "alike", "child_counts", "counts", "entries", "flags", "kinds", "labels", "met", "own_bytes",
        "parents", "repeated", "total_bytes",
    )  # fmt: skip

    def __init__(self) -> None:
        """Know no place yet."""
        self._index: tuple[dict[int, int], ...] = tuple({} for _ in range(_TABLE_COUNT))
        """Places by a number made of holder, label and type: text takes twice the memory. In several tables, as a large one is made anew in one step."""
        self.alike: dict[str, int] = {}
        """How many containers of one type have keys of their own, by their holders' place and the type."""
        self.labels: list[str] = []
        self.kinds: list[str] = []
        self.parents = array("i")
        self.flags = bytearray()
        self.child_counts = array("i")
        self.counts = array("d")
        """Objects, for which those that were met stand."""
        self.own_bytes = array("d")
        self.total_bytes = array("d")
        """With all below; known once `finish` was called."""
        self.entries = array("d")
        self.met = array("i")
        self.again = array("i")
        """How often an object that had been met there was met there again."""
        self.repeated = array("i")
        """How many objects that happened to."""
        self.child(NO_PLACE, REST, "")

    def __len__(self) -> int:
        """Return how many places there are."""
        return len(self.labels)

    def child(self, parent: int, label: str, kind: str, flags: int = 0) -> int:
        """Return the place below `parent` under `label`; where the same recurs further up, it is that one."""
        if parent == TOGETHER:
            return parent
        key = hash((parent, label, kind)) & _KEY_MASK
        index = self._index[key % _TABLE_COUNT]
        found = index.get(key)
        if found is not None:
            return found
        found = self._folded(parent, label, kind)
        if found == NO_PLACE:
            if len(self.labels) >= self._limit(parent):
                return TOGETHER
            found = self._added(parent, label, kind, flags)
        index[key] = found
        return found

    def at(self, parent: int, label: str, kind: str) -> int | None:
        """Return the place below `parent` under `label`, or the one that it was folded into; None where there is none."""
        key = _key(parent, label, kind)
        return self._index[key % _TABLE_COUNT].get(key)

    def key_label(self, parent: int, key: str, kind: str, flags: int) -> str:
        """Return the label of an entry under a key; where a place has very many, they are one.

        So are containers of a type of which several dicts at one place have many under keys of their own.
        """
        if self.child_counts[parent] > _CHILD_LIMIT:
            return ANY
        if not flags & IS_CONTAINER or self.met[parent] <= 1 or key in _ENTRIES:
            return key
        alike = f"{parent} {kind}"
        if self.at(parent, key, kind) is None:
            self.alike[alike] = self.alike.get(alike, 0) + 1
            return ANY if self.alike[alike] > _ALIKE_LIMIT else key
        return key

    def add(self, place: int, weight: float, own_bytes: float) -> None:
        """Note that an object was met for the first time, which stands for `weight` of them."""
        self.met[place] += 1
        self.counts[place] += weight
        self.own_bytes[place] += weight * own_bytes

    def finish(self, between: Callable[[], object]) -> None:
        """Correct for what is shared, and add up what hangs below; `between` is called now and then."""
        factors = array("d", bytes(8 * len(self)))
        entries_met = self._entries_met(between)
        for place in range(len(self)):
            if place % _BETWEEN_PAUSES == 0:
                between()
            parent = self.parents[place]
            share = self._share(place)
            if self.labels[place] in _ENTRIES and self._is_rare(place, entries_met[parent]):
                share = min(share, self.met[place] / self.counts[place])
            factor = share * (factors[parent] if parent >= 0 else 1.0)
            factors[place] = factor
            self.counts[place] *= factor
            self.own_bytes[place] *= factor
            self.entries[place] *= factor
        self.total_bytes = self.own_bytes[:]
        for place in range(len(self) - 1, -1, -1):
            if place % _BETWEEN_PAUSES == 0:
                between()
            if self.parents[place] >= 0:
                self.total_bytes[self.parents[place]] += self.total_bytes[place]

    def without_keys(self, between: Callable[[], object]) -> Places:
        """Return the finished places anew, those that differ by key alone as one; `between` is called now and then."""
        found, where = Places(), array("i", bytes(4 * len(self)))
        for place in range(1, len(self)):
            if place % _MADE_BETWEEN_PAUSES == 0:
                between()
            parent, label, kind = self.parents[place], self.labels[place], self.kinds[place]
            holder = where[parent] if parent >= 0 else NO_PLACE
            if label[0] == "[":
                label = ANY
            one = found.at(holder, label, kind)
            if one is None:  # not `child`, which takes lists in lists for one
                one = found._added(holder, label, kind, self.flags[place])
                key = _key(holder, label, kind)
                found._index[key % _TABLE_COUNT][key] = one
            where[place] = one
            found.flags[one] |= self.flags[place] & IS_CUT
            found.counts[one] += self.counts[place]
            found.own_bytes[one] += self.own_bytes[place]
            found.total_bytes[one] += self.total_bytes[place]
            found.entries[one] += self.entries[place]
            found.met[one] += self.met[place]
        return found

    def cut(self, places: list[int]) -> None:
        """Note of places, and of what leads to them, that more hangs there than was looked at."""
        for one in places:
            place = one if one >= 0 or one == PASSED_OVER else ~one
            while place >= 0 and not self.flags[place] & IS_CUT:
                self.flags[place] |= IS_CUT
                place = self.parents[place]

    def root_of(self, place: int) -> int:
        """Return the root that leads to a place."""
        while self.parents[place] >= 0:
            place = self.parents[place]
        return place

    def path_of(self, place: int) -> str:
        """Return the way to a place, as one would write it."""
        labels = []
        while place >= 0:
            if self.labels[place] is not IN_CELL:
                labels.append(self.labels[place])
            place = self.parents[place]
        return "".join(reversed(labels))

    def _limit(self, parent: int) -> int:
        """Return up to how many places there may be for another one to be made below `parent`."""
        if parent < 0:
            return _LIMIT_OF_ROOTS
        is_one_of_many = self.entries[parent] >= _MANY or self.counts[parent] >= _MANY
        return _LIMIT_OF_MANY if is_one_of_many and self.child_counts[parent] < _CHILD_LIMIT else _PLACE_LIMIT

    def _added(self, parent: int, label: str, kind: str, flags: int) -> int:
        self.labels.append(label)
        self.kinds.append(kind)
        self.parents.append(parent)
        self.flags.append(flags)
        for numbers in (self.counts, self.own_bytes, self.total_bytes, self.entries):
            numbers.append(0.0)
        for whole in (self.child_counts, self.met, self.again, self.repeated):
            whole.append(0)
        if parent >= 0:
            self.child_counts[parent] += 1
        return len(self.labels) - 1

    def _folded(self, parent: int, label: str, kind: str) -> int:
        """Return the place further up of the same label and type in a holder of the same type: a chain of nodes, lists in lists."""
        holder_kind = self.kinds[parent] if parent >= 0 else ""
        if kind == _FUNCTION and label in _ENTRIES:
            return NO_PLACE  # what a function keeps in a container are other functions
        for _ in range(_FOLDED_DEPTH):
            if parent < 0 or self.parents[parent] < 0:
                return NO_PLACE
            if holder_kind == _FUNCTION and self.labels[parent] in _ENTRIES:
                return NO_PLACE
            is_alike = self.labels[parent] == label and self.kinds[parent] == kind
            if is_alike and self.kinds[self.parents[parent]] == holder_kind:
                return parent
            parent = self.parents[parent]
        return NO_PLACE

    def _entries_met(self, between: Callable[[], object]) -> array[int]:
        """Return for each place how many of its entries were met."""
        found = array("i", bytes(4 * len(self)))
        for place, label in enumerate(self.labels):
            if place % _BETWEEN_PAUSES == 0:
                between()
            if label in _ENTRIES:
                found[self.parents[place]] += self.met[place]
        return found

    def _is_rare(self, place: int, entries_met: int) -> bool:
        """Return whether so few of many entries are of this type that they had better stand for themselves.

        One very large entry among the few that a sample met would else be taken for hundreds.
        """
        met = self.met[place]
        return 0 < met <= _RARE_COUNT and entries_met >= _RARE_AMONG and self.counts[place] > met

    def _share(self, place: int) -> float:
        """Return by how much the objects that were met there are fewer than those that lead to them."""
        met = self.met[place]
        if not self.again[place] or not met:
            return 1.0
        # Weighted as those that were met are: had each been another, so many would be there.
        references = self.counts[place] * (met + self.again[place]) / met
        distinct = estimated_distinct(met, self.repeated[place], met + self.again[place], references)
        return min(1.0, distinct / self.counts[place])


def _key(parent: int, label: str, kind: str) -> int:
    return hash((parent, label, kind)) & _KEY_MASK
