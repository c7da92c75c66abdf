"""What Alembic says while it migrates inside a program stays out of that program's logging."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Those that speak while revisions run, or when they are loaded for it: there they may not be yet.
_SPEAKERS = (
    "alembic.ddl.impl",
    "alembic.ddl.postgresql",
    "alembic.runtime.migration",
    "alembic.runtime.plugins",
    "alembic.util.messaging",
)


@contextmanager
def alembic_silent() -> Iterator[None]:
    """Keep what Alembic says in this thread out of the program's logging: a transaction is open.

    What it says in other threads, for the program's own migrations, passes.
    """
    thread_id = threading.get_ident()

    def is_others(record: logging.LogRecord) -> bool:
        return record.thread != thread_id

    known = [name for name in logging.root.manager.loggerDict if name.startswith("alembic.")]
    loggers = [logging.getLogger(name) for name in {"alembic", *_SPEAKERS, *known}]
    for one in loggers:
        one.addFilter(is_others)
    try:
        yield
    finally:
        for one in loggers:
            one.removeFilter(is_others)
