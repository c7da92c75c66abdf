"""What a walk has met so far: each object once, counted at the place by which it was met first."""

from __future__ import annotations

import gc
import sys
import weakref
from collections import deque
from functools import lru_cache
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import TYPE_CHECKING, Any

from memmon.guest.shielding import attempt
from memmon.probe.objects.caches import bounded
from memmon.probe.objects.kinds import IS_CLOSED, IS_NUMBER, IS_OPEN, Kind, Kinds
from memmon.probe.objects.labels import PASSED, code_name
from memmon.probe.objects.own_size import code_bytes, measured, values_bytes
from memmon.probe.objects.path import OF_CLASS
from memmon.probe.objects.places import ANY, ANY_MEMBER, IS_CONTAINER, NO_PLACE, PASSED_OVER, Places
from memmon.probe.objects.plain import namespace_of
from memmon.probe.objects.roots import is_own_module
from memmon.probe.objects.variables import LARGE_COUNT, POOL_BITS, TABLE_COUNT, ByAddress, Variables

if TYPE_CHECKING:
    from collections.abc import Callable

_MANY_ATTRIBUTES = 300
"""No class that somebody wrote has so many: an object's attributes are used as a container of entries."""

_SMALLEST_SHARED, _LARGEST_SHARED = -5, 256
"""Integers that Python makes once for all."""

_NUMBER_BYTES = 32
"""What the allocator hands out for another integer or a float; one object's are counted by their addresses."""

_MOST_BOUNDED, _LEAST_BOUNDED = 200, 8
"""So many containers with a bound are followed, from so many entries on."""

_TASK, _MODULE = "task ", "module"
_MODULE_BYTES = sys.getsizeof(sys)

_module_of = namespace_of(FunctionType)["__module__"].__get__
_maxlen = namespace_of(deque)["maxlen"].__get__
_CACHE_KIND = type(lru_cache(len))
_OF_CLASSES = frozenset(id(kind) for kind in (FunctionType, GetSetDescriptorType, MemberDescriptorType))


def _is_bounded(value: Any, kind: Kind) -> bool:
    """Return whether a container has a bound of its own: one that fills up is told elsewhere."""
    if kind.base is deque:
        return _maxlen(value) is not None
    return (
        kind.base is None
        and issubclass(type(value), _CACHE_KIND)
        and _CACHE_KIND.cache_info(value)[2] is not None
    )


