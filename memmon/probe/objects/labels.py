"""How what an object leads to is written: by attribute, key or place.

The collector tells the values that an object holds and no names. The names are those that the code of
its class uses; which of them holds which value is asked by the slots of `object`, which reads the
value where it lies: a dict of the attributes, once made, would stay.
"""

from __future__ import annotations

import sys
import threading
from functools import lru_cache
from itertools import islice
from types import (
    AsyncGeneratorType,
    CellType,
    CodeType,
    CoroutineType,
    FunctionType,
    GeneratorType,
    GetSetDescriptorType,
    MappingProxyType,
    MemberDescriptorType,
    MethodDescriptorType,
    MethodType,
    TracebackType,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any

from memmon.guest.shielding import attempt
from memmon.probe.objects.container_sample import is_sparse
from memmon.probe.objects.places import ANY, ANY_KEY, IN_CELL
from memmon.probe.objects.plain import (
    class_entry,
    module_at,
    module_name,
    module_values,
    mro_of,
    namespace_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_NAMED_KEYS = 64
_ALIKE_COUNT = 8
_NAMES_LIMIT = 300
_FUNCTIONS_LIMIT = 300
_PARTS_LIMIT = 2_000
_LABEL_LENGTH = 40
_TRIES = 3
_CACHE_KIND = type(lru_cache(len))
_READ = frozenset(id(kind) for kind in (type(None), MemberDescriptorType, str, int, bool, dict, list, tuple))
_BOUND = frozenset(
    id(kind)
    for kind in (
        FunctionType,
        property,
        classmethod,
        staticmethod,
        MethodDescriptorType,
        WrapperDescriptorType,
        GetSetDescriptorType,
    )
)
"""Of what a class defines: what reading an attribute leaves alone, and what it calls; of other types their classes tell."""

_OF_OBJECT = dict(namespace_of(object))
_WITH_CLASS_COUNT = 2
"""What an object with one attribute, or with its dict, leads to: that and its class."""

PASSED = ""
"""What isn't followed."""

UNKNOWN = ".?"
_CODE_OF = {
    id(kind): namespace_of(kind)[name].__get__
    for kind, name in (
        (GeneratorType, "gi_code"),
        (CoroutineType, "cr_code"),
        (AsyncGeneratorType, "ag_code"),
    )
}
_LINKS = {
    BaseException: ("__cause__", "__context__", "__traceback__", "args"),
    TracebackType: ("tb_next", "tb_frame"),
    memoryview: ("obj",),
}
"""What the objects of built-in classes lead to and no code of theirs mentions."""

_LINKED = tuple(_LINKS)
_get = object.__getattribute__
_ORDER_BITS = 10


def code_name(value: object) -> str:
    """Return the name of the function whose running `value` is, a generator or a coroutine; else nothing."""
    get = _CODE_OF.get(id(type(value)))
    code = get(value) if get is not None else None
    return f"{code.co_qualname}()" if type(code) is CodeType else ""


class Labels:
    """Labels of what objects lead to, with the names known of each class.

    Names are kept by a class's address, also over times in which it may have been freed and another
    have come there: each is tried before it is told.
    """

    __slots__ = ("_known", "_labels", "_names_in_order", "_orders", "_parts", "_tries")

    def __init__(self) -> None:
        """Know no class yet."""
        self._known: dict[int, str] = {}
        self._tries: dict[int, int] = {}
        self._orders: dict[int, int] = {}
        """By a class's address where in the next two lists the attributes of an object lie as the collector tells them, and how many."""
        self._names_in_order: list[str] = []
        self._labels: list[str] = []
        self._parts: dict[int, str] = {}
        """By the address of a function's defaults or closure the variables whose values they are, of as many; `**` for what is named by its keys."""

    def of(self, value: Any, base: Any, wanted: int, found: list[Any], *, is_namespace: bool) -> list[str]:
        """Return a label for each of `found`: some of what `value` leads to, the entries of a container first."""
        if base is None:
            return self._in_order(value, type(value), found) or self._of_instance(value, found)
        if base is not dict:
            count = min(base.__len__(value), len(found))
            names = self._parts.get(id(value), "").split() if type(value) is tuple else []
            if names and count == len(names) == len(found):
                return [f".{name}" for name in names]
            return [ANY] * count + [UNKNOWN] * (len(found) - count)
        is_namespace = is_namespace or self._parts.get(id(value)) == "**"
        count = (
            0
            if is_sparse(dict.__sizeof__(value), dict.__len__(value))
            else min(len(value_keys(value, wanted)), wanted)
        )
        keys = found[:count]
        labels = [ANY_KEY] * count
        if dict.__len__(value) > _NAMED_KEYS and not is_namespace:
            labels += [ANY] * count
        else:
            labels += _key_labels(keys, found[count : 2 * count], is_namespace=is_namespace)
        return labels + [UNKNOWN] * (len(found) - len(labels))

    def _of_instance(self, value: Any, found: list[Any]) -> list[str]:
        kind = type(value)
        of_code = self._of_function(value, found) if kind is FunctionType else _of_code(value, kind, found)
        if of_code is not None:
            return of_code
        labels = [UNKNOWN] * len(found)
        if len(found) == _WITH_CLASS_COUNT and found[1] is kind and _is_own_dict(value, kind, found[0]):
            return [".__dict__", UNKNOWN]
        where = {id(one): place for place, one in enumerate(found)}
        where.pop(id(kind), None)
        is_linked = issubclass(kind, _LINKED)
        if is_linked:
            _put(labels, where, _links(value, kind))
        names = self._names(value, kind, where, len(found) - 1)
        _put(labels, where, ((name, id(attempt(_get, value, name))) for name in names))
        if not where and not is_linked:  # whose links another look would ask the program's class for
            self._note_order(kind, labels, found)
        for place in where.values():
            is_local = issubclass(kind, threading.local)  # whose attributes are those of the thread that asks
            if _is_own_dict(value, kind, found[place]) or (is_local and type(found[place]) is dict):
                labels[place] = ".__dict__"
        return labels

    def _in_order(self, value: Any, kind: type, found: list[Any]) -> list[str] | None:
        """Return the labels where all attributes lie as those of another object of the class did."""
        order = self._orders.get(id(kind), -1)
        begin, count = order >> _ORDER_BITS, order & (1 << _ORDER_BITS) - 1
        if order < 0 or count != len(found) or found[-1] is not kind:
            return None
        try:
            for name, one in zip(self._names_in_order[begin : begin + count - 1], found, strict=False):
                if _get(value, name) is not one:
                    return None
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # noqa: BLE001 -- the attribute is gone, or it is another class by now
            return None
        return self._labels[begin : begin + count]

    def _note_order(self, kind: type, labels: list[str], found: list[Any]) -> None:
        """Note how the attributes of a class's objects lie, where each has a name and the class comes last."""
        count = len(labels)
        if count < _WITH_CLASS_COUNT or count >> _ORDER_BITS or found[-1] is not kind:
            return
        if labels.index(UNKNOWN) == count - 1:
            self._orders[id(kind)] = len(self._labels) << _ORDER_BITS | count
            self._labels += labels
            self._names_in_order += [sys.intern(label[1:]) for label in labels]

    def _of_function(self, value: FunctionType, found: list[Any]) -> list[str]:
        """Return the labels of what a function leads to; the names of its variables are noted for their values."""
        code, defaults, closure = value.__code__, value.__defaults__, value.__closure__
        if len(self._parts) > _PARTS_LIMIT:
            self._parts.clear()
        if defaults:
            names = code.co_varnames[: code.co_argcount][-len(defaults) :]
            self._parts[id(defaults)] = " ".join(names)
        if closure:
            self._parts[id(closure)] = " ".join(code.co_freevars)
        labels = {id(defaults): ".__defaults__", id(closure): ".__closure__"}
        labels[id(value.__globals__)] = ".__globals__"
        self._parts[id(value.__globals__)] = "**"
        if value.__kwdefaults__:
            labels[id(value.__kwdefaults__)] = ".__kwdefaults__"
            self._parts[id(value.__kwdefaults__)] = "**"
        labels.pop(id(None), None)
        own = [".__dict__" if type(one) is dict else ".__part__" for one in found]
        return [labels.get(id(one), label) for one, label in zip(found, own, strict=True)]

    def _names(self, value: Any, kind: type, where: dict[int, int], count: int) -> list[str]:
        """Return the names of attributes to try on an object: those seen on others of its class, or all it has, `count` at most."""
        known = self._known.get(id(kind))
        if known is not None:
            names = known.split(" ") if known else []
            tries = self._tries.get(id(kind), 0)
            if len(names) >= len(where) or tries > _TRIES:
                return names
        else:
            names = []
        self._tries[id(kind)] = self._tries.get(id(kind), 0) + 1
        met: set[int] = set()
        for name in _candidates(kind):
            identity = id(attempt(_get, value, name))
            if identity not in where:
                continue
            met.add(identity)
            if name not in names:
                names.append(name)
            if len(names) >= count and len(met) == len(where):
                break
        self._known[id(kind)] = " ".join(names)
        return names


def _of_code(value: Any, kind: type, found: list[Any]) -> list[str] | None:
    """Return the labels of what methods, caches, classes and functions lead to; None for other objects."""
    if kind is MethodType:
        return [".__self__" if one is value.__self__ else ".__func__" for one in found]
    if issubclass(kind, _CACHE_KIND):
        return [_cache_label(value, one) for one in found]
    if issubclass(kind, type):  # its bases are classes of their own
        return [".__dict__" if type(one) is dict else PASSED for one in found]
    if kind is CellType or kind is MappingProxyType:
        return [IN_CELL] * len(found)
    return None


def _put(labels: list[str], where: dict[int, int], named: Iterable[tuple[str, int]]) -> None:
    """Put the names of what is at some addresses in its place among the labels."""
    for name, identity in named:
        place = where.pop(identity, None)
        if place is not None:
            labels[place] = f".{name}"


def _links(value: Any, kind: type) -> Iterator[tuple[str, int]]:
    """Yield the name and the address of what links an error to others, and of what a view looks into: by Python's own slots."""
    for base, names in _LINKS.items():
        if issubclass(kind, base):
            for name in names:
                yield name, id(attempt(namespace_of(base)[name].__get__, value))


def _cache_label(value: object, one: object) -> str:
    if type(one) is not dict:
        return ANY
    return ".__dict__" if _is_own_dict(value, _CACHE_KIND, one) else ".cache"


def value_keys(value: Any, wanted: int) -> range:
    """Return as many numbers as keys are taken of a dict."""
    return range(min(dict.__len__(value), wanted))


def _key_labels(keys: list[Any], values: list[Any], *, is_namespace: bool) -> list[str]:
    """Return a label for each value of a dict; where many are of one type, they are alike."""
    if len(keys) <= _ALIKE_COUNT or is_namespace:
        return [_key_label(key, is_namespace=is_namespace) for key in keys]
    alike: dict[int, int] = {}
    for value in values:
        alike[id(type(value))] = alike.get(id(type(value)), 0) + 1
    return [
        ANY if alike[id(type(value))] > _ALIKE_COUNT else _key_label(key, is_namespace=False)
        for key, value in zip(keys, values, strict=False)
    ]


def _key_label(key: object, *, is_namespace: bool) -> str:
    if type(key) is str:
        return f".{key[:_LABEL_LENGTH]}" if is_namespace else f"[{key[:_LABEL_LENGTH]!r}]"
    return f"[{key}]" if type(key) is int and abs(key) < 10**9 else ANY


def _is_own_dict(value: object, kind: type, values: Any) -> bool:
    """Return whether what an object leads to is the dict of its attributes."""
    if type(values) is not dict:
        return False
    for key, held in islice(dict.items(values), 1):
        return type(key) is str and _is_plain(kind, key) and attempt(_get, value, key) is held
    return False


def _candidates(kind: type) -> list[str]:
    """Return the names that may be attributes of an object: its slots, what its classes define, and what their code mentions.

    Last come those that functions beside the class mention: attributes may be set from outside.
    """
    found: dict[str, None] = {}
    defined: dict[str, Any] = {}
    for one in mro_of(kind)[:-1]:
        _note_names(namespace_of(one), found, defined)
    if len(found) < _NAMES_LIMIT:
        found |= _mentioned_beside(kind)
    names = list(found)[:_NAMES_LIMIT]
    if any(len(namespace_of(one)) > _NAMES_LIMIT for one in mro_of(kind)[:-1]):
        return [name for name in names if _is_plain(kind, name)]
    return [name for name in names if _is_read(defined.get(name, _OF_OBJECT.get(name)))]


def _note_names(entries: Mapping[str, Any], found: dict[str, None], defined: dict[str, Any]) -> None:
    """Note the names that a class defines and its functions mention, and what it defines under them if no class before it did."""
    for name, entry in list(islice(entries.items(), _NAMES_LIMIT)):
        if type(name) is not str:
            continue
        if defined.setdefault(name, entry) is None:
            defined[name] = entry
        if type(entry) is FunctionType:
            found |= dict.fromkeys(entry.__code__.co_names)
        elif type(entry) is MemberDescriptorType or name[:2] != "__":
            found[name] = None


def _mentioned_beside(kind: type) -> dict[str, None]:
    """Return the names that the functions of a class's module mention."""
    found: dict[str, None] = {}
    beside = module_values(module_at(module_name(kind)))
    for entry in attempt(lambda: list(islice(beside.values(), _FUNCTIONS_LIMIT))) or []:
        if type(entry) is FunctionType:
            found |= dict.fromkeys(entry.__code__.co_names)
    return found


def _is_plain(kind: type, name: str) -> bool:
    """Return whether reading the attribute runs nothing: the class has no descriptor there but a slot's."""
    return _is_read(class_entry(kind, name))


def _is_read(entry: object) -> bool:
    """Return whether what a class defines under a name is no descriptor but a slot's."""
    identity = id(type(entry))
    return identity in _READ or (identity not in _BOUND and class_entry(type(entry), "__get__") is None)
