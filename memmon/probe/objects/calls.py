"""Whether a callable can be called without arguments."""

from __future__ import annotations

from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from memmon.probe.objects.plain import class_entry


def takes_no_arguments(target: Any) -> bool:
    """Return whether it can be called as `target()`; what doesn't tell its parameters gets the benefit.

    The object isn't asked for a `__signature__`: a mock or a proxy would note it, or answer.
    """
    if type(target) is BuiltinFunctionType:
        return _is_builtin_without_arguments(target)
    given_count, keywords = 0, set()
    while type(target) is partial:
        given_count += len(target.args)
        keywords |= set(target.keywords)
        target = target.func
    if type(target) is MethodType:
        target, given_count = target.__func__, given_count + 1
    elif type(target) is not FunctionType:
        target, given_count = class_entry(type(target), "__call__"), given_count + 1
    return type(target) is not FunctionType or _needed_names(target, given_count) <= keywords


def _needed_names(function: FunctionType, given_count: int) -> set[str]:
    """Return the parameters that have no default and aren't among the first `given_count`."""
    code = function.__code__
    placed_count = code.co_argcount - len(function.__defaults__ or ())
    by_keyword = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    return {*code.co_varnames[given_count:placed_count], *by_keyword} - set(function.__kwdefaults__ or ())


def _is_builtin_without_arguments(target: Any) -> bool:
    from inspect import signature  # 8 ms, only for a builtin function

    try:
        signature(target).bind()
    except TypeError:
        return False
    except Exception:  # noqa: BLE001 - a function of C code that doesn't tell its signature
        return True
    return True
