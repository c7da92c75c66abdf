"""How one component is measured, and how long a bad measure is put up with."""

from __future__ import annotations

import logging
import math
import operator
import sys
import weakref
from collections import deque
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType, WrapperDescriptorType
from typing import TYPE_CHECKING, Any, cast

from memmon.guest.shielding import attempt, describe_error, log_safely
from memmon.model import ComponentReading
from memmon.probe.objects.caches import bounded, is_cache, queue_items
from memmon.probe.objects.calls import takes_no_arguments
from memmon.probe.objects.container_sample import base_of
from memmon.probe.objects.plain import bare_name, class_entry
from memmon.probe.registered.meters import ContainerEntry, SizeMeter

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.model import DequeReading
    from memmon.probe.objects.sizes import SizeEstimator
    from memmon.probe.registered.sections import Section

log = logging.getLogger("memmon.probe")

SLOW_SECONDS = 0.05
"""A measure that takes longer than this disturbs its host."""

MAX_STRIKES = 3
"""Bad readings before a measure is not called any more: in a row, or slow ones among few quick ones."""

FORGIVEN_AFTER_COUNT = 20
"""So many quick readings in a row make up for slow ones: a busy machine delays any call now and then."""

_LARGEST_BYTES = 2**62


_NO_OBJECTS = (
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    type,
    FunctionType,
    BuiltinFunctionType,
    MethodType,
    ModuleType,
    partial,
)
"""What is no object to be sized: plain values, which never change, and what a program is made of."""


class NonsenseError(ValueError):
    """A measure returned what is no size."""


class Measure:
    """One component: what to call, and what came of it.

    `target` is what was registered, `read` returns a number of bytes or an object, `reference` the object that is
    sized, None once it is gone.
    """

    def __init__(
        self,
        name: str,
        target: object,
        read: Callable[[], object],
        meter: SizeMeter,
        monotonic: Callable[[], float],
        *,
        reference: Callable[[], object] | None = None,
    ) -> None:
        """Keep how to measure; nothing is called yet."""
        self.shown_name = name  # the registry puts the cleaned name here
        self.note = ""
        self.was_counted_gone = False  # the registry's mark
        self.section: Section | None = None
        self._target_id = id(target)
        self._read = read
        self._reference = reference
        self._meter = meter
        self._monotonic = monotonic
        self._strikes = 0
        self._slow_strikes = 0
        self._quick_count = 0
        self._said = False
        self._last: ComponentReading | None = None
        self._returned: Callable[[], object] | None = None
        self._container: ContainerEntry | None = None

    @property
    def container(self) -> object:
        """What has a bound of what was registered, or of what it returned last; None where nothing has."""
        reference = self._returned if self._reference is None else self._reference
        present = None if reference is None or self.note else reference()
        is_deque = issubclass(type(present), deque)  # that is what `register_deque` is for
        return None if present is None or is_deque or attempt(bounded, present) is None else present

    def read_container(
        self, name: str, target: object, estimator: SizeEstimator, now_seconds: float, *, may_estimate: bool
    ) -> DequeReading | None:
        """Return how full `target`, the `container`, is, under `name`; of one that was read and is gone, that it is."""
        if target is None:
            return self._container.dead_reading() if self._container is not None and self.is_gone else None
        if self._container is None:
            self._container = ContainerEntry(name, is_component=True)
        self._container.rename(name)
        return self._container.read_target(target, estimator, now_seconds, may_estimate=may_estimate)

    @property
    def is_gone(self) -> bool:
        """Tell whether what was registered is no more; a function never is."""
        return self._reference is not None and self._reference() is None

    def is_same_as(self, other: Measure) -> bool:
        """Return whether both measure the same object or function."""
        return self._target_id == other._target_id

    def read(self) -> ComponentReading:
        """Return the present size; None when it can't be measured."""
        size = None if self.note else self._measured()
        if self._last is None or self._last.size_bytes != size:
            self._last = ComponentReading(name=self.shown_name, size_bytes=size)
        return self._last

    def _measured(self) -> int | None:
        begun = self._monotonic()
        try:
            value = self._read()
            elapsed_seconds = self._monotonic() - begun  # the program's part alone; ours is bounded
            if self._reference is None:
                self._returned = None if issubclass(type(value), _NO_OBJECTS) else attempt(weakref.ref, value)
            size = self._as_bytes(value)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - foreign code: a reading that fails is missing
            self._strikes += 1
            self._strike(self._strikes, describe_error(error))
            return None
        self._strikes = 0
        self._quick_count += 1
        if elapsed_seconds > SLOW_SECONDS:
            self._slow_strikes += 1
            self._quick_count = 0
            self._strike(self._slow_strikes, f"it took {elapsed_seconds * 1000:.0f} ms")
        elif self._quick_count >= FORGIVEN_AFTER_COUNT:
            self._slow_strikes = 0
        return size

    def _as_bytes(self, value: object) -> int | None:
        if value is None or issubclass(type(value), (bool, str)):
            raise NonsenseError(f"it returned {_shown(value)}, which is no size in bytes")
        if issubclass(type(value), float):
            number = float.__float__(cast("float", value))
            if not (math.isfinite(number) and 0 <= number <= _LARGEST_BYTES):
                raise NonsenseError(f"it returned {number!r}, which is no size in bytes")
            return round(number)
        if issubclass(type(value), int):
            size = int.__index__(cast("int", value))
        elif _is_number(value):
            size = operator.index(cast("int", value))
        else:
            return self._meter.object_bytes(value)
        if not 0 <= size <= _LARGEST_BYTES:
            raise NonsenseError("it returned a number that is no size in bytes (negative or beyond 2**62)")
        return size

    def _strike(self, count: int, reason: str) -> None:
        if count >= MAX_STRIKES:
            self.note = f"component {self.shown_name} is not measured any more: {count} bad readings, the last: {reason}"
            log_safely(log, logging.WARNING, "%s", self.note)
        elif not self._said:
            log_safely(
                log, logging.WARNING, "component %s could not be measured well: %s", self.shown_name, reason
            )
        self._said = True


