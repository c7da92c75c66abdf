"""One registered deque: how it is reached, what was read of it last."""

from __future__ import annotations

import logging
import operator
import weakref
from collections import deque
from types import MethodType
from typing import TYPE_CHECKING, Any, cast

from memmon.facts.names import plain_string
from memmon.facts.python_memory import SLOT_BYTES, TOLD_AGAIN_FACTOR
from memmon.guest.shielding import attempt, describe_error, log_safely
from memmon.model import DequeReading
from memmon.probe.objects.caches import LARGEST_SLOT_BYTES
from memmon.probe.objects.calls import takes_no_arguments
from memmon.probe.objects.container_sample import base_of, length_of
from memmon.probe.objects.own_size import header_bytes
from memmon.probe.objects.plain import bare_name, class_entry, static_entry
from memmon.probe.objects.sizes import SizeEstimator, shallow_bytes
from memmon.units import KIB, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.probe.objects.items_estimate import ItemsEstimate

log = logging.getLogger("memmon.probe")

MAX_COUNT = 2**53
"""Lengths above this are no lengths: they can't even be counted in a double."""

_SMALLEST_STEP_BYTES = 16 * KIB
_LARGEST_STEP_BYTES = 256 * KIB
_STEP_SHARE = 0.01


_DEQUE_SIZE = deque.__sizeof__
_DEQUE_HEADER_BYTES = header_bytes(deque)


class WeakDeque(weakref.ref[Any]):
    """A weak reference that knows the name it was registered under."""

    __slots__ = ("name",)

    name: str


