"""Finding what might be worth registering: unbounded or large containers of the program's own code.

The walk begins at the program's modules and at objects handed in, and goes through module variables,
class and instance attributes, closures and the first items of containers. It enters instances of
the program's own classes only: the inside of a queue, a lock or an event loop is the library's, and a
bounded queue keeps its items in a deque without a bound. Nothing of the program's is called.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from types import CellType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, cast

from memmon.clock import SystemClock
from memmon.facts.names import clean_name
from memmon.guest.shielding import attempt
from memmon.probe.objects.container_sample import base_of, length_of
from memmon.probe.objects.plain import (
    bare_name,
    entry_of,
    instance_values,
    is_module,
    module_name,
    module_values,
    mro_of,
    namespace_of,
)
from memmon.probe.objects.program_code import is_program_class, is_program_function, program_modules
from memmon.probe.objects.sizes import SizeEstimator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

LARGE_COUNT = 1_000
MAX_OBJECT_COUNT = 50_000
MAX_DEPTH = 8
ITEMS_ENTERED = 20
_ESTIMATE_SECONDS = 0.005
_CACHE_KIND = type(lru_cache(len))
_FUNCTION_OF_CLASS = namespace_of(classmethod)["__func__"].__get__
_FUNCTION_OF_STATIC = namespace_of(staticmethod)["__func__"].__get__
_maxlen = namespace_of(deque)["maxlen"].__get__


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """A container that may be worth registering, or bounding.

    `path`: how it is reached from a module or from an object handed in. `length_count`: entries now.
    `size_bytes`: estimated by sampling. `reason`: what is remarkable about it. `suggestion`: the call
    that registers it.
    """

    path: str
    kind: str
    length_count: int
    size_bytes: int | None
    is_unbounded: bool
    reason: str
    suggestion: str


def discover(
    roots: Iterable[object] = (),
    *,
    known: Iterable[object] = (),
    large_count: int = LARGE_COUNT,
    max_seconds: float = 0.25,
    monotonic: Callable[[], float] | None = None,
) -> tuple[Discovery, ...]:
    """Return unbounded deques, queues and caches, and containers of at least `large_count` entries.

    `roots`: objects to begin from, beside the program's modules (those that belong neither to the
    standard library nor to installed packages). `known`: what is registered already, and is left
    out. The walk stops after `max_seconds`; it runs in the caller's thread. The largest come first.

    Raises ValueError for a `large_count` below 1.
    """
    if large_count < 1:
        raise ValueError(f"large_count must be at least 1, not {large_count}")
    timer = monotonic or SystemClock().monotonic
    walk = _DiscoverWalk(timer, timer() + max_seconds, large_count, known)
    for name, module in program_modules():
        walk.begin(module, name)
    for root in roots:
        walk.begin(root, bare_name(type(root)))
    found = walk.run()
    return tuple(sorted(found, key=lambda one: (-(one.size_bytes or 0), -one.length_count, one.path)))


class _DiscoverWalk:
    """Breadth first, so that the shortest path to a container is told."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        deadline_seconds: float,
        large_count: int,
        known: Iterable[object],
    ) -> None:
        self._monotonic = monotonic
        self._deadline_seconds = deadline_seconds
        self._large_count = large_count
        self._known = {id(one) for one in known}
        self._seen: set[int] = set()
        self._waiting: deque[tuple[Any, str, int]] = deque()
        self._found: list[Discovery] = []
        self._estimator = SizeEstimator(monotonic, budget_seconds=_ESTIMATE_SECONDS)

    def begin(self, target: object, path: str) -> None:
        """Add a place to begin from."""
        self._waiting.append((target, path, 0))

    def run(self) -> list[Discovery]:
        """Walk until nothing is left, or the time or the number of objects is used up."""
        while (
            self._waiting
            and len(self._seen) < MAX_OBJECT_COUNT
            and self._monotonic() < self._deadline_seconds
        ):
            target, path, depth = self._waiting.popleft()
            if id(target) in self._seen:
                continue
            self._seen.add(id(target))
            attempt(self._visit, target, path, depth)
        return self._found

    def _visit(self, target: object, path: str, depth: int) -> None:
        if not _is_queue(target):
            self._judge(target, path)
            if depth < MAX_DEPTH and not (depth and is_module(target)):
                self._waiting.extend((child, where, depth + 1) for child, where in _children(target, path))
            return
        self._judge_queue(target, path)

    def _judge(self, target: object, path: str) -> None:
        """Note a container, or a cache, that is unbounded or large."""
        if issubclass(type(target), (type, ModuleType)) or _is_namespace(path):
            return
        if issubclass(type(target), _CACHE_KIND):
            self._judge_cache(target, path)
            return
        base = base_of(target)
        if base is None:
            return
        length = length_of(target)
        if base is deque:
            if _maxlen(target) is None:
                self._note(target, path, "deque", length, "deque without a maxlen", is_unbounded=True)
            elif length >= self._large_count:
                self._note(target, path, "deque", length, f"deque of {length:,} entries", is_unbounded=False)
        elif length >= self._large_count and base in (list, dict, set):
            kind = bare_name(type(target))
            self._note(
                target, path, base.__name__, length, f"{kind} of {length:,} entries", is_unbounded=True
            )

    def _judge_cache(self, target: Any, path: str) -> None:
        info = _CACHE_KIND.cache_info(target)
        is_unbounded = info.maxsize is None
        if is_unbounded or info.currsize >= self._large_count:
            reason = "cache without a maxsize" if is_unbounded else f"cache of {info.currsize:,} entries"
            self._note(target, path, "lru_cache", info.currsize, reason, is_unbounded=is_unbounded)

    def _judge_queue(self, target: object, path: str) -> None:
        """Note a queue that is unbounded and long; its inside is not looked at."""
        values = instance_values(target)
        bound = _first_of(values, "maxsize", "_maxsize")
        length = length_of(_first_of(values, "queue", "_queue"))
        if length >= self._large_count and not (type(bound) is int and bound > 0):
            self._note(target, path, "queue", length, "queue without a maxsize", is_unbounded=True)

    def _note(
        self, target: object, path: str, kind: str, length: int, reason: str, *, is_unbounded: bool
    ) -> None:
        if id(target) in self._known:
            return
        self._found.append(
            Discovery(
                path=clean_name(path),
                kind=kind,
                length_count=length,
                size_bytes=self._estimator.size_bytes(target),
                is_unbounded=is_unbounded,
                reason=reason,
                suggestion=_suggestion(path, kind),
            )
        )


