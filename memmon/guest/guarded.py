"""The gate between memmon's faults and its host: what goes wrong inside is logged, not raised."""

from __future__ import annotations

import functools
import logging
import os
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from memmon.guest.shielding import log_safely

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("memmon")

P = ParamSpec("P")
T = TypeVar("T")

RAISE_VARIABLE = "MEMMON_RAISE_INTERNAL_ERRORS"
"""Set to 1 in memmon's own tests, where a fault inside must not pass unseen."""


def guarded(*, default: Any) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator: an exception inside is logged and `default` returned.

    Wrong arguments are checked before the guarded part is entered.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def inner(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return function(*args, **kwargs)
            except Exception as error:  # the program must go on, whatever it was
                report_fault(function.__qualname__, error)
                return default  # type: ignore[no-any-return]  # the caller's own fallback

        return inner

    return decorate


def report_fault(where: str, error: BaseException) -> None:
    """Log a fault of memmon's own; never raises, unless memmon's tests ask for it."""
    if os.environ.get(RAISE_VARIABLE) == "1":
        raise error
    log_safely(
        log, logging.ERROR, "memmon: internal error in %s: %r; the program is not affected", where, error
    )
