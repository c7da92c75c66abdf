"""How a guest behaves: a failing reading is a missing value, and a failing log handler is nothing.

`KeyboardInterrupt` and `SystemExit` belong to the host (its signal handlers raise them at any
line) and pass through; all else that foreign code raises stops here.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger("memmon.probe")

_held_back = threading.local()


def attempt(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """Return what `function` returns, or None when it raises."""
    try:
        return function(*args, **kwargs)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - a reading that fails is missing, whatever it raised
        return None


def describe_error(error: BaseException) -> str:
    """Return the error's type and a short text; an error whose text can't be had shows its type alone."""
    text = attempt(str, error)
    name = type(error).__name__
    return f"{name}: {text[:200]!a}" if text else name


def say(level: int, message: str, *args: object) -> None:
    """Log one line; a handler or filter of the host that raises does not reach the caller."""
    lines = getattr(_held_back, "lines", None)
    if lines is None:
        attempt(logger.log, level, message, *args)
    else:
        lines.append((level, message, args))


@contextmanager
def later() -> Iterator[None]:
    """Log what this thread says inside the block only when the block has ended.

    Whoever logs under a lock of memmon's waits for the host's log handlers, and a handler that
    asks for a snapshot waits for that lock.
    """
    if getattr(_held_back, "lines", None) is not None:
        yield
        return
    lines: list[tuple[int, str, tuple[object, ...]]] = []
    _held_back.lines = lines
    try:
        yield
    finally:
        _held_back.lines = None
        for level, message, args in lines:
            attempt(logger.log, level, message, *args)
