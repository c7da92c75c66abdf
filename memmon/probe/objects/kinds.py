"""What a walk must know of each type that it meets."""

from __future__ import annotations

import threading
import types

from memmon.probe.objects.container_sample import base_of_kind
from memmon.probe.objects.own_size import header_bytes, size_method
from memmon.probe.objects.plain import is_static, type_name

IS_NUMBER, IS_CLOSED, IS_OPEN = range(3)
_NUMBERS = (int, float, complex, bool, type(None), range, memoryview, types.CodeType)
_CLOSED = (str, bytes, bytearray, types.ModuleType, types.FrameType, threading.Thread)


class Kind:
    """What the walk must know of a type, asked once a step."""

    __slots__ = ("base", "header", "method", "name", "role")

    def __init__(self, kind: type) -> None:
        """Ask the type's slots."""
        self.name = type_name(kind)
        self.base = base_of_kind(kind)
        self.method = size_method(kind)
        self.header = header_bytes(kind)
        self.role = IS_OPEN
        if issubclass(kind, _NUMBERS):
            self.role = IS_NUMBER
        elif issubclass(kind, _CLOSED):
            self.role = IS_CLOSED


class Kinds:
    """Types by their address, as a metaclass may have a `__hash__` of its own."""

    __slots__ = ("_passing", "_static")

    def __init__(self) -> None:
        """Know no type yet."""
        self._static: dict[int, Kind] = {}
        self._passing: dict[int, Kind] = {}

    def of(self, value: object) -> Kind:
        """Return what is known of the type of an object."""
        kind = type(value)
        known = self._static.get(id(kind)) or self._passing.get(id(kind))
        if known is None:
            known = Kind(kind)
            kept = self._static if is_static(kind) else self._passing
            kept[id(kind)] = known
        return known

    def forget(self) -> None:
        """Forget the types that the program may free, and another may take the address of."""
        self._passing.clear()
