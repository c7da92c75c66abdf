"""Where the walk for evidence begins: modules, running functions, tasks and classes, each by a name.

A root is a name and a way to reach its object anew. What iterates here holds names and no objects
of the program's: other threads run between two roots, and whoever holds an object then may be the
last to let it go, and so the one in whose thread its finaliser runs.
"""

from __future__ import annotations

import gc
import re
import sys
import threading
import weakref
from collections import deque
from functools import partial
from itertools import islice
from pathlib import Path
from types import AsyncGeneratorType, BuiltinFunctionType, CoroutineType
from typing import TYPE_CHECKING, Any, cast

from memmon.guest.shielding import attempt
from memmon.probe.objects.frames import other_threads, stack, variable_names, variable_of
from memmon.probe.objects.kept_by_python import LISTS_OF_THREADS, hook_roots, variable
from memmon.probe.objects.places import ANY
from memmon.probe.objects.plain import (
    bare_name,
    class_entry,
    entry_of,
    is_static,
    module_at,
    module_name,
    module_values,
    namespace_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    Root = tuple[str, Callable[[], object]]
    Choice = Callable[[str, dict[str, Any], list[str]], list[str]]
    """Which of some variables of a module, whose path comes first, are worth beginning at."""

    Earlier = dict[str, str]
    """By a module's name the variables that were chosen before: of others nothing is left. As text, for the collector to track nothing."""

_NAMES_LIMIT = 20_000
_NAMES_AT_ONCE = 400
_BETWEEN_NAMES = "\0"
_TASKS_LIMIT = 5_000
_TASKS_READ = 100
_DEPTH_LIMIT = 20
_THREADS_READ = 60
_MANY_VARIABLES = 300
MADE_MODULES = "sys.modules"
"""Where modules hang that were made at run time; their variables are roots as those of other modules."""

KEPT_BY_ATEXIT = "functions registered with atexit (unregistered ones may count)"
"""Up to Python 3.13 a function that is unregistered leaves its place empty, which is counted on."""

_NUMBERED = re.compile(r"Task-\d+")
_CLASSES_LIMIT = 20_000
_CLASS_ENTRIES_LIMIT = 100
_OUR_FOLDER = f"{Path(__file__).parents[2]}/"
_GENERATOR_STEPS = frozenset({"async_generator_asend", "async_generator_athrow"})
"""What waits in a coroutine's place for an asynchronous generator's next value; it leads to that first."""

_TASK_SETS = ("_all_tasks", "_scheduled_tasks", "_eager_tasks")


def _all_names(_beginning: str, _values: dict[str, Any], names: list[str]) -> list[str]:
    return names


def own_roots(chosen: Choice = _all_names, earlier: Earlier | None = None) -> Iterator[Root | None]:
    """Yield where the program's own objects begin: modules, running functions, tasks; None between whiles."""
    yield from _own_roots(chosen, earlier, _local)
    yield from waiting_roots()


def near_roots(chosen: Choice = _all_names, earlier: Earlier | None = None) -> Iterator[Root | None]:
    """Yield the same but for tasks and threads: what else of the program's holds a thread is a better way to it."""
    return _own_roots(chosen, earlier, _no_thread)


def _own_roots(
    chosen: Choice, earlier: Earlier | None, local: Callable[..., object]
) -> Iterator[Root | None]:
    yield from variable_roots(chosen, earlier)
    yield from hook_roots()
    yield from _of_frames(local, is_own=True)


def variable_roots(chosen: Choice = _all_names, earlier: Earlier | None = None) -> Iterator[Root | None]:
    """Yield the variables of the program's own modules; None between whiles."""
    for name in sorted(module_names(), key=lambda name: name != "__main__"):
        yield None
        if _is_own(name):
            yield from _of_module(name, chosen, earlier, is_own=True)


def library_roots(chosen: Choice = _all_names, earlier: Earlier | None = None) -> Iterator[Root | None]:
    """Yield what the modules of Python and of installed packages hold, packages' first; None between whiles."""
    for name in sorted(
        module_names(),
        key=lambda name: (name.partition(".")[0] in sys.stdlib_module_names, name.count(".")),
    ):
        yield None
        if not _is_own(name) and name.partition(".")[0] != "memmon":
            yield from _of_module(name, chosen, earlier, is_own=False)
            yield from _of_classes(name)
    yield from _of_frames(_local, is_own=False)


def large_roots(found: dict[str, Callable[[], object]]) -> Iterator[Root | None]:
    """Yield the variables of libraries in which a container of many entries was met: what leaks there is in one of them."""
    yield from found.items()


def running_roots() -> Iterator[Root | None]:
    """Yield whose methods of libraries' classes run, such as an event loop: there are few, and much may hang on them."""
    for thread_id in other_threads()[:_THREADS_READ]:
        reach = partial(stack, thread_id)
        named = [_named_variables(one, is_own=False) for one in reach()]
        methods = [(function, names[:1] if names[:1] == ("self",) else ()) for function, names in named]
        yield from _of_variables(reach, methods, _no_thread)


def is_own_module(name: str) -> bool:
    """Return whether a module is the program's own."""
    return _is_own(name)


def module_names() -> list[str]:
    """Return the names of the loaded modules."""
    return _plain_names(sys.modules)


def task_count() -> int | None:
    """Return how many tasks asyncio knows of; None when it isn't loaded, or doesn't keep them in a set."""
    module = module_at("asyncio.tasks")
    found = [_members(entry_of(module_values(module), name)) for name in _TASK_SETS]
    known = [len(members) for members in found if members is not None]
    return sum(known) if known else None


def _plain_names(values: Any) -> list[str]:
    if not issubclass(type(values), dict):
        return []
    found = attempt(lambda: list(islice(dict.keys(values), _NAMES_LIMIT))) or []
    return [name for name in found if type(name) is str]


def _is_own(name: str) -> bool:
    if name == "__main__":
        return True
    if name.partition(".")[0] == "memmon":
        return False
    file = entry_of(module_values(module_at(name)), "__file__")
    return type(file) is str and "site-packages" not in file and not file.startswith(sys.base_prefix)


def is_made_module(name: str) -> bool:
    """Return whether a module was made at run time, and neither loaded from a file nor built in."""
    values = module_values(module_at(name))
    return (
        entry_of(values, "__spec__") is None and entry_of(values, "__file__") is None and name != "__main__"
    )


def _of_module(name: str, chosen: Choice, earlier: Earlier | None, *, is_own: bool) -> Iterator[Root | None]:
    known = earlier.get(name) if earlier else None
    attributes = _variable_names(name) if known is None else known.split(_BETWEEN_NAMES)
    beginning = f"{name if is_own or not is_made_module(name) else MADE_MODULES + ANY}."
    is_large = len(module_values(module_at(name))) > _MANY_VARIABLES
    of_many = _types_of_many(name) if is_own and is_large else frozenset()
    found: list[str] = []
    for begun in range(0, len(attributes), _NAMES_AT_ONCE):
        yield None
        some = attributes[begun : begun + _NAMES_AT_ONCE]
        some = chosen("" if of_many else beginning, module_values(module_at(name)), some)
        found += some
        for attribute in some:
            is_one_of_many = bool(of_many) and id(type(variable(name, attribute))) in of_many
            path = f"{name}{ANY}" if is_one_of_many else beginning + attribute
            yield path, partial(variable, name, attribute)
    if earlier is not None:
        earlier[name] = _BETWEEN_NAMES.join(found)


def _variable_names(module: str) -> list[str]:
    """Return the names of a module's variables that may be roots."""
    return [
        name
        for name in _plain_names(module_values(module_at(module)))
        if (name[:2] != "__" or name == "__warningregistry__")
        and (module != "threading" or (module, name) not in LISTS_OF_THREADS)
    ]


def _types_of_many(name: str) -> frozenset[int]:
    """Return the types of which a module has more variables than anybody wrote: a program sets them as it runs."""
    counted: dict[int, int] = {}
    for kind in attempt(list, map(type, module_values(module_at(name)).values())) or ():
        counted[id(kind)] = counted.get(id(kind), 0) + 1
    return frozenset(kind for kind, count in counted.items() if count > _MANY_VARIABLES)


def _of_classes(name: str) -> Iterator[Root]:
    """Yield what the classes that a library's module defines hold themselves, but for functions and plain values."""
    for attribute in _plain_names(module_values(module_at(name))):
        for held in _held_by_class(variable(name, attribute), name):
            yield f"{name}.{attribute}.{held}", partial(_class_variable, name, attribute, held)


def _held_by_class(kind: object, module: str) -> list[str]:
    if not issubclass(type(kind), type) or module_name(cast("type", kind)) != module:
        return []
    entries = namespace_of(cast("type", kind))
    found = attempt(lambda: list(islice(entries.items(), _CLASS_ENTRIES_LIMIT))) or []
    return [
        name
        for name, one in found
        if type(name) is str and name[:2] != "__" and (_is_table(one) or _is_of_module(one, module))
    ]


def _is_table(value: object) -> bool:
    kind = type(value)
    return kind is dict or kind is list or kind is set or kind is deque


def _is_of_module(value: object, module: str) -> bool:
    """Return whether it is an object whose class the same module defines: a class's own registry or manager."""
    kind = type(value)
    return not is_static(kind) and not issubclass(kind, type) and module_name(kind) == module


def _class_variable(name: str, attribute: str, held: str) -> object:
    kind = variable(name, attribute)
    return namespace_of(kind).get(held) if issubclass(type(kind), type) else None  # type: ignore[arg-type]


def _of_frames(local: Callable[..., object], *, is_own: bool) -> Iterator[Root]:
    """Yield what the running functions hold in their variables; a module's are met as the module's."""
    for thread_id in other_threads()[:_THREADS_READ]:
        reach = partial(stack, thread_id)
        yield from _of_variables(reach, [_named_variables(one, is_own=is_own) for one in reach()], local)


def _of_variables(
    reach: Callable[[], list[FrameType]],
    named: list[tuple[str, tuple[str, ...]]],
    local: Callable[..., object],
) -> Iterator[Root]:
    for place, (function, names) in enumerate(named):
        for name in names:
            yield f"local {name} of {function}()", partial(local, reach, place, function, name)


def _named_variables(frame: FrameType, *, is_own: bool) -> tuple[str, tuple[str, ...]]:
    """Return a function's name and those of its variables, none of memmon's own functions."""
    code = frame.f_code
    is_asked_for = _is_own(_module_of(frame)) == is_own and not code.co_filename.startswith(_OUR_FOLDER)
    return code.co_qualname, variable_names(code) if is_asked_for else ()


def _module_of(frame: FrameType) -> str:
    values: Any = frame.f_globals
    name = entry_of(values, "__name__") if type(values) is dict else None
    return name if type(name) is str else ""


def _local(reach: Callable[[], list[FrameType]], place: int, function: str, name: str) -> object:
    found = reach()
    if place >= len(found) or found[place].f_code.co_qualname != function:
        return None
    return variable_of(found[place], name)


def task_roots() -> Iterator[Root]:
    """Yield the unfinished tasks: what holds one, if anything of the program's does, is a better way to it."""
    for reference in _task_references(_TASKS_LIMIT):
        yield f"task {_task_name(reference())}", reference


def _no_thread(reach: Callable[[], list[FrameType]], place: int, function: str, name: str) -> object:
    found = _local(reach, place, function, name)
    return None if issubclass(type(found), threading.Thread) else found


def waiting_roots() -> Iterator[Root]:
    """Yield the variables of waiting tasks; which task comes first is chance, for they are kept in a set."""
    for reference in _task_references(_TASKS_READ):
        reach = partial(_waiting, reference)
        yield from _of_variables(reach, [_named_variables(one, is_own=True) for one in reach()], _local)


def _task_references(count: int) -> list[weakref.ref[Any]]:
    """Return references to at most so many of the unfinished tasks, those that asyncio itself keeps."""
    kept: list[weakref.ref[Any]] = []
    for attribute in _TASK_SETS:
        members = _members(entry_of(module_values(module_at("asyncio.tasks")), attribute))
        found = attempt(list, islice(members, count)) if members else None
        kept += [member for member in found or () if type(member) is weakref.ref]
    return kept[:count]


def unfinished_tasks() -> dict[str, int]:
    """Return how many tasks wait, by function and the line on which it waits."""
    counted: dict[str, int] = {}
    for attribute in _TASK_SETS:
        members = _members(entry_of(module_values(module_at("asyncio.tasks")), attribute))
        for reference in attempt(list, islice(members, _TASKS_LIMIT)) or () if members else ():
            frames = _waiting(reference) if type(reference) is weakref.ref else []
            if frames:
                # Of the innermost function that is the program's: it waits in a library's.
                own = [one for one in frames if _is_own(_module_of(one))] or frames
                name = f"{frames[0].f_code.co_qualname}() at {own[-1].f_code.co_filename}:{own[-1].f_lineno}"
                counted[name] = counted.get(name, 0) + 1
    return counted


def _waiting(reference: Callable[[], object]) -> list[FrameType]:
    """Return the frames in which a task of asyncio's C code waits, the outermost first."""
    task = reference()
    kind: Any = entry_of(module_values(module_at("_asyncio")), "Task")
    if type(kind) is not type or not issubclass(type(task), kind):
        return []
    waiting: Any = namespace_of(kind)["get_coro"](task)
    found: list[FrameType] = []
    while len(found) < _DEPTH_LIMIT:
        if type(waiting) is CoroutineType:
            frame, waiting = waiting.cr_frame, waiting.cr_await
        elif type(waiting) is AsyncGeneratorType:
            frame, waiting = waiting.ag_frame, waiting.ag_await
        else:
            is_step = is_static(type(waiting)) and bare_name(type(waiting)) in _GENERATOR_STEPS
            waiting = gc.get_referents(waiting)[0] if is_step else None
            if type(waiting) is not AsyncGeneratorType:
                break
            continue
        if frame is None:
            break
        found.append(frame)
    return found


def _members(tasks: object) -> set[Any] | None:
    """Return the set inside asyncio's weak set, read without iterating the weak one, which would clean it up."""
    # Read as an attribute, by the slots of `object`: asking for the dict of all attributes would make one.
    is_weak = type(tasks) is weakref.WeakSet
    inner = attempt(object.__getattribute__, tasks, "data") if is_weak else tasks
    return inner if type(inner) is set else None


def _task_name(task: object) -> str:
    """Return the name of a task that asyncio's C code keeps; that of another is its own code's to tell."""
    kind: Any = entry_of(module_values(module_at("_asyncio")), "Task")
    if type(kind) is not type or not issubclass(type(task), kind):
        return "of a kind of its own"
    name: Any = attempt(class_entry(kind, "get_name"), task)
    if not issubclass(type(name), str):
        return "without a name"
    if not _NUMBERED.fullmatch(name):
        return str.__str__(name)
    coroutine = namespace_of(kind)["get_coro"](task)
    return f"of {coroutine.__qualname__}()" if type(coroutine) is CoroutineType else str.__str__(name)


def counted_beside() -> dict[str, int]:
    """Return how many there are of what no way of the walk leads to or through.

    The collector isn't told what `atexit` keeps; each module and each variable is a beginning of its own.
    """
    count: Any = entry_of(module_values(module_at("atexit")), "_ncallbacks")
    found = {KEPT_BY_ATEXIT: count()} if type(count) is BuiltinFunctionType else {}
    names = module_names()
    found["modules"] = len(names)
    for name in names:
        variable_count = len(module_values(module_at(name)))
        if variable_count > _MANY_VARIABLES and _is_own(name):
            found[f"variables of the module {name}"] = variable_count
    return found


def class_roots() -> Iterator[Root]:
    """Yield the classes made at run time: a leak of classes hangs on nothing else.

    The weak references are those that `object` itself keeps of its subclasses; none is made.
    """
    for reference in [weakref.ref(kind) for kind in type.__subclasses__(object)[-_CLASSES_LIMIT:]]:
        yield "classes", reference
