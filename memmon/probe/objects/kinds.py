"""What a walk must know of each type that it meets."""

from __future__ import annotations

import threading
import types
import weakref
from functools import lru_cache

from memmon.probe.objects.container_sample import base_of_kind
from memmon.probe.objects.own_size import has_values_apart, header_bytes, is_collected, size_method
from memmon.probe.objects.places import IS_CONTAINER, IS_OF_PROGRAM
from memmon.probe.objects.plain import is_static, module_name, namespace_of, type_name
from memmon.probe.objects.program_code import is_program_class

IS_NUMBER, IS_CLOSED, IS_OPEN = range(3)
_NUMBERS = (int, float, complex, bool, type(None), range, types.CodeType)
_RUNNING = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
_CACHE_KIND = type(lru_cache(len))
_TEXTS = (str, bytes, bytearray)
_CLOSED = (*_TEXTS, types.ModuleType)
_PLAIN = (int, float, complex, *_TEXTS)
_KEPT_COUNT = 1_000
"""Of how many types that the program may free it is kept from step to step what they are."""

_item_bytes = namespace_of(type)["__itemsize__"].__get__


class Kind:
    """What the walk must know of a type; `reference` leads to one that the program may free, by the weak reference that its base has anyway."""

    __slots__ = (
        "base", "flags", "has_code", "has_values", "header", "is_class", "is_no_root", "is_simple", "method", "name", "reference", "role",
    )  # fmt: skip

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
        self.is_class = issubclass(kind, type)
        self.is_simple = (
            self.base is None
            and self.method is object.__sizeof__
            and not _item_bytes(kind)
            and not issubclass(kind, (_CACHE_KIND, threading.local))
        )
        """Whether its objects take as much each, and lead to what the collector is told."""
        self.reference = None if is_static(kind) else weakref.ref(kind)
        has_attributes = issubclass(kind, _PLAIN) and is_collected(kind) and not is_static(kind)
        self.role = IS_OPEN
        if module_name(kind).partition(".")[0] == "memmon":
            self.role = IS_CLOSED
        elif issubclass(kind, _NUMBERS) and not has_attributes:
            self.role = IS_NUMBER
        elif issubclass(kind, _CLOSED) and not has_attributes:
            self.role = IS_CLOSED
        self.is_no_root = has_attributes or self.role == IS_NUMBER or kind is types.ModuleType
        """Whether a look never begins at it; libraries have hundreds of members of enumerations as variables."""


class Kinds:
    """Types by their address, as a metaclass may have a `__hash__` of its own."""

    __slots__ = ("_earlier", "_of_program", "_passing", "known")

    def __init__(self) -> None:
        """Know no type yet."""
        self.known: dict[int, Kind] = {}
        """What is at each address in this step."""
        self._earlier: dict[int, Kind] = {}
        """What was there in earlier ones, of types that the program may free."""
        self._of_program: dict[str, bool] = {}
        self._passing: list[int] = []

    def of(self, value: object) -> Kind:
        """Return what is known of the type of an object."""
        kind = type(value)
        known = self.known.get(id(kind))
        return known if known is not None else self._found(kind)

    def _found(self, kind: type) -> Kind:
        found = self._earlier.get(id(kind))
        if found is None or found.reference is None or found.reference() is not kind:
            found = Kind(kind)
            if self.is_of_program(kind):
                found.flags |= IS_OF_PROGRAM
                found.is_no_root = found.role == IS_NUMBER
        self.known[id(kind)] = found
        if found.reference is not None:
            self._passing.append(id(kind))
            self._earlier[id(kind)] = found
        return found

    def is_of_program(self, kind: type) -> bool:
        """Return whether a class is the program's own; each module is asked about once."""
        module = module_name(kind)
        known = self._of_program.get(module)
        if known is None:
            known = self._of_program[module] = is_program_class(kind)
        return known

    def forget(self) -> None:
        """Take no type for known that the program may free, and another may take the address of."""
        for identity in self._passing:
            del self.known[identity]
        self._passing.clear()
        if len(self._earlier) > _KEPT_COUNT:
            self._earlier.clear()
