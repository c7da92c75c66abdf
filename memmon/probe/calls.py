"""Whether a callable can be called without arguments."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def takes_no_arguments(target: Callable[..., object]) -> bool:
    """Return whether it can be called as `target()`; what doesn't tell its parameters gets the benefit."""
    if type(target) is FunctionType:
        code = target.__code__
        needed_count = code.co_argcount - len(target.__defaults__ or ())
        needed_keyword_count = code.co_kwonlyargcount - len(target.__kwdefaults__ or {})
        return needed_count <= 0 and needed_keyword_count <= 0
    from inspect import signature  # 8 ms, only for callables that are no plain functions

    try:
        parameters = signature(target)
    except Exception:  # noqa: BLE001 - a callable without a signature, or whose signature raises
        return True
    try:
        parameters.bind()
    except TypeError:
        return False
    return True
