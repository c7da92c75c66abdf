"""Programs whose threads are green (gevent, eventlet): what blocks goes on in a thread of the machine's.

There the threads of the standard library are replaced, memmon's with them: all of them are one thread of the machine's,
and while one waits for a disk, or for a database that another process holds, no other goes on, the program's neither.
"""

from __future__ import annotations

import _thread
import sys
import time
from _queue import Empty
from _queue import SimpleQueue as MachineQueue
from importlib.machinery import BuiltinImporter
from types import BuiltinFunctionType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from queue import SimpleQueue

T = TypeVar("T")

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.002, 0.05
_LONGEST_QUEUE_PAUSE_SECONDS = 0.2


def is_green() -> bool:
    """Tell whether the threads that are started now are green."""
    return not isinstance(_thread.start_new_thread, BuiltinFunctionType)


def call_aside(function: Callable[[], T]) -> T:
    """Return what `function` returns; in a green thread it is called in a thread of the machine's, and the others go on."""
    if not is_green():
        return function()
    answer: list[tuple[T | None, BaseException | None]] = []

    def call() -> None:
        try:
            answer.append((function(), None))
        except BaseException as error:  # it is raised where it was asked for
            answer.append((None, error))

    try:
        _start_real_thread(call)
    except RuntimeError:  # no thread can be had, or the interpreter ends
        return function()
    result: T = _when_answered(answer)
    return result


def new_queue() -> SimpleQueue[Any]:
    """Return a queue between threads of the kind that the program has: green where its own are.

    What makes threads green replaces it in the module `queue`, which then is loaded; else it need not be.
    """
    made: SimpleQueue[Any] = getattr(sys.modules.get("queue"), "SimpleQueue", MachineQueue)()
    return made


def get_from(queue: SimpleQueue[T], timeout_seconds: float) -> T:
    """Return the next item as `queue.get` does, Empty where there is none in time.

    A queue that was made before the threads became green holds up all of them while it is waited for.
    """
    if not isinstance(queue, MachineQueue) or not is_green():
        return queue.get(timeout=timeout_seconds)
    deadline = time.monotonic() + timeout_seconds
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return queue.get_nowait()
        except Empty:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise
        time.sleep(min(pause, remaining))  # noqa: TID251 -- the others go on meanwhile
        pause = min(2 * pause, _LONGEST_QUEUE_PAUSE_SECONDS)


def _when_answered(answer: list[tuple[Any, BaseException | None]]) -> Any:
    pause = _FIRST_PAUSE_SECONDS
    while not answer:
        # What is green may not be waited for from another thread: no lock, no event.
        time.sleep(pause)  # noqa: TID251 -- the others go on meanwhile
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
    result, error = answer[0]
    if error is not None:
        raise error
    return result


def _start_real_thread(function: Callable[[], None]) -> None:
    """Start a thread as the interpreter does; raises RuntimeError where none can be had."""
    spec = BuiltinImporter.find_spec("_thread")
    if spec is None or spec.loader is None:
        msg = "the interpreter has no threads"
        raise RuntimeError(msg)
    made = spec.loader.create_module(spec)  # a new one: in the module that all share the function is replaced
    assert made is not None
    spec.loader.exec_module(made)
    made.start_new_thread(function, ())
