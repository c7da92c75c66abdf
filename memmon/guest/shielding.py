"""How a guest behaves: a failing reading is a missing value, and a failing log handler is nothing.

`KeyboardInterrupt` and `SystemExit` belong to the program (its signal handlers raise them at any
line) and pass through; all else that foreign code raises stops here.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from memmon.guest.log_thread import LogThread

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator

P = ParamSpec("P")
T = TypeVar("T")

_of_thread = threading.local()
_log_thread = LogThread()


def attempt(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """Return what `function` returns, or None when it raises."""
    try:
        return function(*args, **kwargs)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # a reading that fails is missing, whatever it raised
        return None


def describe_error(error: BaseException) -> str:
    """Return the error's type and a short text; an error whose text can't be had shows its type alone."""
    text = attempt(str, error)
    name = type(error).__name__
    return f"{name}: {text[:200]!a}" if text else name


def log_safely(own_logger: logging.Logger, level: int, message: str, *args: object) -> None:
    """Log one line: at once in the program's threads, through the log thread in memmon's own.

    A handler or filter of the program that raises does not reach the caller.
    """
    lines = getattr(_of_thread, "lines", None)
    if lines is None:
        _emit(own_logger, level, message, args)
    else:
        lines.append((own_logger, level, message, args))


def mark_own_thread() -> None:
    """Let this thread, one of memmon's, never wait for a lock or a handler of the program's logging."""
    _of_thread.is_memmons = True


def drain_log(timeout_seconds: float) -> bool:
    """Wait until the lines of memmon's own threads are logged; False when a handler hangs or it takes longer."""
    return _log_thread.drain(timeout_seconds)


def after_fork_in_child() -> None:
    """Forget the lines of the parent's threads."""
    _log_thread.after_fork_in_child()


def _emit(own_logger: logging.Logger, level: int, message: str, args: tuple[object, ...]) -> None:
    if getattr(_of_thread, "is_memmons", False):
        _log_thread.call(partial(attempt, own_logger.log, level, message, *args))
    else:
        attempt(own_logger.log, level, message, *args)


@contextmanager
def defer_logging() -> Iterator[None]:
    """Log what this thread says inside the block only when the block has ended.

    Whoever logs under a lock of memmon's waits for the program's log handlers, and a handler that
    asks for a snapshot waits for that lock.
    """
    if getattr(_of_thread, "lines", None) is not None:
        yield
        return
    lines: list[tuple[logging.Logger, int, str, tuple[object, ...]]] = []
    _of_thread.lines = lines
    try:
        yield
    finally:
        _of_thread.lines = None
        for line in lines:
            _emit(*line)
