"""Looking for what grows: a bounded walk over the objects of this process, in small steps.

`gc.get_objects()` builds a list of everything in one call, which at three million objects holds
every other thread up for 40 to 90 ms; and it shows no strings or bytes. Here the objects are
walked from the modules, frames and tasks down, a container of many entries by a sample whose
share stands for the rest, so that counts and bytes are estimates (as in Knuth's estimate of a
tree's size from few probes; Knuth 1975, "Estimating the efficiency of backtrack programs"). No
single step takes long, so other threads go on as beside any Python code.
"""

from __future__ import annotations

import gc
import itertools
import sys
import threading
import types
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VISIT_LIMIT = 60_000
SAMPLE_COUNT = 40
SLICE_COUNT = 400
_NAMED_CONTAINER_COUNT = 100
_TOP_COUNT = 200

_LEAVES = (str, bytes, bytearray, int, float, complex, bool, type(None), range, memoryview, types.CodeType)
_SKIPPED = (types.ModuleType, types.FrameType, threading.Thread)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a walk found; counts and bytes are estimates."""

    object_count: int
    type_counts: dict[str, int]
    """Objects by the name of their type, the largest by bytes first."""
    type_bytes: dict[str, int]
    root_bytes: dict[str, int]
    """Bytes by the name under which they were reached: `module.attribute`, `frame of function`."""
    container_lengths: dict[str, int]
    """Entries of the large containers, by the same names."""


@dataclass(slots=True)
class _Node:
    value: Any
    weight: float
    root: str


class _Walk:
    def __init__(self, pause: Callable[[], object]) -> None:
        self._pause = pause
        self._seen: set[int] = set()
        self._queue: deque[_Node] = deque()
        self.counts: dict[type, float] = {}
        self.sizes: dict[type, float] = {}
        self.roots: dict[str, float] = {}
        self.lengths: dict[str, int] = {}

    def run(self) -> None:
        module_dicts = {id(vars(module)) for module in list(sys.modules.values()) if _is_module(module)}
        self._seen |= module_dicts | {id(self._seen), id(self._queue), id(self.__dict__), id(sys.modules)}
        visited = 0
        for group in (_module_roots(own=True), _frame_roots(), _class_roots(), _module_roots(own=False)):
            for root, value in group:
                self._add(value, 1.0, root)
                visited = self._drain(visited)
                if visited >= VISIT_LIMIT:
                    return

    def _drain(self, visited: int) -> int:
        """Walk what waits, breadth first, so that near things are named before far ones."""
        while self._queue and visited < VISIT_LIMIT:
            node = self._queue.popleft()
            visited += 1
            if visited % SLICE_COUNT == 0:
                self._pause()
            self._visit(node)
        return visited

    def _visit(self, node: _Node) -> None:
        kind = type(node.value)
        size = _size(node.value)
        self.counts[kind] = self.counts.get(kind, 0.0) + node.weight
        self.sizes[kind] = self.sizes.get(kind, 0.0) + node.weight * size
        self.roots[node.root] = self.roots.get(node.root, 0.0) + node.weight * size
        if issubclass(kind, _LEAVES) or issubclass(kind, _SKIPPED):
            return
        length, children = _children(node.value, kind)
        if length >= _NAMED_CONTAINER_COUNT and node.weight == 1.0:
            self.lengths[node.root] = max(self.lengths.get(node.root, 0), length)
        if not children:
            return
        weight = node.weight * max(length / len(children), 1.0) if length else node.weight
        for child in children:
            self._add(child, weight, node.root)

    def _add(self, value: Any, weight: float, root: str) -> None:
        if issubclass(type(value), _LEAVES) and not issubclass(type(value), (bytes, bytearray, str)):
            kind = type(value)
            self.counts[kind] = self.counts.get(kind, 0.0) + weight
            return
        key = id(value)
        if key not in self._seen:
            self._seen.add(key)
            self._queue.append(_Node(value, weight, root))


def survey(*, pause: Callable[[], object] = lambda: None) -> Survey:
    """Walk the objects of this process and return what was found; `pause` is called between slices.

    Never raises: an object that can't be looked into is counted and passed over.
    """
    walk = _Walk(pause)
    walk.run()
    names = {kind: _type_name(kind) for kind in walk.counts}
    ranked = sorted(walk.counts, key=lambda kind: -walk.sizes.get(kind, 0.0))[:_TOP_COUNT]
    return Survey(
        object_count=round(sum(walk.counts.values())),
        type_counts={names[kind]: round(walk.counts[kind]) for kind in ranked},
        type_bytes={names[kind]: round(walk.sizes.get(kind, 0.0)) for kind in ranked},
        root_bytes=_largest(walk.roots),
        container_lengths=_largest(walk.lengths),
    )


def _largest(values: dict[str, Any]) -> dict[str, int]:
    return {name: round(values[name]) for name in sorted(values, key=lambda name: -values[name])[:_TOP_COUNT]}


def _module_roots(*, own: bool) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of modules: the host's own first, the installed packages' after them."""
    modules = list(sys.modules.items())
    for name, module in sorted(modules, key=lambda item: item[0] != "__main__"):
        if not _is_module(module) or name.split(".")[0] == "memmon" or _is_own(name, module) != own:
            continue
        for attribute, value in list(vars(module).items()):
            if (
                not isinstance(attribute, str)
                or attribute.startswith("__")
                or issubclass(type(value), _SKIPPED)
            ):
                continue
            yield f"{name}.{attribute}", value


