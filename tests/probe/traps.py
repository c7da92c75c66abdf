"""Objects that note each call of a method of theirs, whichever it is; for tests of what must call none."""

from __future__ import annotations

import array
import ast
import asyncio
import builtins
import collections
import decimal
import io
import pathlib
import types

calls: list[str] = []
"""What was called while the traps were armed."""

_state = {"is_armed": False}

_SOURCES = (
    [kind for kind in vars(builtins).values() if isinstance(kind, type)]
    + [kind for kind in vars(types).values() if isinstance(kind, type)]
    + [
        array.array,
        ast.AST,
        asyncio.Task,
        collections.deque,
        collections.OrderedDict,
        collections.defaultdict,
    ]
    + [decimal.Decimal, io.BytesIO, pathlib.Path]
)
_LATE = [
    "__getattr__",
    "__get__",
    "__set__",
    "__delete__",
    "__fspath__",
    "__index__",
    "__int__",
    "__float__",
    "__complex__",
    "__bool__",
    "__trunc__",
    "__round__",
    "__floor__",
    "__ceil__",
    "__length_hint__",
    "__missing__",
    "__contains__",
    "__reversed__",
    "__enter__",
    "__exit__",
    "__aenter__",
    "__aexit__",
    "__await__",
    "__aiter__",
    "__anext__",
    "__instancecheck__",
    "__subclasscheck__",
    "__subclasshook__",
    "__mro_entries__",
    "__copy__",
    "__deepcopy__",
    "__getstate__",
    "__getnewargs__",
    "__getnewargs_ex__",
    "__bytes__",
    "__format__",
    "__dir__",
    "__buffer__",
    "__release_buffer__",
    "__wrapped__",
    "__signature__",
    "__text_signature__",
    "__objclass__",
    "__abstractmethods__",
    "__array__",
    "__array_interface__",
    "__matmul__",
    "__rmatmul__",
    "__imatmul__",
    "__divmod__",
    "__rdivmod__",
]
_FOR_MAKING = {
    "__new__", "__init__", "__init_subclass__", "__set_name__", "__prepare__", "__del__", "__doc__", "__slots__",
    "__module__", "__qualname__", "__name__", "__weakref__", "__classcell__", "__firstlineno__", "__type_params__",
    "__static_attributes__", "__dictoffset__", "__basicsize__", "__itemsize__", "__weakrefoffset__", "__match_args__",
    "__abstractmethods__",
}  # fmt: skip
_PROPERTIES = {"__class__", "__dict__", "__annotations__", "__wrapped__", "__signature__", "__objclass__"}
_OF_CLASSES = {"__mro__", "__bases__", "__base__", "__flags__", "__name__"}
_PLAIN = (
    "name",
    "maxlen",
    "queue",
    "qsize",
    "cache_info",
    "cache_clear",
    "maxsize",
    "get_name",
    "keys",
    "mro",
)

SPECIAL = sorted(
    {name for kind in _SOURCES for name in dir(kind) if name.startswith("__") and name.endswith("__")}
    | set(_LATE)
)


def arm() -> None:
    """Note calls from now on."""
    calls.clear()
    _state["is_armed"] = True


def disarm() -> None:
    """Note no calls any more."""
    _state["is_armed"] = False


def _method(name: str, base: type, of: str):
    def trap(*args, **kwargs):
        if _state["is_armed"]:
            calls.append(f"{of}.{name}")
        return getattr(base, name)(*args, **kwargs)

    return trap


def namespace(base: type, of: str, *, is_meta: bool = False) -> dict[str, object]:
    """Return a trap for each special method, and properties where an attribute is read."""
    traps: dict[str, object] = {"__module__": __name__}
    for name in [*SPECIAL, *_PLAIN]:
        if name not in _FOR_MAKING:
            traps[name] = _method(name, base, of)
    for name in _PROPERTIES | (_OF_CLASSES if is_meta else set()):
        traps[name] = property(_method(f"property {name}", base, of))
    return traps


Meta = type("Meta", (type,), namespace(type, "Meta", is_meta=True))


def trap_class(base: type) -> type:
    """Return a class derived from `base` of which each special method is a trap, as is its metaclass."""
    made = type(base)
    meta = Meta if made is type else type(f"Meta{made.__name__}", (Meta, made), {})
    return type.__new__(meta, f"Trap{base.__name__}", (base,), namespace(base, base.__name__))