def make_measure(
    name: str, target: object, monotonic: Callable[[], float], estimator: SizeEstimator
) -> Measure:
    """Return how `target` is measured; TypeError when it is no measure, cache or queue."""
    meter = SizeMeter(estimator, monotonic)
    if is_cache(target):
        return _of_object(name, target, _weakly(target), meter.cache_bytes, meter, monotonic)
    if queue_items(target) is not None:
        return _of_object(name, target, _weakly(target), meter.queue_bytes, meter, monotonic)
    if callable(target) and not issubclass(type(target), type) and takes_no_arguments(target):
        return Measure(name, target, target, meter, monotonic)
    if target is not None and not issubclass(type(target), _NO_OBJECTS) and not _is_number(target):
        return _of_object(name, target, _loosely(target), lambda present: present, meter, monotonic)
    raise TypeError(
        f"{name!a}: a component is an object whose size is estimated, a callable without arguments that returns "
        f"bytes (or such an object), a functools.lru_cache function or a queue, not a {bare_name(type(target))}"
    )


def _of_object(
    name: str,
    target: object,
    reference: Callable[[], Any],
    measure: Callable[[Any], object],
    meter: SizeMeter,
    monotonic: Callable[[], float],
) -> Measure:
    """Return what measures the object of `reference` while the program has it; then it holds 0 bytes."""

    def read() -> object:
        present = reference()
        return 0 if present is None else measure(present)

    return Measure(name, target, read, meter, monotonic, reference=reference)


def _loosely(target: object) -> Callable[[], Any]:
    """Return what gives `target` while the program has it, then None."""
    try:
        return weakref.ref(target)
    except TypeError:
        return _while_held_elsewhere([target])


def _while_held_elsewhere(box: list[object]) -> Callable[[], object]:
    """Return what gives the one item of `box` while something else refers to it, then None.

    A dict, list or set can't be referred to weakly: it is let go of by the first look that finds
    nobody else. (What refers to itself in a circle is not found so: a callable is better there.)
    """

    def present() -> object:
        if box and _reference_count(box) <= _ALONE_COUNT:
            box.clear()
        return box[0] if box else None

    return present


def _reference_count(box: list[object]) -> int:
    return sys.getrefcount(box[0])


_ALONE_COUNT = _reference_count([object()])


def _weakly(target: object) -> Callable[[], Any]:
    """Return what gives `target` while the program has it, then None; TypeError where it can't be held so."""
    try:
        return weakref.ref(target)
    except TypeError:
        raise TypeError(
            f"a {bare_name(type(target))} can't be weakly referenced; register a callable instead, "
            "such as lambda: service.queue"
        ) from None


def _is_number(value: object) -> bool:
    """Return whether its class says how it is a whole number; a mock says so of whatever it stands for."""
    entry = class_entry(type(value), "__index__") if base_of(value) is None else None
    return type(entry) is FunctionType or type(entry) is WrapperDescriptorType


def _shown(value: object) -> str:
    return "text" if issubclass(type(value), str) else repr(value)