def _is_module(module: object) -> bool:
    return issubclass(type(module), types.ModuleType)


def _is_own(name: str, module: types.ModuleType) -> bool:
    if name == "__main__":
        return True
    file = vars(module).get("__file__")
    return isinstance(file, str) and "site-packages" not in file and not file.startswith(sys.base_prefix)


def _frame_roots() -> Iterator[tuple[str, Any]]:
    """Yield what the functions that are running (and waiting coroutines) hold in their variables."""
    here = threading.get_ident()
    for thread_id, frame in list(sys._current_frames().items()):  # noqa: SLF001 -- documented; there is no other way
        if thread_id == here:
            continue
        present: types.FrameType | None = frame
        while present is not None:
            root = f"frame of {present.f_code.co_name}"
            for value in gc.get_referents(present):
                if not issubclass(type(value), _SKIPPED):
                    yield root, value
            present = present.f_back
    asyncio = sys.modules.get("asyncio.tasks")
    for task in list(getattr(asyncio, "_all_tasks", ()) or ()) if asyncio is not None else ():
        yield f"task {getattr(task, 'get_name', str)()}", task


def _class_roots() -> Iterator[tuple[str, Any]]:
    """Yield the classes made at run time: a leak of classes hangs on nothing else."""
    for kind in type.__subclasses__(object):
        yield "classes", kind


def _children(value: Any, kind: type) -> tuple[int, list[Any]]:
    """Return (entries, a sample of them); 0 entries when all referents are given."""
    try:
        if issubclass(kind, dict):
            length = dict.__len__(value)
            entries = list(itertools.islice(dict.items(value), SAMPLE_COUNT))
            return 2 * length, [part for entry in entries for part in entry] + _attributes(value)
        if issubclass(kind, (list, tuple)):
            base = list if issubclass(kind, list) else tuple
            length = base.__len__(value)
            step = max(length // SAMPLE_COUNT, 1)
            places = range(0, length, step)
            return length, [base.__getitem__(value, place) for place in places] + _attributes(value)
        if issubclass(kind, deque):
            length = deque.__len__(value)
            half = SAMPLE_COUNT // 2
            ends = list(range(length)) if length <= SAMPLE_COUNT else [*range(half), *range(-half, 0)]
            return length, [deque.__getitem__(value, place) for place in ends] + _attributes(value)
        if issubclass(kind, (set, frozenset)):
            base_set = set if issubclass(kind, set) else frozenset
            return base_set.__len__(value), list(itertools.islice(base_set.__iter__(value), SAMPLE_COUNT))
        return 0, [one for one in gc.get_referents(value) if not issubclass(type(one), _SKIPPED)]
    except (RuntimeError, IndexError, TypeError):  # changed by another thread just now
        return 0, []


def _attributes(value: Any) -> list[Any]:
    """Return the attributes that a subclass of a container carries beside its entries."""
    found = getattr(type(value), "__dictoffset__", 0)
    return (
        [vars(value)] if found and type(value).__module__ != "builtins" and hasattr(value, "__dict__") else []
    )


def _size(value: Any) -> int:
    try:
        return sys.getsizeof(value, 64)
    except Exception:  # noqa: BLE001 -- a __sizeof__ of the host's may do anything
        return 64


def _type_name(kind: type) -> str:
    try:
        module, name = kind.__module__, kind.__qualname__
    except Exception:  # noqa: BLE001 -- a metaclass of the host's may do anything
        return "a class without a name"
    return str(name) if module in {"builtins", "__main__"} else f"{module}.{name}"
