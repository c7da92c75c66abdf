"""What Python itself keeps for a program and no variable of the program's holds: hooks, signal handlers, running threads."""

from __future__ import annotations

from functools import partial
from types import BuiltinFunctionType
from typing import TYPE_CHECKING

from memmon.guest.shielding import attempt
from memmon.probe.objects.plain import module_at, module_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Root = tuple[str, Callable[[], object]]

_HOOKS = (
    ("sys", "excepthook"),
    ("sys", "unraisablehook"),
    ("sys", "displayhook"),
    ("threading", "excepthook"),
)
"""Where a program puts functions of its own, each of which may keep the one before."""

_THREADS = ("threading", "_active")
LISTS_OF_THREADS = {_THREADS, ("threading", "_limbo"), ("threading", "_dangling")}
"""Of the running threads, each of which is met by its variables, if nothing else of the program's holds it."""


def variable(name: str, attribute: str) -> object:
    """Return a variable of a module, None when it has none of that name."""
    return dict.get(module_values(module_at(name)), attribute)


def hook_roots() -> Iterator[Root]:
    """Yield the functions that a program has Python call: hooks, and handlers of signals."""
    for name, attribute in _HOOKS:
        yield f"{name}.{attribute}", partial(variable, name, attribute)
    handler_of = variable("_signal", "getsignal")
    if type(handler_of) is not BuiltinFunctionType:
        return
    for name in list(module_values(module_at("_signal"))):
        number = variable("_signal", name)
        if name[:3] == "SIG" and "_" not in name and type(number) is int:
            yield f"signal.getsignal({name})", partial(attempt, handler_of, number)


def thread_roots() -> Iterator[Root]:
    """Yield the running threads: one that runs a library's code alone and that nothing of the program's holds is met nowhere else."""
    yield ".".join(_THREADS), partial(variable, *_THREADS)