class DequeEntry:
    """A registration: a weak reference to a deque, or a getter (a bound method is held weakly)."""

    is_component = is_found = False
    """Whether it is a component, or found to grow by a look: else the program registered it."""

    __slots__ = (
        "_complained",
        "_estimated_length",
        "_getter",
        "_header",
        "_item",
        "_item_told",
        "_last",
        "_method",
        "_seen",
        "_told_length",
        "expected_maxlen",
        "has_outgrown",
        "name",
        "reference",
        "shown_name",
        "size_due_seconds",
        "was_replaced",
    )

    def __init__(
        self,
        name: str,
        expected_maxlen: int | None,
        *,
        reference: WeakDeque | None = None,
        getter: Callable[[], object] | None = None,
    ) -> None:
        """Keep how to reach the deque."""
        self.name = name
        self.shown_name = name  # the registry puts the cleaned name here
        self.expected_maxlen = expected_maxlen
        self.reference = reference
        self._method: weakref.WeakMethod[Any] | None = None
        if type(getter) is MethodType:
            self._method = attempt(weakref.WeakMethod, getter)
        self._getter = None if self._method is not None else getter
        self._last: DequeReading | None = None
        self._complained = False
        self.was_replaced = False
        self._item: ItemsEstimate | None = None
        self._item_told: tuple[int, int, int] | tuple[None, None, None] = (None, None, None)
        self._header: tuple[type, int] | None = None
        self.size_due_seconds = float("-inf")
        """From when on the size is to be estimated, by the registry's monotonic clock: at once, then hourly."""
        self.has_outgrown = False
        """It is to be estimated before: the length has grown by half since."""
        self._estimated_length = 0
        self._told_length = 0
        self._seen: tuple[int, int | None, int, ItemsEstimate | None] | None = None
        """Length, bound, own bytes and item of a plain deque at its last reading."""

    def resolve(self) -> tuple[bool, Any]:
        """Return (is it still there, the present deque); a getter may raise."""
        if self.reference is not None:
            target = self.reference()
            return target is not None, target
        getter = self._getter
        if self._method is not None:
            getter = self._method()
        return (False, None) if getter is None else (True, getter())

    def is_other_than(self, newer: DequeEntry) -> bool:
        """Return whether `newer` stands for another deque while this one's is still alive."""
        if self.reference is not None and newer.reference is not None:
            target = self.reference()
            return target is not None and target is not newer.reference()
        method = self._method() if self._method is not None else None
        newer_method = newer._method() if newer._method is not None else None
        if method is not None and newer_method is not None:
            return (
                method.__self__ is not newer_method.__self__ or method.__func__ is not newer_method.__func__
            )
        return self._getter is not newer._getter

    def read(self) -> DequeReading | None:
        """Return the present reading (the last one again when nothing changed), None when it is gone."""
        reference = self.reference
        target = None if reference is None else reference()
        try:
            if target is None:
                is_there, target = self.resolve()
                if not is_there:
                    return None
            if type(target) is deque:  # nothing of the program's runs, and most are as they were
                item, last = self._item, self._last
                own = 0 if item is None else _DEQUE_SIZE(target) + _DEQUE_HEADER_BYTES
                seen = len(target), target.maxlen, own, item
                if seen == self._seen and last is not None and last.is_alive:
                    return last
                self._seen = seen
                return self._reading(seen[0], seen[1], None, own)
            length: int | None = _checked_count(len(target))
            maxlen = _maxlen(target)
            dropped = _dropped_count(target)
            own = self._own_bytes(target)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - foreign code: a reading that fails is missing
            self._complain(error)
            length = maxlen = dropped = None
            own = 0
        return self._reading(length, maxlen, dropped, own)

    def dead_reading(self) -> DequeReading:
        """Return the reading of a registration whose deque is gone."""
        if self._last is None or self._last.is_alive:
            self._last = DequeReading(
                name=self.shown_name,
                length_count=None,
                maxlen_count=None,
                expected_maxlen_count=self.expected_maxlen,
                is_alive=False,
                is_component=self.is_component,
                is_found=self.is_found,
            )
        return self._last

    @property
    def was_read(self) -> bool:
        """Tell whether there is a reading already."""
        return self._last is not None

    def estimate_size(self, estimator: SizeEstimator, now_seconds: float) -> None:
        """Estimate the bytes per item from a sample; only built-in containers can be sampled."""
        self.size_due_seconds = now_seconds + SECONDS_PER_HOUR
        self.has_outgrown = False
        is_there, target = self.resolve()
        if not is_there or base_of(target) is None:
            return
        length = length_of(target)
        slot = SLOT_BYTES if base_of(target) is deque else shallow_bytes(target) / max(1, length)
        self._know(estimator.entry_estimate(target), length, min(slot, LARGEST_SLOT_BYTES))

    def _know(self, estimate: ItemsEstimate | None, length: int, place_bytes: float) -> None:
        """Take an estimate, made at a length, for that of an item from now on, where it is clearly another than the one known."""
        self._estimated_length = length
        if estimate is None:
            return
        each = estimate.with_place(place_bytes)
        known = self._item
        if known is None or each.is_clearly_other_than(known):
            self._item, self._item_told = each, each.as_whole_bytes()

    def _own_bytes(self, target: Any) -> int:
        """Return the container's own bytes, exact at each reading; 0 where no size is known."""
        if self._item is None:
            return 0
        kind = type(target)
        if kind is deque:
            return _DEQUE_SIZE(target) + _DEQUE_HEADER_BYTES
        if not issubclass(kind, deque):
            return shallow_bytes(target) if base_of(target) is not None else 0
        if self._header is None or self._header[0] is not kind:
            self._header = (kind, header_bytes(kind))
        return _DEQUE_SIZE(target) + self._header[1]

    def _reading(
        self, length: int | None, maxlen: int | None, dropped: int | None, own_bytes: int
    ) -> DequeReading:
        last = self._last
        size = self._size_bytes(length, last.size_bytes if last is not None else None, own_bytes)
        each, low, high = self._item_told
        if (
            last is not None
            and last.length_count == length
            and last.size_bytes == size
            and last.maxlen_count == maxlen
            and last.dropped_count == dropped
            and last.is_alive
            and (last.item_bytes, last.item_low_bytes, last.item_high_bytes) == self._item_told
        ):
            return last
        self.has_outgrown = length is not None and length > TOLD_AGAIN_FACTOR * self._estimated_length
        self._last = DequeReading(
            name=self.shown_name,
            length_count=length,
            maxlen_count=maxlen,
            size_bytes=size,
            dropped_count=dropped,
            expected_maxlen_count=self.expected_maxlen,
            item_bytes=each,
            item_low_bytes=low,
            item_high_bytes=high,
            is_component=self.is_component,
            is_found=self.is_found,
        )
        return self._last

    def _size_bytes(self, length: int | None, told_bytes: int | None, own_bytes: int) -> int | None:
        """Return the size, told anew only when it moved by more than 1 % (within 16 to 256 KiB).

        Also when the length has grown by half since. The store writes what changed: small movements of many
        deques would fill it.
        """
        if length is None or self._item is None:
            return None
        size = min(MAX_COUNT, own_bytes + round(length * self._item.beside_place))
        if told_bytes is not None and length <= TOLD_AGAIN_FACTOR * self._told_length:
            step = min(max(_STEP_SHARE * told_bytes, _SMALLEST_STEP_BYTES), _LARGEST_STEP_BYTES)
            if abs(size - told_bytes) <= step:
                return told_bytes
        self._told_length = max(length, self._told_length)
        return size

    def _complain(self, error: BaseException) -> None:
        if not self._complained:
            self._complained = True
            log_safely(
                log,
                logging.WARNING,
                "deque %s can't be read (%s): its length is missing until it can",
                self.shown_name,
                describe_error(error),
            )


