"""The bytes of one object by itself, as `sys.getsizeof` tells them, without a method of the program's.

`sys.getsizeof` runs the `__sizeof__` that the object's class defines, and a `MagicMock` answers it
too. Here the nearest one in C is taken: a built-in base's, or that of a package's static type such
as numpy's array, which alone knows of the buffer that it holds.
"""

from __future__ import annotations

import gc
import sys
from io import StringIO
from types import BuiltinFunctionType, CodeType, MemberDescriptorType, MethodDescriptorType
from typing import TYPE_CHECKING, Any

from memmon.probe.objects.container_sample import base_of_kind
from memmon.probe.objects.plain import (
    flags_of,
    is_static,
    module_at,
    module_name,
    module_values,
    mro_of,
    namespace_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SMALLEST_BYTES = 64
"""What is told of an object that can't tell its size."""

_LARGEST_BYTES = 2**62
_COLLECTED_FLAG = 1 << 14
_COLLECTED_BYTES = sys.getsizeof([]) - [].__sizeof__()
MANAGED_FLAGS = 1 << 4 | (1 << 3 if sys.version_info >= (3, 12) else 0)
_POINTER_BYTES = (sys.maxsize.bit_length() + 1) // 8
_MANAGED_BYTES = 2 * _POINTER_BYTES
_HAS_VALUES_APART = sys.version_info < (3, 13)
"""Up to Python 3.12 an object's attributes lie in an array of their own, which no `__sizeof__` counts; later in the object."""

_CODE_DEPTH = 4


def own_bytes(value: object) -> int:
    """Return the object's own bytes, with what the collector and the attributes put before it."""
    kind = type(value)
    return measured(value, size_method(kind), header_bytes(kind))


class OwnSizes:
    """Tells own sizes quickly for a short while, in which no class is taken for another at its address."""

    __slots__ = ("_has_array", "_known")

    def __init__(self) -> None:
        """Know the built-in classes alone."""
        self._known = _BUILT_IN.copy()
        self._has_array: dict[int, bool] = {}

    def own_bytes(self, value: object) -> int:
        """Return what `own_bytes` does."""
        kind = type(value)
        known = self._known.get(id(kind))
        if known is None:
            known = self._known[id(kind)] = (size_method(kind), header_bytes(kind))
        return measured(value, *known)

    def apart_bytes(self, value: object) -> int:
        """Return the bytes of the array in which the object's attributes lie apart, 0 where none do or a dict has them."""
        kind = type(value)
        has_array = self._has_array.get(id(kind))
        if has_array is None:
            has_array = has_values_apart(kind) and base_of_kind(kind) is None
            self._has_array[id(kind)] = has_array
        if not has_array:
            return 0
        found = gc.get_referents(value)  # the attributes, or their dict; then the class
        has_dict = len(found) == 2 and type(found[0]) is dict  # noqa: PLR2004 -- the dict and the class
        return 0 if has_dict else values_bytes(len(found) - 1)


def measured(value: object, method: Callable[[Any], int], header: int) -> int:
    """Return the size that `method` (of `size_method`) tells, and the header's."""
    try:
        size = method(value)
    except Exception:  # noqa: BLE001 -- C code of an installed package may refuse its own object
        return SMALLEST_BYTES
    return size + header if type(size) is int and 0 <= size <= _LARGEST_BYTES else SMALLEST_BYTES


def size_method(kind: type) -> Callable[[Any], int]:
    """Return the first `__sizeof__` among the classes of `kind` that is C code of a static or standard type."""
    for one in mro_of(kind):
        found = namespace_of(one).get("__sizeof__")
        if type(found) is MethodDescriptorType and _is_trusted(one):
            return _beside_object(kind) if one is object else found
    return object.__sizeof__


def _beside_object(kind: type) -> Callable[[Any], int]:
    """Return what tells the size of a type that has no `__sizeof__` but that of `object`, which knows of no buffer."""
    if issubclass(kind, StringIO):
        return _bytes_of_text_file
    return object.__sizeof__ if _owns_buffer(kind) is None else _bytes_of_ctypes


def _owns_buffer(kind: type) -> MemberDescriptorType | None:
    """Return what tells of an object of ctypes' whether its buffer is its own; None for other classes.

    Its types have no `__sizeof__`, and `object`'s doesn't know of the buffer.
    """
    base = mro_of(kind)[-2:][0]
    found = namespace_of(base).get("_b_needsfree_") if module_name(base) == "_ctypes" else None
    return found if type(found) is MemberDescriptorType else None


def _bytes_of_ctypes(value: object) -> int:
    is_own, sizeof = _owns_buffer(type(value)), module_values(module_at("_ctypes")).get("sizeof")
    size = object.__sizeof__(value)
    if is_own is None or type(sizeof) is not BuiltinFunctionType or not is_own.__get__(value):
        return size
    return size + int(sizeof(value))


def _bytes_of_text_file(value: Any) -> int:
    """Return the least size of a text file in memory that is written to its end: a byte for each of its letters."""
    return object.__sizeof__(value) + StringIO.tell(value)


def header_bytes(kind: type) -> int:
    """Return the bytes before an object of `kind`: the collector's links, the pointers to its attributes."""
    flags = flags_of(kind)
    collected = _COLLECTED_BYTES if is_collected(kind) else 0
    return collected + (_MANAGED_BYTES if flags & MANAGED_FLAGS else 0)


def is_collected(kind: type) -> bool:
    """Return whether Python's collector is told what an object of `kind` leads to."""
    return bool(flags_of(kind) & _COLLECTED_FLAG)


def has_values_apart(kind: type) -> bool:
    """Return whether the attributes of an object of `kind` lie apart from it while nobody asked for their dict."""
    return _HAS_VALUES_APART and bool(flags_of(kind) & 1 << 4)


def values_bytes(count: int) -> int:
    """Return the bytes of the array in which so many attributes lie apart: one place is spare, a byte each tells their order."""
    order_bytes = -(-(count + 3) // _POINTER_BYTES) * _POINTER_BYTES
    return (count + 1) * _POINTER_BYTES + order_bytes


def code_bytes(code: CodeType, depth: int = _CODE_DEPTH) -> int:
    """Return the bytes of a function's code, with its constants and tables; names are shared and left out."""
    parts = (code.co_consts, code.co_names, code.co_linetable, code.co_exceptiontable)
    found = code.__sizeof__() + sum(one.__sizeof__() for one in parts)
    for one in code.co_consts:
        if type(one) is CodeType and depth:
            found += code_bytes(one, depth - 1)
        elif type(one) is str or type(one) is bytes:
            found += one.__sizeof__()
    return found


def _is_trusted(kind: type) -> bool:
    """Return whether its methods in C are no compiled code of the program's."""
    return is_static(kind) or module_name(kind).partition(".")[0] in sys.stdlib_module_names


_BUILT_IN = {
    id(kind): (size_method(kind), header_bytes(kind))
    for kind in (int, float, str, bytes, list, dict, tuple, set)
}
"""No other class is ever at the address of one of these."""
