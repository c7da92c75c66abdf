"""Finding what might be worth registering: unbounded or large containers of the host's own code.

The walk begins at the host's modules and at objects handed in, and goes through module variables,
class and instance attributes, closures and the first items of containers. It enters instances of
the host's own classes only: the inside of a queue, a lock or an event loop is the library's, and a
bounded queue keeps its items in a deque without a bound. Nothing of the host's is called.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice
from types import CellType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from memmon.clock import SystemClock
from memmon.probe.caches import is_cache
from memmon.probe.host_code import host_modules, is_host_class, is_host_function
from memmon.probe.names import clean_name
from memmon.probe.quiet import attempt
from memmon.probe.sampling import base_of, length_of
from memmon.probe.sizes import SizeEstimator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

LARGE_COUNT = 1_000
MAX_OBJECT_COUNT = 50_000
MAX_DEPTH = 8
ITEMS_ENTERED = 20
_ESTIMATE_SECONDS = 0.005


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

    `roots`: objects to begin from, beside the host's modules (those that belong neither to the
    standard library nor to installed packages). `known`: what is registered already, and is left
    out. The walk stops after `max_seconds`; it runs in the caller's thread. The largest come first.

    Raises ValueError for a `large_count` below 1.
    """
    if large_count < 1:
        raise ValueError(f"large_count must be at least 1, not {large_count}")
    timer = monotonic or SystemClock().monotonic
    walk = _Walk(timer, timer() + max_seconds, large_count, known)
    for name, module in host_modules():
        walk.begin(module, name)
    for root in roots:
        walk.begin(root, type(root).__name__)
    found = walk.run()
    return tuple(sorted(found, key=lambda one: (-(one.size_bytes or 0), -one.length_count, one.path)))


class _Walk:
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
        if isinstance(target, FunctionType | MethodType) or not _is_queue(target):
            self._judge(target, path)
            if depth < MAX_DEPTH and not (depth and isinstance(target, ModuleType)):
                self._waiting.extend((child, where, depth + 1) for child, where in _children(target, path))
            return
        self._judge_queue(target, path)

    def _judge(self, target: object, path: str) -> None:
        """Note a container, or a cache, that is unbounded or large."""
        if isinstance(target, type | ModuleType) or _is_namespace(path):
            return
        if type(target).__name__ == "_lru_cache_wrapper" and is_cache(target):
            self._judge_cache(target, path)
            return
        base = base_of(target)
        if base is None:
            return
        length = length_of(target)
        if base is deque:
            if getattr(target, "maxlen", None) is None:
                self._note(target, path, "deque", length, "deque without a maxlen", is_unbounded=True)
            elif length >= self._large_count:
                self._note(target, path, "deque", length, f"deque of {length:,} entries", is_unbounded=False)
        elif length >= self._large_count and base in (list, dict, set):
            kind = type(target).__name__
            self._note(
                target, path, base.__name__, length, f"{kind} of {length:,} entries", is_unbounded=True
            )

    def _judge_cache(self, target: Any, path: str) -> None:
        info = target.cache_info()
        is_unbounded = info.maxsize is None
        if is_unbounded or info.currsize >= self._large_count:
            reason = "cache without a maxsize" if is_unbounded else f"cache of {info.currsize:,} entries"
            self._note(target, path, "lru_cache", info.currsize, reason, is_unbounded=is_unbounded)

    def _judge_queue(self, target: object, path: str) -> None:
        """Note a queue that is unbounded and long; its inside is not looked at."""
        values = _instance_dict(target)
        bound = values.get("maxsize", values.get("_maxsize", 0))
        inner = values.get("queue", values.get("_queue"))
        length = length_of(inner)
        if length >= self._large_count and not (isinstance(bound, int) and bound > 0):
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
    """Yield what a thing of the host's leads to, with the path of each."""
    if isinstance(target, ModuleType):
        yield from _named(object.__getattribute__(target, "__dict__"), path)
    elif isinstance(target, MethodType):
        yield target.__self__, f"{path}.__self__"
    elif isinstance(target, FunctionType):
        if is_host_function(target):
            yield from _closure(target, path)
    elif isinstance(target, type):
        if is_host_class(target):
            yield from _named(type.__getattribute__(target, "__dict__"), path)
    elif isinstance(target, classmethod | staticmethod):
        yield target.__func__, path
    elif base_of(target) is not None:
        yield from _items(target, path)
        if is_host_class(type(target)):
            yield from _named(_instance_dict(target), path)
    elif type(target).__name__ == "_lru_cache_wrapper":
        return
    elif is_host_class(type(target)):
        yield from _named(_instance_dict(target), path)
        yield from _slots(target, path)


def _named(values: dict[str, Any] | MappingProxyType[str, Any], path: str) -> Iterator[tuple[object, str]]:
    for name, value in attempt(lambda: list(values.items())) or []:
        if isinstance(name, str) and not (name.startswith("__") and name.endswith("__")):
            yield value, f"{path}.{name}"


def _items(target: Any, path: str) -> Iterator[tuple[object, str]]:
    """Yield the first items of a container: enough to see what its entries are like."""
    base = base_of(target)
    if base is dict:
        for key, value in attempt(lambda: list(islice(dict.items(target), ITEMS_ENTERED))) or []:
            shown = repr(key) if type(key) in (str, int) else "..."
            yield value, f"{path}[{shown}]"
    elif base in (list, tuple, deque):
        for place, item in enumerate(
            attempt(lambda: list(islice(base.__iter__(target), ITEMS_ENTERED))) or []
        ):
            yield item, f"{path}[{place}]"


def _closure(function: FunctionType, path: str) -> Iterator[tuple[object, str]]:
    cells: tuple[CellType, ...] = function.__closure__ or ()
    for name, cell in zip(function.__code__.co_freevars, cells, strict=False):
        content = attempt(_content, cell)
        if content is not None:
            yield content[0], f"{path}.__closure__[{name!r}]"


def _content(cell: CellType) -> tuple[object]:
    return (cell.cell_contents,)


def _slot(descriptor: Any, target: object) -> tuple[object]:
    return (descriptor.__get__(target),)


def _instance_dict(target: object) -> dict[str, Any]:
    found = attempt(object.__getattribute__, target, "__dict__")
    return found if type(found) is dict else {}


def _slots(target: object, path: str) -> Iterator[tuple[object, str]]:
    for kind in type(target).__mro__:
        if not is_host_class(kind):
            continue
        for name, descriptor in list(type.__getattribute__(kind, "__dict__").items()):
            if type(descriptor).__name__ == "member_descriptor":
                content = attempt(_slot, descriptor, target)
                if content is not None:
                    yield content[0], f"{path}.{name}"


def _is_queue(target: object) -> bool:
    """Return whether it is a queue of the standard library, or a subclass of one."""
    return any(
        kind.__module__ in ("queue", "asyncio.queues") and kind.__name__.endswith("Queue")
        for kind in type(target).__mro__
    )


def _is_namespace(path: str) -> bool:
    return path.endswith((".__annotations__", ".__builtins__"))