def make_entry(
    name: str,
    target: object,
    expected_maxlen: int | None,
    on_gone: Callable[[WeakDeque], None],
) -> DequeEntry:
    """Return the registration of a deque or a getter; TypeError for what is neither."""
    if issubclass(type(target), deque) or _is_deque_like(target):
        try:
            reference = WeakDeque(target, on_gone)
            reference.name = name
        except TypeError:
            raise TypeError(
                f"{name!a}: a {bare_name(type(target))} can't be weakly referenced; register a getter instead, "
                "such as lambda: bot.history"
            ) from None
        return DequeEntry(name, expected_maxlen, reference=reference)
    if callable(target) and not issubclass(type(target), type) and takes_no_arguments(target):
        return DequeEntry(name, expected_maxlen, getter=target)
    raise TypeError(
        f"{name!a}: register a deque or a callable without arguments that returns one, "
        f"not {'the class ' + bare_name(cast('type', target)) if issubclass(type(target), type) else 'a ' + bare_name(type(target))}"
    )


def checked_name(name: object) -> str:
    """Return the name as a plain string; TypeError for another type, ValueError for an empty one."""
    if not isinstance(name, str):
        raise TypeError(f"a name is a str, not {type(name).__name__}")
    plain = plain_string(name)
    if not plain:
        raise ValueError("a name must not be empty")
    return plain


def check_expected(expected_maxlen: object) -> None:
    """Raise TypeError or ValueError unless `expected_maxlen` is None or a whole number from 0."""
    if expected_maxlen is None:
        return
    if isinstance(expected_maxlen, bool) or not isinstance(expected_maxlen, int):
        raise TypeError(f"expected_maxlen is an int or None, not {type(expected_maxlen).__name__}")
    if not 0 <= expected_maxlen <= MAX_COUNT:
        raise ValueError(f"expected_maxlen must be between 0 and 2**53, not {expected_maxlen}")


def _is_deque_like(target: object) -> bool:
    if issubclass(type(target), type) or callable(target):
        return False
    return (
        class_entry(type(target), "__len__") is not None
        and attempt(lambda: hasattr(target, "maxlen")) is True
    )


def _checked_count(value: object) -> int:
    """Return a count as an int; ValueError when it can't be one."""
    if isinstance(value, bool):
        raise TypeError("a bool is no count")
    count = operator.index(value)  # type: ignore[arg-type]  # a TypeError is what is wanted
    if not 0 <= count <= MAX_COUNT:
        raise ValueError(f"a count of {count} is out of range")
    return count


def _maxlen(target: Any) -> int | None:
    maxlen = getattr(target, "maxlen", None)
    return None if maxlen is None else _checked_count(maxlen)


def _dropped_count(target: Any) -> int | None:
    """Return what a counting deque says it dropped; a plain deque doesn't know."""
    if type(target) is deque or static_entry(target, "dropped_count") is None:
        return None
    dropped = getattr(target, "dropped_count", None)
    return None if dropped is None else _checked_count(dropped)
