"""Checks of what the program passes: wrong arguments raise at the call, and say what is wanted."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypedDict

from memmon.facts.names import REPLACEMENT, is_hidden

if TYPE_CHECKING:
    from memmon.config import Settings

WRITERS = ("sqlite3", "sqlalchemy")
LONGEST_INTERVAL_SECONDS = 86_400.0
_NAME_LIMIT = 200


def number(
    value: object, name: str, *, low: float, high: float = math.inf, low_allowed: bool = False
) -> float:
    """Return `value` as a float inside (low, high]; raises TypeError or ValueError naming `name`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        msg = f"{name} must be a number, not {type(value).__name__}"
        raise TypeError(msg)
    inside = (value > low or (low_allowed and value == low)) and value <= high
    if not math.isfinite(value) or not inside:
        bound = "" if high == math.inf else f" and at most {high:g}"
        msg = f"{name} must be {'at least' if low_allowed else 'more than'} {low:g}{bound}, not {value!r}"
        raise ValueError(msg)
    return float(value)


def optional_number(
    value: float | None, name: str, *, high: float = math.inf, low_allowed: bool = False
) -> float | None:
    """Return `value` as a float inside (0, high], or None for None; raises TypeError or ValueError."""
    return None if value is None else number(value, name, low=0.0, high=high, low_allowed=low_allowed)


class _Range(TypedDict, total=False):
    high: float
    low_allowed: bool


_RANGES: dict[str, _Range] = {
    "high_memory_percent": {"high": 100.0},
    "leak_threshold_mb_per_hour": {},
    "alert_cooldown_minutes": {"low_allowed": True},
    "gc_threshold_mb": {"low_allowed": True},
}
"""What the numbers among the settings may be; all are more than 0, or 0 where that is allowed."""


def checked_settings(settings: Settings, **given: float | str | None) -> Settings:
    """Return the settings with what was given (not None) in their place, its numbers checked.

    Raises TypeError or ValueError for the first that is wrong.
    """
    checked: dict[str, Any] = {
        name: optional_number(value, name, **_RANGES[name]) if name in _RANGES else value  # type: ignore[arg-type] # what is no number is told
        for name, value in given.items()
    }
    return replace(settings, **{name: value for name, value in checked.items() if value is not None})


def writer(value: object) -> str | None:
    """Return what is to write a file, or None; raises ValueError for what memmon knows no writer of."""
    if value is not None and value not in WRITERS:
        msg = f"writer must be one of {', '.join(WRITERS)}, not {value!r}"
        raise ValueError(msg)
    return None if value is None else str(value)


def optional_name(value: object, name: str) -> str | None:
    """Return a short text or None; raises TypeError or ValueError naming `name`."""
    if value is None:
        return None
    if not isinstance(value, str):
        msg = f"{name} must be a str, not {type(value).__name__}"
        raise TypeError(msg)
    if not value.strip():
        msg = f"{name} must not be empty; leave it out for the default"
        raise ValueError(msg)
    return value[:_NAME_LIMIT]


def one_line(text: str, limit: int) -> str:
    """Return at most `limit` characters of a text from the program, fit to be shown in a terminal.

    Control, format (bidi, zero width) and surrogate characters become `?`, line ends blanks.
    """
    plain = " ".join(str.__str__(text)[:limit].splitlines())
    return "".join(REPLACEMENT if is_hidden(one) else one for one in plain)


def callback(value: object, name: str) -> None:
    """Raise TypeError unless `value` is None or callable."""
    if value is not None and not callable(value):
        msg = f"{name} must be callable, not {type(value).__name__}"
        raise TypeError(msg)


def clock_like(value: object) -> None:
    """Raise TypeError unless `value` has the two methods of a Clock."""
    if not (callable(getattr(value, "now", None)) and callable(getattr(value, "monotonic", None))):
        msg = "clock must have now() -> aware datetime and monotonic() -> float, as memmon.clock.SystemClock has"
        raise TypeError(msg)


def aware(moment: datetime) -> datetime:
    """Return `moment` in UTC; a naive one is read as local time."""
    return moment.astimezone(UTC)
