"""Connections of sqlite3 that keep to themselves: past tracers, and deaf to the program's adapters."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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
_ADAPTED = frozenset((kind, sqlite3.PrepareProtocol) for kind in _BOUND_AS)


def unadapted(parameters: Any) -> Any:
    """Return parameters of a statement that no adapter of the program's changes."""
    if not _has_adapters():
        return parameters
    if isinstance(parameters, dict):
        return {name: _unadapted(value) for name, value in parameters.items()}
    return tuple(map(_unadapted, parameters))


def unadapted_rows(rows: Sequence[Any]) -> Sequence[Any]:
    """Return the parameters of many runs of a statement, each `unadapted`."""
    return [unadapted(one) for one in rows] if _has_adapters() else rows


def _has_adapters() -> bool:
    """Tell whether the program has adapters for plain types."""
    # Without a look at what is registered (another build of sqlite3), as if something were.
    adapters: Mapping[tuple[type, type], object] | None = getattr(sqlite3, "adapters", None)
    return adapters is None or not adapters.keys().isdisjoint(_ADAPTED)


def _unadapted(value: Any) -> Any:
    bound_as = _BOUND_AS.get(type(value))
    return value if bound_as is None else bound_as(value)
