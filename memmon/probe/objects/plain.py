"""Reading an object without asking it: by the slots of its type, never by a method of the program's.

`isinstance` asks an object for `__class__`, `vars` for `__dict__`, a dict of types their metaclass for
`__hash__`, `kind.__name__` for a property of the metaclass. Here the descriptors of `type` and of
the built-in classes are called themselves: C code that looks at the object and runs nothing of its
class. `issubclass(type(value), built_in)` is as safe, and not wrapped.
"""

from __future__ import annotations

import sys
from itertools import islice
from types import GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import TYPE_CHECKING, Any, cast

from memmon.guest.shielding import attempt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MRO = type.__dict__["__mro__"].__get__
_FLAGS = type.__dict__["__flags__"].__get__
_NAMESPACE = type.__dict__["__dict__"].__get__
_QUALNAME = type.__dict__["__qualname__"].__get__
_MODULE = type.__dict__["__module__"].__get__
_VALUES_OF_MODULE = _NAMESPACE(ModuleType)["__dict__"].__get__

_HEAP_TYPE_FLAG = 1 << 9
_ENTRIES_SCANNED = 500
_NAMELESS = "a class without a name"


def mro_of(kind: type) -> tuple[type, ...]:
    """Return the classes that `kind` consists of, itself first."""
    found: tuple[type, ...] = _MRO(kind)
    return found


def flags_of(kind: type) -> int:
    """Return the flags of a type, as CPython's object.h names them."""
    found: int = _FLAGS(kind)
    return found


def is_static(kind: type) -> bool:
    """Return whether `kind` is a type that C code defined for good: it is never freed nor changed."""
    return not _FLAGS(kind) & _HEAP_TYPE_FLAG


def namespace_of(kind: type) -> Mapping[str, Any]:
    """Return what a class itself defines, by name."""
    found: Mapping[str, Any] = _NAMESPACE(
        kind
    )  # no `cast`: this is called some hundred thousand times a look
    return found


def module_name(kind: type) -> str:
    """Return the name of the module that a class says it is from; empty when that is no text."""
    found = attempt(_MODULE, kind)
    return _text(found)


def bare_name(kind: type) -> str:
    """Return the name of a class without its module's."""
    return _text(attempt(_QUALNAME, kind)) or _NAMELESS


def type_name(kind: type) -> str:
    """Return the name of a class with its module's, unless it is built in or of the main module."""
    module, name = module_name(kind), bare_name(kind)
    return f"{module}.{name}" if module and module not in {"builtins", "__main__"} else name


def is_module(value: object) -> bool:
    """Return whether `value` is a module, whatever it says it is."""
    return issubclass(type(value), ModuleType)


def module_values(module: object) -> dict[str, Any]:
    """Return the variables of a module; a lazy one is not loaded by it."""
    return cast("dict[str, Any]", _VALUES_OF_MODULE(module)) if is_module(module) else {}


def instance_values(value: object) -> dict[str, Any]:
    """Return the attributes in an object's own dict; empty when it has none.

    CPython makes that dict when it is asked for: not to be used on many small objects.
    """
    for kind in mro_of(type(value)):
        entry = namespace_of(kind).get("__dict__")
        if type(entry) is GetSetDescriptorType or type(entry) is MemberDescriptorType:
            found = attempt(entry.__get__, value, type(value))
            return found if type(found) is dict else {}
    return {}


def entry_of(values: Mapping[str, Any], name: str) -> Any:
    """Return `values[name]`, None when it isn't among the first 500; keys that aren't plain text are passed over.

    A look-up would compare `name` with keys of the same hash by their own `__eq__`.
    """
    for key, value in islice(_items(values), _ENTRIES_SCANNED):
        if type(key) is str and key == name:
            return value
    return None


def class_entry(kind: type, name: str) -> Any:
    """Return what the classes of `kind` define under `name`, unbound; None when none does."""
    for one in mro_of(kind):
        found = namespace_of(one).get(name)
        if found is not None:
            return found
    return None


def static_entry(value: object, name: str) -> Any:
    """Return what stands under `name` in the object or its classes, unbound; None when nothing does."""
    found = class_entry(type(value), name)
    return found if found is not None else entry_of(instance_values(value), name)


def module_at(name: str) -> object:
    """Return what is loaded under a name, None when nothing is."""
    modules: Any = sys.modules
    return dict.get(modules, name) if issubclass(type(modules), dict) else None


def _items(values: Any) -> Iterator[tuple[Any, Any]]:
    return iter(dict.items(values) if issubclass(type(values), dict) else values.items())


def _text(value: object) -> str:
    return str.__str__(value) if issubclass(type(value), str) else ""
