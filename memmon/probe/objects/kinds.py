"""What a walk must know of each type that it meets."""

from __future__ import annotations

import types
from functools import lru_cache

from memmon.probe.objects.container_sample import base_of_kind
from memmon.probe.objects.own_size import has_values_apart, header_bytes, is_collected, size_method
from memmon.probe.objects.places import IS_CONTAINER, IS_OF_PROGRAM
from memmon.probe.objects.plain import is_static, module_name, type_name
from memmon.probe.objects.program_code import is_program_class

IS_NUMBER, IS_CLOSED, IS_OPEN = range(3)
_NUMBERS = (int, float, complex, bool, type(None), range, types.CodeType)
_RUNNING = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
_CACHE_KIND = type(lru_cache(len))
_TEXTS = (str, bytes, bytearray)
_CLOSED = (*_TEXTS, types.ModuleType)
_PLAIN = (int, float, complex, *_TEXTS)


class Kind:
    """What the walk must know of a type, asked once a step."""

    __slots__ = ("base", "flags", "has_code", "has_values", "header", "method", "name", "role")

    def __init__(self, kind: type) -> None:
        """Ask the type's slots."""
        self.name = type_name(kind)
        self.base = base_of_kind(kind)
        self.method = size_method(kind)
        self.header = header_bytes(kind)
        self.has_values = has_values_apart(kind)
        self.flags = IS_CONTAINER if self.base is not None or issubclass(kind, _CACHE_KIND) else 0
        self.has_code = issubclass(kind, _RUNNING)
        """Whether it is a function's running, named after the function."""
        self.role = IS_OPEN
        if is_collected(kind) and not is_static(kind) and issubclass(kind, _PLAIN):
            return  # numbers and text with attributes, as the members of an enumeration are
        if issubclass(kind, _NUMBERS):
            self.role = IS_NUMBER
        elif issubclass(kind, _CLOSED) or module_name(kind).partition(".")[0] == "memmon":
            self.role = IS_CLOSED


class Kinds:
    """Types by their address, as a metaclass may have a `__hash__` of its own."""

    __slots__ = ("_known", "_of_program", "_passing")

    def __init__(self) -> None:
        """Know no type yet."""
        self._known: dict[int, Kind] = {}
        self._of_program: dict[str, bool] = {}
        self._passing: list[int] = []

    def of(self, value: object) -> Kind:
        """Return what is known of the type of an object."""
        kind = type(value)
        known = self._known.get(id(kind))
        return known if known is not None else self._made(kind)

    def _made(self, kind: type) -> Kind:
        made = Kind(kind)
        if self.is_of_program(kind):
            made.flags |= IS_OF_PROGRAM
        self._known[id(kind)] = made
        if not is_static(kind):
            self._passing.append(id(kind))
        return made

    def is_of_program(self, kind: type) -> bool:
        """Return whether a class is the program's own; each module is asked about once."""
        module = module_name(kind)
        known = self._of_program.get(module)
        if known is None:
            known = self._of_program[module] = is_program_class(kind)
        return known

    def forget(self) -> None:
        """Forget the types that the program may free, and another may take the address of."""
        for identity in self._passing:
            del self._known[identity]
        self._passing.clear()