def _suggestion(path: str, kind: str) -> str:
    """Return the call that registers a container; a path that is no expression can't be written in one."""
    if ".__closure__" in path or "[...]" in path or clean_name(path) != path:
        return "register it where it is made: no expression leads to it"
    expression = path.removeprefix("__main__.")
    call = "register_deque" if kind == "deque" else "register_component"
    value = expression if kind in ("lru_cache", "queue") else f"lambda: {expression}"
    return f"recorder.{call}({expression!r}, {value})"


def _children(target: object, path: str) -> Iterator[tuple[object, str]]:
    """Yield what a thing of the program's leads to, with the path of each."""
    kind = type(target)
    if is_module(target):
        yield from _named(module_values(target), path)
    elif kind is MethodType:
        yield cast("MethodType", target).__self__, f"{path}.__self__"
    elif kind is FunctionType:
        yield from _closure(cast("FunctionType", target), path)
    elif issubclass(kind, type):
        if is_program_class(cast("type", target)):
            yield from _named(namespace_of(cast("type", target)), path)
    elif issubclass(kind, classmethod):
        yield _FUNCTION_OF_CLASS(target), path
    elif issubclass(kind, staticmethod):
        yield _FUNCTION_OF_STATIC(target), path
    else:
        yield from _children_of_instance(target, kind, path)


def _children_of_instance(target: object, kind: type, path: str) -> Iterator[tuple[object, str]]:
    if base_of(target) is not None:
        yield from _items(target, path)
        if is_program_class(kind):
            yield from _named(instance_values(target), path)
    elif not issubclass(kind, _CACHE_KIND) and is_program_class(kind):
        yield from _named(instance_values(target), path)
        yield from _slots(target, path)


def _first_of(values: dict[str, Any], *names: str) -> Any:
    return next((found for name in names if (found := entry_of(values, name)) is not None), None)


def _named(values: Mapping[str, Any], path: str) -> Iterator[tuple[object, str]]:
    for name, value in attempt(lambda: list(values.items())) or []:
        if type(name) is str and not (name.startswith("__") and name.endswith("__")):
            yield value, f"{path}.{name}"


def _items(target: Any, path: str) -> Iterator[tuple[object, str]]:
    """Yield the first items of a container: enough to see what its entries are like."""
    base = base_of(target)
    if base is dict:
        for key, value in attempt(lambda: list(islice(dict.items(target), ITEMS_ENTERED))) or []:
            shown = repr(key) if type(key) is str or type(key) is int else "..."
            yield value, f"{path}[{shown}]"
    elif base is list or base is tuple or base is deque:
        for place, item in enumerate(
            attempt(lambda: list(islice(base.__iter__(target), ITEMS_ENTERED))) or []
        ):
            yield item, f"{path}[{place}]"


def _closure(function: FunctionType, path: str) -> Iterator[tuple[object, str]]:
    cells: tuple[CellType, ...] = (function.__closure__ or ()) if is_program_function(function) else ()
    for name, cell in zip(function.__code__.co_freevars, cells, strict=False):
        content = attempt(_content, cell)
        if content is not None:
            yield content[0], f"{path}.__closure__[{name!r}]"


def _content(cell: CellType) -> tuple[object]:
    return (cell.cell_contents,)


def _slot(descriptor: Any, target: object) -> tuple[object]:
    return (descriptor.__get__(target),)


def _slots(target: object, path: str) -> Iterator[tuple[object, str]]:
    for kind in mro_of(type(target)):
        if not is_program_class(kind):
            continue
        for name, descriptor in list(namespace_of(kind).items()):
            if type(descriptor) is MemberDescriptorType:
                content = attempt(_slot, descriptor, target)
                if content is not None:
                    yield content[0], f"{path}.{name}"


def _is_queue(target: object) -> bool:
    """Return whether it is a queue of the standard library, or a subclass of one."""
    return any(
        module_name(kind) in ("queue", "asyncio.queues") and bare_name(kind).endswith("Queue")
        for kind in mro_of(type(target))
    )


def _is_namespace(path: str) -> bool:
    return path.endswith((".__annotations__", ".__builtins__"))
