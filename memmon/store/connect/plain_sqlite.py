"""Connections of sqlite3 that keep to themselves: past tracers, and deaf to the program's adapters."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def connect_sqlite(uri: str, *, timeout_seconds: float, is_shared: bool = False) -> sqlite3.Connection:
    """Return a connection of sqlite3 in autocommit; transactions are begun by us.

    Made by the class, not by `sqlite3.connect`, which a tracer may have exchanged. `is_shared`: more
    than one thread may use it.
    """
    return sqlite3.Connection(
        uri, uri=True, isolation_level=None, timeout=timeout_seconds, check_same_thread=not is_shared
    )


class _Int(int):
    __slots__ = ()


class _Float(float):
    __slots__ = ()


class _Str(str):
    __slots__ = ()


class _Bytes(bytes):
    __slots__ = ()


# sqlite3 looks adapters up by the very type of a value; those of a derived type are bound as they are.
_BOUND_AS: dict[type, type] = {bool: _Int, int: _Int, float: _Float, str: _Str, bytes: _Bytes}


def unadapted(parameters: Any) -> Any:
    """Return parameters of a statement that no adapter of the program's changes."""
    # Without a look at what is registered (another build of sqlite3), as if something were.
    adapters: Mapping[tuple[type, type], object] | None = getattr(sqlite3, "adapters", None)
    if adapters is not None and not any((kind, sqlite3.PrepareProtocol) in adapters for kind in _BOUND_AS):
        return parameters
    if isinstance(parameters, dict):
        return {name: _unadapted(value) for name, value in parameters.items()}
    return tuple(map(_unadapted, parameters))


def _unadapted(value: Any) -> Any:
    bound_as = _BOUND_AS.get(type(value))
    return value if bound_as is None else bound_as(value)