class Tally:
    """Plain numbers about the objects that were met; none of them is held."""

    __slots__ = (
        "_again", "bounded", "kinds", "left", "lengths", "met", "numbers", "own_globals", "places", "variables", "visits",
    )  # fmt: skip

    def __init__(self) -> None:
        """Begin with nothing met."""
        self.kinds = Kinds()
        self.places = Places()
        self.met = ByAddress()
        """By address the place where an object is counted."""
        self.left = ByAddress()
        """Below which there is more than was met yet: the turn in which that was seen, one more where it wasn't gone into at all."""
        self.variables = Variables(self.met, self.left)
        self._again: set[int] = set()
        self.own_globals: set[int] = set()
        """The addresses of the variables of the program's own modules."""
        self.visits = 0
        self.numbers: dict[str, float] = {}
        self.lengths: dict[str, int] = {}
        self.bounded: list[tuple[weakref.ref[Any], int, int, int]] = []
        """Containers with a bound, held weakly: each with its place, how many entries it has and how many at most."""

    def pass_over(self, value: object) -> None:
        """Take an object for met, and count it nowhere."""
        self.met.table_of(id(value))[id(value)] = NO_PLACE

    def met_at(self, identity: int) -> int | None:
        """Return the place where an object is counted; None when it wasn't met yet."""
        return self.met.tables[(identity >> POOL_BITS) % TABLE_COUNT].get(identity)

    def root(self, name: str, kind: Kind, *, is_new: bool) -> int:
        """Return the place of a root; `holder[*]` is one of many variables of a module, `holder[*].name` one of a made module."""
        holder, entry, attribute = name.partition(ANY)
        if not entry or name.startswith(_TASK):
            return self.places.child(NO_PLACE, name, kind.name, kind.flags)
        if attribute:
            place = self._made_modules(holder)
            return self.places.child(place, attribute, kind.name, kind.flags)
        place = self.places.child(NO_PLACE, holder, _MODULE, IS_CONTAINER)
        self.places.counts[place] = 1.0
        self.places.entries[place] += is_new
        return self.places.child(place, ANY, kind.name, kind.flags)

    def made_module(self, holder: str, size_bytes: int) -> None:
        """Count a module that was made at run time at the table of all modules."""
        place = self._made_modules(holder)
        self.places.add(place, 1.0, size_bytes + _MODULE_BYTES)
        self.places.entries[self.places.parents[place]] += 1

    def _made_modules(self, holder: str) -> int:
        table = self.places.child(NO_PLACE, holder, "dict", IS_CONTAINER)
        return self.places.child(table, ANY, _MODULE)

    def is_foreign_code(self, value: Any) -> bool:
        """Return whether it is a function of a library's module; one that was made of text at run time has variables of its own.

        What a library's decorator makes of a function of the program's is the program's: it may keep what that returned.
        """
        if type(value) is not FunctionType:
            return False
        variables = id(value.__globals__)
        if variables in self.own_globals or self.met_at(variables) != NO_PLACE:
            return False
        return not value.__closure__ or not _is_wrapper(value, self.own_globals)

    def leads_nowhere(self, function: FunctionType) -> bool:
        """Return whether a function leads to nothing that can grow: no closure, and no other default values than plain ones.

        A large program has tens of thousands of them.
        """
        for one in gc.get_referents(function):
            parts = one if type(one) is tuple else (one,)
            for part in parts:
                if self.kinds.of(part).role == IS_OPEN and self.met_at(id(part)) is None:
                    return False
        return True

    def first(self, value: Any, identity: int, kind: Kind, weight: float, place: int) -> int:
        """Count an object that wasn't met yet, and return its own bytes."""
        self.met.tables[(identity >> POOL_BITS) % TABLE_COUNT][identity] = place
        self.visits += 1
        own_bytes = measured(value, kind.method, kind.header)
        if place >= 0:
            self.places.add(place, weight, own_bytes)
        else:
            self.part_of(place, weight, own_bytes)
        return own_bytes

    def part_of(self, place: int, weight: float, more_bytes: int) -> None:
        """Count bytes as a part of the objects at a place, as those of the dict of their attributes."""
        self.places.own_bytes[place if place >= 0 else ~place] += weight * more_bytes

    def values_of(self, kind: Kind, labels: list[str], weight: float, place: int, *, is_new: bool) -> None:
        """Count the array of an object's attributes that lies apart, as no `__sizeof__` does; `labels`: of all it leads to."""
        if is_new and kind.has_values and kind.base is None and ".__dict__" not in labels:
            self.part_of(place, weight, values_bytes(len(labels) - 1))  # all but the class

    def counts_code(self, function: FunctionType, holders: list[int], weight: float, place: int) -> bool:
        """Count a function's code and return True; False of a library's function, into which isn't gone.

        Unless the library made it for what keeps it (`holders`: what leads there, of what sort): then what the function
        is to call lies in its closure.
        """
        is_made_for = bool(function.__closure__) and bool(holders) and OF_CLASS not in holders[-2:]
        if self.is_foreign_code(function) and not is_made_for:
            return False
        self._code_of(function, weight, place)
        return True

    def _code_of(self, function: FunctionType, weight: float, place: int) -> None:
        """Count the code of a function that was made at run time at a place of its own: many may share it."""
        if id(function.__globals__) in self.own_globals or self.is_foreign_code(function):
            return
        code = function.__code__
        place = self.places.child(place if place >= 0 else ~place, ".__code__", "code")
        known = self.met_at(id(code))
        if known is None:
            self.met.table_of(id(code))[id(code)] = place
            self.places.add(place, weight, code_bytes(code))
        elif known == place:
            self.again(id(code), place)

    def again(self, identity: int, place: int) -> None:
        """Note that an object is met again at its place: what leads to it is more than it."""
        self.places.again[place] += 1
        if identity not in self._again:
            self._again.add(identity)
            self.places.repeated[place] += 1

    def note_length(self, value: object, kind: Kind, length: int, weight: float, place: int) -> None:
        """Note how many entries a container has; `length`: two for each of a dict's."""
        if place < 0:
            return
        is_bounded = _is_bounded(value, kind)
        if is_bounded and weight == 1.0 and len(self.bounded) < _MOST_BOUNDED:
            self._note_bounded(value, place)
        if not length:
            return
        if not is_bounded:
            self.places.entries[place] += weight * (length / 2 if kind.base is dict else length)
        if length >= LARGE_COUNT and weight == 1.0:
            root = self.places.labels[self.places.root_of(place)]
            self.lengths[root] = max(self.lengths.get(root, 0), length)

    def _note_bounded(self, value: object, place: int) -> None:
        reference, state = attempt(weakref.ref, value), attempt(bounded, value)
        if reference is not None and state is not None and state.length >= _LEAST_BOUNDED:
            self.bounded.append((reference, place, *state))

    def placed(
        self,
        found: list[Any],
        labels: list[str],
        holder: int,
        weight: float,
        *,
        of_class: bool,
        is_new: bool,
    ) -> list[int]:
        """Return where each of what an object leads to is counted; count at once what leads nowhere.

        `holder`: the object's place. `of_class`: it is what a class defines. `is_new`: it is gone into for
        the first time.
        """
        nodes: list[int] = []
        numbers: set[int] = set()
        tables, known_kind, child = self.met.tables, self.kinds.known.get, self.places.child
        last_label, last_kind, last_place = "", None, PASSED_OVER
        for one, label in zip(found, labels, strict=True):
            kind = known_kind(id(type(one))) or self.kinds.of(one)
            if label is PASSED or kind.role == IS_NUMBER:
                nodes.append(PASSED_OVER)
                if is_new:
                    self._note_number(one, kind, weight, numbers)
                continue
            if label is not last_label or kind is not last_kind:
                last_label, last_kind = label, None if kind.has_code else kind
                is_plain = not (of_class or kind.has_code or label[0] == "[" or label == ".__dict__")
                last_place = (
                    child(holder, label, kind.name, kind.flags)
                    if is_plain
                    else self._place_of(one, kind, label, holder, of_class=of_class)
                )
            if kind.role == IS_CLOSED:
                nodes.append(PASSED_OVER)
                if is_new:
                    self._count_closed(one, kind, weight, last_place)
            else:
                identity = id(one)
                known = tables[(identity >> POOL_BITS) % TABLE_COUNT].get(identity, last_place)
                nodes.append(last_place if known == last_place else PASSED_OVER)
        self.part_of(holder, weight, _NUMBER_BYTES * len(numbers))
        return nodes

    def _note_number(self, one: Any, kind: Kind, weight: float, own: set[int]) -> None:
        """Count a number or a value like it; one that Python makes anew each time is among those of the holder's `own`."""
        self.numbers[kind.name] = self.numbers.get(kind.name, 0.0) + weight
        if type(one) is float or (type(one) is int and not _SMALLEST_SHARED <= one <= _LARGEST_SHARED):
            own.add(id(one))

    def _place_of(self, value: Any, kind: Kind, label: str, holder: int, *, of_class: bool) -> int:
        if label == ".__dict__" and (type(value) is not dict or len(value) < _MANY_ATTRIBUTES):
            return ~holder
        if of_class and (kind.role == IS_CLOSED or self._is_any_member(value)):
            label = ANY_MEMBER  # of which each class has as many
        elif label[0] == "[":
            label = self.places.key_label(holder, label, kind.name, kind.flags)
        name = code_name(value) if kind.has_code else kind.name
        return self.places.child(holder, label, name, kind.flags)

    def _is_any_member(self, value: Any) -> bool:
        """Return whether it is one of the many things that each class defines, and holds no container by itself."""
        if type(value) is not FunctionType:
            return id(type(value)) in _OF_CLASSES
        parts = [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
        for cell in value.__closure__ or ():
            parts += gc.get_referents(cell)
        return not any(self.kinds.of(one).flags & IS_CONTAINER and type(one) is not tuple for one in parts)

    def _count_closed(self, value: Any, kind: Kind, weight: float, place: int) -> None:
        identity = id(value)
        known = self.met_at(identity)
        if known is None:
            self.first(value, identity, kind, weight, place)
        elif known == place >= 0:
            self.again(identity, place)

    def free(self, between: Callable[[], object]) -> None:
        """Free what is large in pieces."""
        between()
        self._again.clear()
        self.variables.chosen.clear()
        self.own_globals.clear()
        self.met.free(between)


def _is_wrapper(function: FunctionType, own_globals: set[int]) -> bool:
    """Return whether it says that it is of a module of the program's, as what wraps a function does, or calls such a function."""
    module = _module_of(function)
    if type(module) is str and is_own_module(module):
        return True
    called = [one for cell in function.__closure__ or () for one in gc.get_referents(cell)]
    return any(type(one) is FunctionType and id(one.__globals__) in own_globals for one in called)
