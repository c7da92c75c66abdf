"""Where the walk for evidence begins: modules, running functions, tasks and classes, each by a name.

A root is a name and a way to reach its object anew. What iterates here holds names and no objects
of the program's: other threads run between two roots, and whoever holds an object then may be the
last to let it go, and so the one in whose thread its finaliser runs.
"""

from __future__ import annotations

import sys
import weakref
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memmon.guest.shielding import attempt
from memmon.probe.objects.frames import other_threads, stack, variable_names, variable_of
from memmon.probe.objects.plain import class_entry, entry_of, module_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    Root = tuple[str, Callable[[], object]]

_NAMES_LIMIT = 20_000
_TASKS_LIMIT = 5_000
_CLASSES_LIMIT = 20_000
_OUR_FOLDER = f"{Path(__file__).parents[2]}/"
_TASK_SETS = ("_all_tasks", "_scheduled_tasks", "_eager_tasks")


def own_roots() -> Iterator[Root | None]:
    """Yield where the program's own objects begin: modules, running functions, tasks; None between whiles."""
    for name in sorted(module_names(), key=lambda name: name != "__main__"):
        yield None
        if _is_own(name):
            yield from _of_module(name)
    yield from _of_frames()
    yield from _of_tasks()


def library_roots() -> Iterator[Root | None]:
    """Yield what the modules of Python and of installed packages hold, packages' first; None between whiles."""
    for name in sorted(module_names(), key=lambda name: name.count(".")):
        yield None
        if not _is_own(name) and name.partition(".")[0] != "memmon":
            yield from _of_module(name)


def is_own_module(name: str) -> bool:
    """Return whether a module is the program's own."""
    return _is_own(name)


def module_names() -> list[str]:
    """Return the names of the loaded modules."""
    return _plain_names(sys.modules)


def module_at(name: str) -> object:
    """Return what is loaded under a name, None when nothing is."""
    modules: Any = sys.modules
    return dict.get(modules, name) if issubclass(type(modules), dict) else None


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


def _of_module(name: str) -> Iterator[Root]:
    for attribute in _plain_names(module_values(module_at(name))):
        if not attribute.startswith("__"):
            yield f"{name}.{attribute}", partial(_variable, name, attribute)


def _variable(name: str, attribute: str) -> object:
    return dict.get(module_values(module_at(name)), attribute)


def _of_frames() -> Iterator[Root]:
    """Yield what the running functions hold in their variables; a module's are met as the module's."""
    for thread_id in other_threads():
        for place, (function, names) in enumerate([_named_variables(one) for one in stack(thread_id)]):
            for name in names:
                yield f"local {name} of {function}()", partial(_local, thread_id, place, function, name)


def _named_variables(frame: FrameType) -> tuple[str, tuple[str, ...]]:
    """Return a function's name and those of its variables, none of memmon's own functions."""
    names = () if frame.f_code.co_filename.startswith(_OUR_FOLDER) else variable_names(frame.f_code)
    return frame.f_code.co_qualname, names


def _local(thread_id: int, place: int, function: str, name: str) -> object:
    found = stack(thread_id)
    if place >= len(found) or found[place].f_code.co_qualname != function:
        return None
    return variable_of(found[place], name)


def _of_tasks() -> Iterator[Root]:
    for attribute in _TASK_SETS:
        members = _members(entry_of(module_values(module_at("asyncio.tasks")), attribute))
        found = attempt(list, islice(members, _TASKS_LIMIT)) if members else None
        for reference in [member for member in found or () if type(member) is weakref.ref]:
            yield f"task {_task_name(reference())}", reference


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
    name = attempt(class_entry(kind, "get_name"), task)
    return str.__str__(name) if issubclass(type(name), str) else "without a name"


def class_roots() -> Iterator[Root]:
    """Yield the classes made at run time: a leak of classes hangs on nothing else.

    The weak references are those that `object` itself keeps of its subclasses; none is made.
    """
    for reference in [weakref.ref(kind) for kind in type.__subclasses__(object)[-_CLASSES_LIMIT:]]:
        yield "classes", reference
