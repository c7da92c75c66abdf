"""Engines that keep to themselves: mute for the program's logging, deaf to the program's listeners.

A program that has a database of its own logs `sqlalchemy.engine`, counts queries with a listener on
the class Engine, traces sqlite3. All of that would run in memmon's writer thread, inside its
transaction, and a handler or a listener that waits would keep every other writer out. So memmon's
engines, pools, dialects and connections are of classes of their own, with a logger that is always
off; SQLAlchemy hands no listener of the classes above to a class that says so.
"""

from __future__ import annotations

import inspect
import logging
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine import create as making
from sqlalchemy.pool import NullPool

from memmon.store.connect.plain_sqlite import unadapted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import URL
    from sqlalchemy.engine import Dialect

T = TypeVar("T")


class _SilentLogger(logging.Logger):
    """A logger outside the program's tree, which no configuration of the program's can turn on."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: ARG002, N802 -- the name is logging's; nothing is enabled
        return False


_SILENT = _SilentLogger("memmon.sql")


def _logger(_made: object) -> logging.Logger:
    return _SILENT


def _keep_silent(_made: object, _given: object) -> None:
    """SQLAlchemy hands each object the logger of its class, which is the program's."""


def _never(_made: object) -> bool:
    return False


# Set on our classes themselves. (With a base to inherit them from, an object made by SQLAlchemy
# could not become one of ours: Python compares where the attributes of both lie.)
_DEAF = {
    # No listener of the classes above is handed down,
    "_sa_propagate_class_events": False,
    # nor the mark that there is one.
    "_has_events": False,
}
_MUTE = {
    "echo": False,
    "logger": property(_logger, _keep_silent),
    "_should_log_debug": _never,
    "_should_log_info": _never,
}


def _secluded(kind: type[T]) -> type[T]:
    for name, value in (_DEAF | _MUTE if hasattr(kind, "logging_name") else _DEAF).items():
        setattr(kind, name, value)
    return kind


@_secluded
class _Connection(Connection):
    pass


@_secluded
class _Engine(Engine):
    _connection_cls = _Connection

    def connect(self) -> Connection:
        """Return a connection; not by the method above, which a tracer may have exchanged."""
        return self._connection_cls(self)


@_secluded
class _Pool(NullPool):
    pass


def make_engine(
    url: URL | str,
    *,
    begin: str | None = None,
    execution_options: Mapping[str, object] | None = None,
    **options: Any,
) -> Engine:
    """Return an engine of `create_engine` that keeps to itself, without a pool; raises what that raises.

    `begin`: the statement that begins each transaction (SQLite); by default the driver begins them.
    """
    # A tracer exchanges `create_engine` by a function that listens to each engine made; it is past that.
    create = inspect.unwrap(making.create_engine)
    # Statements of ours join on purpose; a warning would go through the program's `warnings`.
    engine: Engine = create(url, poolclass=_Pool, enable_from_linting=False, **options)
    kind = _secluded_dialect(type(engine.dialect), begin)  # type: ignore[arg-type] # any class can be hashed
    _reclass(engine.dialect, kind)
    _reclass(engine, _Engine)
    # Not before: SQLAlchemy sets some of them up as a listener of the engine.
    engine.update_execution_options(**(execution_options or {}))
    return engine


def _execute(_dialect: object, cursor: Any, statement: str, parameters: Any, _context: object = None) -> None:
    cursor.execute(statement, unadapted(parameters))


def _execute_many(
    _dialect: object, cursor: Any, statement: str, parameters: Any, _context: object = None
) -> None:
    cursor.executemany(statement, [unadapted(one) for one in parameters])


@cache
def _secluded_dialect(kind: type[Dialect], begin: str | None) -> type[Dialect]:
    # One class for each kind: SQLAlchemy walks through all derived classes with each new listener.
    members: dict[str, Any] = {"__module__": __name__}
    # The cache of statements is only used by a class that says so itself.
    members["supports_statement_cache"] = True
    if kind.name == "sqlite":
        members |= {"do_execute": _execute, "do_executemany": _execute_many}
    if begin is not None:
        # Not by a listener: an engine that has one tells listeners on the class Connection of its first.
        members["do_begin"] = lambda _dialect, connection: connection.execute(begin)
    return _secluded(type(f"_Secluded{kind.__name__}", (kind,), members))


def _reclass(made: Any, kind: type) -> None:
    """Make an object one of our class, without what listened to it as one of the class before."""
    made.__dict__.pop("dispatch", None)
    made.__dict__.pop("_has_events", None)
    made.__class__ = kind
